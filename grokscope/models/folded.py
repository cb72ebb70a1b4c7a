"""The logits alone, with weight products folded: what the training loop needs, at the least cost.

Without LayerNorm everything between two activation functions is linear, so the products W_O W_in, W_O W_U and W_out W_U
are formed once instead of passing every row through the residual stream between them:

    neurons = act(z (W_O W_in) + (stream W_in + b_O W_in + b_in))
    logits  = neurons (W_out W_U) + z (W_O W_U) + (stream W_U + (b_O + b_out) W_U + b_U)

with z each head's mix of values and the stream that before the last block, one row for the constant `=`. Exact, and
gradients flow through the products to every weight.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.fast import (
    Plan,
    before_last_block,
    fast_forward,
    gather,
    last_block,
    mix,
)
from grokscope.models.parts import ACTIVATIONS


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
    z = z.reshape(len(z), -1)
    w_o = block["attn.W_O"].reshape(-1, config.d_model)
    w_in, w_out, w_u = block["mlp.W_in"], block["mlp.W_out"], weights["unembed.W_U"]
    stream = streams[last].table
    if "attn.b_O" in block:
        stream = stream + block["attn.b_O"]
    to_neurons = stream @ w_in
    if "mlp.b_in" in block:
        to_neurons = to_neurons + block["mlp.b_in"]
    if "mlp.b_out" in block:
        stream = stream + block["mlp.b_out"]
    to_logits = stream @ w_u
    if "unembed.b_U" in weights:
        to_logits = to_logits + weights["unembed.b_U"]
    index = streams[last].index
    neurons = ACTIVATIONS[config.act_fn](torch.addmm(gather(to_neurons, index), z, w_o @ w_in))
    direct = torch.addmm(gather(to_logits, index), z, w_o @ w_u)
    return torch.addmm(direct, neurons, w_out @ w_u)
