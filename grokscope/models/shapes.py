"""The weights of a model: their names and shapes, as TransformerLens users know them."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.errors import UnsoundError
from grokscope.models.feedforward.forms import form_of


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every trained weight of `config`, in the order of the forward pass.

    W_E [token d_model]; W_pos [pos d_model]; W_Q, W_K, W_V [head d_model d_head]; W_O [head d_head d_model];
    W_in [d_model neuron]; W_out [neuron d_model]; W_U [d_model class]; biases where the configuration has them. A
    feed-forward model's are those of its form.
    """
    if not config.has_attention:
        return form_of(config).weight_shapes(config)
    c = config
    shapes: dict[str, tuple[int, ...]] = {"embed.W_E": (c.d_vocab, c.d_model)}
    if c.positional == "learned":
        shapes["pos_embed.W_pos"] = (c.n_ctx, c.d_model)
    for layer in range(c.n_layers):
        block = f"blocks.{layer}."
        if c.normalization != "none":
            shapes |= {block + "ln1.w": (c.d_model,), block + "ln1.b": (c.d_model,)}
        for name in ("W_Q", "W_K", "W_V"):
            shapes[f"{block}attn.{name}"] = (c.n_heads, c.d_model, c.d_head)
        shapes[block + "attn.W_O"] = (c.n_heads, c.d_head, c.d_model)
        if c.bias_attn:
            for name in ("b_Q", "b_K", "b_V"):
                shapes[f"{block}attn.{name}"] = (c.n_heads, c.d_head)
            shapes[block + "attn.b_O"] = (c.d_model,)
        if c.attn_only:
            continue
        if c.normalization != "none":
            shapes |= {block + "ln2.w": (c.d_model,), block + "ln2.b": (c.d_model,)}
        shapes[block + "mlp.W_in"] = (c.d_model, c.d_mlp)
        if c.bias_mlp:
            shapes[block + "mlp.b_in"] = (c.d_mlp,)
        shapes[block + "mlp.W_out"] = (c.d_mlp, c.d_model)
        if c.bias_mlp:
            shapes[block + "mlp.b_out"] = (c.d_model,)
    if c.normalization == "pre":
        shapes |= {"ln_final.w": (c.d_model,), "ln_final.b": (c.d_model,)}
    shapes["unembed.W_U"] = (c.d_model, c.d_vocab_out)
    if c.bias_unembed:
        shapes["unembed.b_U"] = (c.d_vocab_out,)
    return shapes


def check_weights(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    where: str,
    names: Sequence[str] | None = None,
) -> None:
    """Raise UnsoundError where `weights` are not those of `config`, or hold NaN or infinity.

    `where` names the file in the message; `names` the weights that are asked for, all of the model's where None.
    """
    shapes = {k: s for k, s in weight_shapes(config).items() if names is None or k in names}
    for name in shapes.keys() - weights.keys():
        raise UnsoundError(f"{where}: weight {name} is missing", ", ".join(shapes))
    for name in weights.keys() - shapes.keys():
        raise UnsoundError(f"{where}: weight {name} is not one of the model's", ", ".join(shapes))
    for name, shape in shapes.items():
        if tuple(weights[name].shape) != shape:
            raise UnsoundError(
                f"{where}: {name} has shape {tuple(weights[name].shape)} in the file, {shape} in the model"
            )
        if not weights[name].is_floating_point():
            raise UnsoundError(f"{where}: {name} is {weights[name].dtype}", "float32 or float64")
        if not bool(weights[name].isfinite().all()):
            raise UnsoundError(f"{where}: {name} holds NaN or infinity")
