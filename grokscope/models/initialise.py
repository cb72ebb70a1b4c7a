"""Initial weights, from a seed of their own and the CPU's generator, so that they are the same on every machine."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.models.feedforward.forms import form_of
from grokscope.models.feedforward.linear import zhong2023_linear
from grokscope.models.feedforward.one_hot import gromov2023
from grokscope.models.feedforward.two_embeddings import chughtai2023
from grokscope.models.shapes import weight_shapes

TRANSFORMER = ("nanda2023", "zhong2023")
"""Published rules of the transformer; a feed-forward family's own stands in its form."""
GENERAL = ("normal", "xavier_uniform", "kaiming_uniform")
"""Rules for every architecture."""


def initialise(config: ModelConfig, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Return the initial weights of `config`, drawn in float32 and then cast to `dtype`.

    - nanda2023: every matrix randn / sqrt(d_model), W_U randn / sqrt(d_vocab), drawn in the order and the layouts of
      Nanda et al. 2023 (arXiv 2301.05217) after manual_seed(init_seed): equal to theirs bit for bit.
    - zhong2023: the same but W_in randn / sqrt(d_mlp) and W_U drawn before the blocks (Zhong et al. 2023, their code).
    - chughtai2023, gromov2023, zhong2023_linear: the feed-forward families' own, in `models/feedforward/`.
    - normal: matrices N(0, 0.02), as GPT-2.
    - xavier_uniform: U(-g, g), g = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); heads count together.
    - kaiming_uniform: U(-g, g), g = 1 / sqrt(fan_in), as torch's Linear; embeddings N(0, 1), as torch's Embedding.

    Biases begin at 0 where the rule does not draw them, LayerNorm at the identity. All is multiplied by `init_scale`,
    LayerNorm excepted.

    Raises
    ------
    RequestError
        For a published rule of another architecture.
    """
    check_rule(config)
    generator = torch.Generator().manual_seed(config.init_seed)

    if config.initialisation in PUBLISHED:
        drawn = PUBLISHED[config.initialisation](config, generator)
    else:
        drawn = {
            name: _scaled_draw(name, shape, config, generator)
            for name, shape in weight_shapes(config).items()
            if _is_matrix(name)
        }
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name in drawn:
            weights[name] = drawn[name] * config.init_scale
        elif ".ln" in f".{name}" and name.endswith(".w"):
            weights[name] = torch.ones(shape)
        else:
            weights[name] = torch.zeros(shape)
    return {name: weight.to(dtype).contiguous() for name, weight in weights.items()}


def check_rule(config: ModelConfig) -> None:
    """Raise RequestError where the initialisation is the published one of another architecture."""
    own = TRANSFORMER if config.has_attention else (form_of(config).initialisation,)
    rules = tuple(dict.fromkeys((*own, *GENERAL)))
    if config.initialisation not in rules:
        raise RequestError(
            f"initialisation = {config.initialisation} with architecture = {config.architecture}",
            ", ".join(rules),
        )


def _is_matrix(name: str) -> bool:
    return name.rsplit(".", 1)[-1].startswith("W_")


def _transformer(config: ModelConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw by nanda2023 or zhong2023, in the order of their constructors."""
    c, zhong = config, config.initialisation == "zhong2023"

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def unembed() -> Tensor:
        return randn(c.d_model, c.d_vocab_out) / math.sqrt(c.d_vocab)

    drawn = {"embed.W_E": (randn(c.d_model, c.d_vocab) / math.sqrt(c.d_model)).T}
    if c.positional == "learned":
        drawn["pos_embed.W_pos"] = randn(c.n_ctx, c.d_model) / math.sqrt(c.d_model)
    if zhong:
        drawn["unembed.W_U"] = unembed()
    for layer in range(c.n_layers):
        attn, mlp = f"blocks.{layer}.attn.", f"blocks.{layer}.mlp."
        for name in ("W_K", "W_Q", "W_V"):
            drawn[attn + name] = (
                randn(c.n_heads, c.d_head, c.d_model) / math.sqrt(c.d_model)
            ).transpose(1, 2)
        flat = randn(c.d_model, c.n_heads * c.d_head) / math.sqrt(c.d_model)
        drawn[attn + "W_O"] = flat.T.reshape(c.n_heads, c.d_head, c.d_model)
        if not c.attn_only:
            width = c.d_mlp if zhong else c.d_model
            drawn[mlp + "W_in"] = (randn(c.d_mlp, c.d_model) / math.sqrt(width)).T
            drawn[mlp + "W_out"] = (randn(c.d_model, c.d_mlp) / math.sqrt(c.d_model)).T
    if not zhong:
        drawn["unembed.W_U"] = unembed()
    return drawn


Draw = Callable[[ModelConfig, torch.Generator], dict[str, Tensor]]
PUBLISHED: dict[str, Draw] = {
    "nanda2023": _transformer,
    "zhong2023": _transformer,
    "chughtai2023": chughtai2023,
    "gromov2023": gromov2023,
    "zhong2023_linear": zhong2023_linear,
}


def _scaled_draw(
    name: str, shape: tuple[int, ...], config: ModelConfig, generator: torch.Generator
) -> Tensor:
    if config.initialisation == "normal":
        return torch.randn(*shape, generator=generator) * 0.02
    embedding = name.startswith(("embed", "pos_embed"))
    if embedding and config.initialisation == "kaiming_uniform":
        return torch.randn(*shape, generator=generator)
    inner = config.n_heads * config.d_head
    if len(shape) == 3:
        fan_in, fan_out = (
            (inner, config.d_model) if name.endswith("W_O") else (config.d_model, inner)
        )
    else:
        fan_in, fan_out = shape
    if config.initialisation == "xavier_uniform":
        bound = math.sqrt(6 / (fan_in + fan_out))
    else:
        bound = 1 / math.sqrt(fan_in)
    return (torch.rand(*shape, generator=generator) * 2 - 1) * bound
