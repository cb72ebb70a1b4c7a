"""Small functions that the hooked and the fast forward share."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from grokscope.config import ModelConfig

LN_EPS = 1e-5

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
    "square": torch.square,
    "identity": lambda x: x,
}


def sinusoidal_positions(
    n_ctx: int, d_model: int, dtype: torch.dtype
) -> Float[Tensor, "pos d_model"]:
    """Return sin(pos / 10000^(2i/d)) at even and cos at odd columns (Vaswani et al. 2017, section 3.5)."""
    position = torch.arange(n_ctx, dtype=torch.float64)[:, None]
    rate = torch.exp(
        -math.log(10_000.0) * torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    )
    table = torch.zeros(n_ctx, d_model, dtype=torch.float64)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, : d_model // 2]
    return table.to(dtype)


def position_table(
    config: ModelConfig, learned: Tensor | None, like: Tensor
) -> Float[Tensor, "pos d_model"] | None:
    """Return what is added to the embedding at each position, None where there are no positions."""
    if config.positional == "learned":
        return learned
    if config.positional == "sinusoidal":
        return sinusoidal_positions(config.n_ctx, config.d_model, like.dtype).to(like.device)
    return None


def mixed_pattern(
    softmax: Float[Tensor, "*batch key"],
    rate: float,
    visible: Bool[Tensor, "... key"] | None = None,
) -> Float[Tensor, "*batch key"]:
    """Return rate * softmax + (1 - rate) at every visible position (all where None), 0 elsewhere.

    Source: Zhong et al. 2023 (arXiv 2306.17844) and their code, M' = alpha M + (1 - alpha) 1. The ones are not divided
    by the number of positions: a row sums to rate + (1 - rate) * positions. Rate 1 is plain attention, to the bit;
    rate 0 reads all positions alike, and the gradients of queries and keys are 0.
    """
    if rate == 1:
        return softmax
    if visible is None:
        return rate * softmax + (1 - rate)
    return rate * softmax + (1 - rate) * visible.to(softmax.dtype)


def layer_norm(
    x: Float[Tensor, "... d_model"], w: Tensor, b: Tensor
) -> tuple[Float[Tensor, "... d_model"], Float[Tensor, "... 1"], Float[Tensor, "... d_model"]]:
    """Return (w * normalised + b, scale, normalised), scale = sqrt(var + 1e-5)."""
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + LN_EPS).sqrt()
    normalised = centred / scale
    return normalised * w + b, scale, normalised


def normalise(
    x: Float[Tensor, "... d_model"], w: Tensor, b: Tensor
) -> Float[Tensor, "... d_model"]:
    """Return what `layer_norm` returns first, by torch's own fused function: its scale cannot be read or edited."""
    return functional.layer_norm(x, w.shape, w, b, LN_EPS)
