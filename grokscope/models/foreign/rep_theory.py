"""Layout `rep_theory`: the code of Chughtai et al. 2023 (arXiv 2302.03025), transformers and MLPs on groups.

The transformer is a HookedTransformer with ReLU and without LayerNorm, reading a b =, whose state
dict also has products of embeddings (`x_embed`, `y_embed`). The MLP computes
relu([W_x[a], W_y[b]] W) W_U, without biases: our architecture `mlp`, in the same shapes. Their
third model, x * y of two embeddings, is no architecture here.
"""

from dataclasses import replace

from grokscope.models.foreign.layout import Layout, Part
from grokscope.models.foreign.transformerlens import TRANSFORMERLENS

TRANSFORMER = replace(
    TRANSFORMERLENS, name="rep_theory", implied={"act_fn": "relu", "normalization": "none"}
)

_MLP_PARTS = {
    "W_x": Part("embed_left.W_E", "d_vocab d_model"),
    "W_y": Part("embed_right.W_E", "d_vocab d_model"),
    "W": Part("blocks.0.mlp.W_in", "2*d_model d_mlp"),
    "W_U": Part("unembed.W_U", "d_mlp d_vocab_out"),
}
MLP = Layout(
    name="rep_theory",
    parts=_MLP_PARTS,
    dropped=("x_embed", "y_embed"),
    architecture="mlp",
    implied={"act_fn": "relu"},
    sources={
        "d_vocab": ("embed_left.W_E",),
        "d_model": ("embed_left.W_E",),
        "d_mlp": ("blocks.0.mlp.W_in",),
        "d_vocab_out": ("unembed.W_U",),
    },
    required=frozenset(part.ours for part in _MLP_PARTS.values()),
    in_blocks=frozenset(),
    together=(),
)
