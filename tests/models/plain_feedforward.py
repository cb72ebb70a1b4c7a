"""The feed-forward models once more, as their papers write them: no line of grokscope in it."""

from collections.abc import Callable, Mapping
from math import sqrt

import torch
from plain_transformer import activation
from torch import Tensor

Edits = Mapping[str, Callable[[Tensor], Tensor]]

SHAPES = {
    "mlp": dict(d_model=5, d_mlp=7),
    "one_hot_mlp": dict(d_mlp=7),
    "shared_one_hot_mlp": dict(d_mlp=7),
    "linear_alpha": dict(d_model=5, d_mlp=7),
    "linear_beta": dict(d_model=5, d_mlp=7),
    "linear_gamma": dict(d_model=5, d_mlp=7),
    "linear_delta": dict(d_model=5, d_mlp=7),
    "linear_x": dict(d_model=5, d_mlp=7),
}


def pairs(n: int) -> Tensor:
    """Return the tokens (a, b) of every pair."""
    a, b = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
    return torch.stack([a.reshape(-1), b.reshape(-1)], 1)


def plain_feedforward(
    architecture: str,
    w: Mapping[str, Tensor],
    act_fn: str,
    n: int,
    tokens: Tensor,
    edits: Edits | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return (logits [input class], named intermediates [input pos width]); `edits` replaces intermediates by name."""
    edits, seen = edits or {}, {}

    def at(name: str, value: Tensor) -> Tensor:
        seen[name] = edits[name](value) if name in edits else value
        return seen[name]

    def one_hot(column: int) -> Tensor:
        return torch.eye(n, dtype=w["unembed.W_U"].dtype)[tokens[:, column]]

    if "one_hot" in architecture:
        a, b = one_hot(0), one_hot(1)
    elif architecture in ("mlp", "linear_x"):
        a = one_hot(0) @ w["embed_left.W_E"]
        b = one_hot(1) @ w["embed_right.W_E"]
    else:
        a, b = one_hot(0) @ w["embed.W_E"], one_hot(1) @ w["embed.W_E"]
    both = at("hook_embed", torch.stack([a, b], 1))
    a, b = both[:, 0], both[:, 1]
    side_by_side = architecture in ("mlp", "one_hot_mlp", "linear_delta")
    x = at("blocks.0.hook_mlp_in", (torch.cat([a, b], 1) if side_by_side else a + b)[:, None])[:, 0]
    pre = x @ w["blocks.0.mlp.W_in"]
    if architecture == "one_hot_mlp":
        pre = pre / sqrt(2 * n)
    if architecture.startswith("linear"):
        pre = pre + w["blocks.0.mlp.b_in"]
    if architecture == "linear_gamma":  # each operand passes the layer, bias and all, by itself
        pre = pre + w["blocks.0.mlp.b_in"]
    pre = at("blocks.0.mlp.hook_pre", pre[:, None])
    h = at("blocks.0.mlp.hook_post", activation(act_fn, pre))[:, 0]
    if architecture in ("linear_beta", "linear_gamma"):
        pre = at(
            "blocks.1.mlp.hook_pre", (h @ w["blocks.1.mlp.W_in"] + w["blocks.1.mlp.b_in"])[:, None]
        )
        h = at("blocks.1.mlp.hook_post", activation(act_fn, pre))[:, 0]
    logits = h @ w["unembed.W_U"]
    return logits / h.shape[1] if architecture == "one_hot_mlp" else logits, seen
