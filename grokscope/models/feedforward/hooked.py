"""The hooked feed-forward model, with TransformerLens's names where there is an equivalent.

| hook | shape | holds |
|---|---|---|
| hook_embed | batch 2 d_model | both operands' vectors, the first at position 0; one-hot without an embedding |
| blocks.0.hook_mlp_in | batch 1 input | both joined, as the first layer reads them |
| blocks.i.mlp.hook_pre, hook_post | batch 1 neuron | a hidden layer before and after the activation function |

From the join on there is one position, the pair: logits [batch 1 class] are read at the last position, as everywhere.
"""

from collections.abc import Mapping
from types import SimpleNamespace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from grokscope.config import ModelConfig
from grokscope.models.feedforward.form import Form
from grokscope.models.feedforward.forms import form_of
from grokscope.models.hooked import HookedModel
from grokscope.models.initialise import initialise
from grokscope.models.parts import ACTIVATIONS
from grokscope.models.shapes import check_weights
from grokscope.models.transformer import Embed


class Neurons(nn.Module):
    """One hidden layer, act(scale x W_in + times b_in); `hook_pre` and `hook_post` [batch 1 neuron]."""

    b_in: nn.Parameter | None

    def __init__(
        self, weights: Mapping[str, Tensor], act_fn: str, scale: float = 1.0, times: int = 1
    ) -> None:
        super().__init__()
        self.W_in = nn.Parameter(weights["W_in"])
        self.register_parameter(
            "b_in", nn.Parameter(weights["b_in"]) if "b_in" in weights else None
        )
        self.act_fn, self.scale, self.times = ACTIVATIONS[act_fn], scale, times
        self.hook_pre, self.hook_post = HookPoint(), HookPoint()

    def forward(self, x: Float[Tensor, "batch 1 input"]) -> Float[Tensor, "batch 1 neuron"]:
        """Return the neurons' activations."""
        pre = self.scale * (x @ self.W_in)
        if self.b_in is not None:
            pre = pre + self.times * self.b_in
        return self.hook_post(self.act_fn(self.hook_pre(pre)))


class Layer(nn.Module):
    """A hidden layer under TransformerLens's name, `blocks.i.mlp`; the first has `hook_mlp_in`."""

    def __init__(self, mlp: Neurons, first: bool) -> None:
        super().__init__()
        self.mlp = mlp
        self.hook_mlp_in = HookPoint() if first else None

    def forward(self, x: Float[Tensor, "batch 1 input"]) -> Float[Tensor, "batch 1 neuron"]:
        """Return the neurons' activations."""
        return self.mlp(x if self.hook_mlp_in is None else self.hook_mlp_in(x))


class Unembed(nn.Module):
    """`W_U` [neuron class]; logits = scale x W_U."""

    def __init__(self, weight: Tensor, scale: float) -> None:
        super().__init__()
        self.W_U = nn.Parameter(weight)
        self.scale = scale

    def forward(self, x: Float[Tensor, "batch 1 neuron"]) -> Float[Tensor, "batch 1 class"]:
        """Return the logits."""
        return self.scale * (x @ self.W_U)


class HookedFeedforward(HookedModel):
    """A feed-forward model whose every activation can be read and edited.

    Parameters
    ----------
    config
        The shape; `config.architecture` names the family.
    weights
        Name -> weight (`weight_shapes`); drawn from `config.init_seed` where None. The model holds copies.
    dtype
        Precision of drawn weights.

    Attributes
    ----------
    config
        Our configuration.
    cfg
        The same in TransformerLens's words.

    Raises
    ------
    UnsoundError
        Where `weights` do not fit `config`.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if weights is None:
            weights = initialise(config, dtype)
        check_weights(weights, config, "the given weights")
        weights = {name: weight.detach().clone() for name, weight in weights.items()}
        self.config, self.form = config, form_of(config)
        self.cfg = _transformer_lens_cfg(config, self.form, weights["unembed.W_U"])
        for name in self.form.embedding_names:
            self.add_module(name.removesuffix(".W_E"), Embed(weights[name]))
        self.hook_embed = HookPoint()
        self.blocks = nn.ModuleList(
            self._layer(layer, weights) for layer in range(self.form.n_layers)
        )
        self.unembed = Unembed(weights["unembed.W_U"], self.form.output_scale(config))
        self.setup()

    def _layer(self, layer: int, weights: Mapping[str, Tensor]) -> Layer:
        prefix = f"blocks.{layer}.mlp."
        own = {k.removeprefix(prefix): w for k, w in weights.items() if k.startswith(prefix)}
        if layer:
            return Layer(Neurons(own, self.config.act_fn), first=False)
        scale = self.form.input_scale(self.config)
        return Layer(Neurons(own, self.config.act_fn, scale, self.form.bias_times), first=True)

    def forward(self, tokens: Int[Tensor, "batch 2"]) -> Float[Tensor, "batch 1 class"]:
        """Return the logits of each pair (a, b)."""
        x = self.hook_embed(self._operands(tokens))
        if self.form.join == "add":
            x = x.sum(1, keepdim=True)
        else:
            x = x.reshape(len(x), 1, -1)
        for block in self.blocks:
            x = block(x)
        return self.unembed(x)

    def _operands(self, tokens: Int[Tensor, "batch 2"]) -> Float[Tensor, "batch 2 d_model"]:
        tables = [self.get_submodule(n.removesuffix(".W_E")) for n in self.form.embedding_names]
        if not tables:
            return nn.functional.one_hot(tokens, self.config.d_vocab).to(self.cfg.dtype)
        if len(tables) == 1:
            return tables[0](tokens)
        return torch.cat([tables[0](tokens[:, :1]), tables[1](tokens[:, 1:])], 1)


def _transformer_lens_cfg(config: ModelConfig, form: Form, like: Tensor) -> SimpleNamespace:
    return SimpleNamespace(
        n_layers=form.n_layers,
        n_heads=0,
        d_model=form.operand_width(config),
        d_mlp=config.d_mlp,
        d_vocab=config.d_vocab,
        d_vocab_out=config.d_vocab_out,
        n_ctx=config.n_ctx,
        act_fn=config.act_fn,
        attn_only=False,
        normalization_type=None,
        default_prepend_bos=False,
        device=like.device,
        dtype=like.dtype,
        model_name="grokscope",
    )
