"""The logits alone, with a weight product folded: what the training loop needs, at less cost.

Without LayerNorm nothing stands between the neurons' activation function and the logits but two products and a sum, so
W_out W_U is formed once, and the neurons do not pass through the residual stream:

    logits = neurons (W_out W_U) + (resid_mid + b_out) W_U + b_U

Exact, and gradients flow through the product to both weights.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.fast import (
    Plan,
    after_attention,
    attention_out,
    before_last_block,
    fast_forward,
    gather,
    last_block,
    linear,
    mix,
)


def can_fold(config: ModelConfig) -> bool:
    """Return whether the weight products can be folded: no LayerNorm, and neurons."""
    return config.normalization == "none" and not config.attn_only


def fast_logits(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Float[Tensor, "input class"]:
    """Return the logits at the last position; equal to those of `fast_forward` up to rounding."""
    if not can_fold(config):
        return fast_forward(weights, config, plan).logits
    block, last = last_block(weights, config), plan.n_ctx - 1
    streams = before_last_block(weights, config, plan)
    z, _ = mix(block, config, plan, streams, (last,))[last]
    before = gather(streams[last].table, streams[last].index)
    resid_mid, neurons = after_attention(block, config, before, attention_out(block, z))
    assert neurons is not None
    skip = resid_mid + block["mlp.b_out"] if "mlp.b_out" in block else resid_mid
    w_u = weights["unembed.W_U"]
    direct = linear(skip, w_u, weights.get("unembed.b_U"))
    return torch.addmm(direct, neurons, block["mlp.W_out"] @ w_u)
