"""Initial weights, from a seed of their own and the CPU's generator, so that they are the same on every machine."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.shapes import weight_shapes


def initialise(config: ModelConfig, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Return the initial weights of `config`, drawn in float32 and then cast to `dtype`.

    - nanda2023: every matrix randn / sqrt(d_model), W_U randn / sqrt(d_vocab), drawn in the order and the layouts of
      Nanda et al. 2023 (arXiv 2301.05217) after manual_seed(init_seed): equal to theirs bit for bit.
    - normal: matrices N(0, 0.02), as GPT-2.
    - xavier_uniform: U(-g, g), g = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010); heads count together.
    - kaiming_uniform: U(-g, g), g = 1 / sqrt(fan_in), as torch's Linear; embeddings N(0, 1), as torch's Embedding.

    Biases begin at 0, LayerNorm at the identity. All is multiplied by `init_scale`, LayerNorm excepted.
    """
    generator = torch.Generator().manual_seed(config.init_seed)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    weights = {}
    if config.initialisation == "nanda2023":
        drawn = _nanda2023(config, randn)
    else:
        drawn = {}
        for name, shape in weight_shapes(config).items():
            if _is_matrix(name):
                drawn[name] = _scaled_draw(name, shape, config, generator)
    for name, shape in weight_shapes(config).items():
        if name in drawn:
            weights[name] = drawn[name] * config.init_scale
        elif ".ln" in f".{name}" and name.endswith(".w"):
            weights[name] = torch.ones(shape)
        else:
            weights[name] = torch.zeros(shape)
    return {name: weight.to(dtype).contiguous() for name, weight in weights.items()}


def _is_matrix(name: str) -> bool:
    return name.rsplit(".", 1)[-1].startswith("W_")


def _nanda2023(config: ModelConfig, randn: Callable[..., Tensor]) -> dict[str, Tensor]:
    c = config
    drawn = {"embed.W_E": (randn(c.d_model, c.d_vocab) / math.sqrt(c.d_model)).T}
    if c.positional == "learned":
        drawn["pos_embed.W_pos"] = randn(c.n_ctx, c.d_model) / math.sqrt(c.d_model)
    for layer in range(c.n_layers):
        attn, mlp = f"blocks.{layer}.attn.", f"blocks.{layer}.mlp."
        for name in ("W_K", "W_Q", "W_V"):
            drawn[attn + name] = (
                randn(c.n_heads, c.d_head, c.d_model) / math.sqrt(c.d_model)
            ).transpose(1, 2)
        flat = randn(c.d_model, c.n_heads * c.d_head) / math.sqrt(c.d_model)
        drawn[attn + "W_O"] = flat.T.reshape(c.n_heads, c.d_head, c.d_model)
        if not c.attn_only:
            drawn[mlp + "W_in"] = (randn(c.d_mlp, c.d_model) / math.sqrt(c.d_model)).T
            drawn[mlp + "W_out"] = (randn(c.d_model, c.d_mlp) / math.sqrt(c.d_model)).T
    drawn["unembed.W_U"] = randn(c.d_model, c.d_vocab_out) / math.sqrt(c.d_vocab)
    return drawn


def _scaled_draw(
    name: str, shape: tuple[int, ...], config: ModelConfig, generator: torch.Generator
) -> Tensor:
    if config.initialisation == "normal":
        return torch.randn(*shape, generator=generator) * 0.02
    embedding = name in ("embed.W_E", "pos_embed.W_pos")
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
