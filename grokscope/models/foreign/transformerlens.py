"""Layout `transformerlens`: the state dict of a HookedTransformer, names and shapes as ours.

Buffers (`mask`, `IGNORE`) are no weights. `x_embed` and `y_embed` stand beside the model in the
transformers of Chughtai et al. 2023 and are not used by its forward. Of the normalisations, LN has
parameters; LNPre has none and leaves no trace in the file, so that "none" is only ever assumed
where the settings do not say.
"""

from grokscope.models.foreign.layout import Layout, Part

_NORMS = ("blocks.i.ln1", "blocks.i.ln2", "ln_final")
_AXES = {
    "embed.W_E": "d_vocab d_model",
    "pos_embed.W_pos": "n_ctx d_model",
    **{f"blocks.i.attn.W_{part}": "head d_model d_head" for part in "QKV"},
    "blocks.i.attn.W_O": "head d_head d_model",
    **{f"blocks.i.attn.b_{part}": "head d_head" for part in "QKV"},
    "blocks.i.attn.b_O": "d_model",
    "blocks.i.mlp.W_in": "d_model d_mlp",
    "blocks.i.mlp.b_in": "d_mlp",
    "blocks.i.mlp.W_out": "d_mlp d_model",
    "blocks.i.mlp.b_out": "d_model",
    **{f"{norm}.{part}": "d_model" for norm in _NORMS for part in "wb"},
    "unembed.W_U": "d_model d_vocab_out",
    "unembed.b_U": "d_vocab_out",
}

TRANSFORMERLENS = Layout(
    name="transformerlens",
    parts={name: Part(name, axes) for name, axes in _AXES.items()},
    dropped=("blocks.i.attn.mask", "blocks.i.attn.IGNORE", "x_embed", "y_embed"),
)
