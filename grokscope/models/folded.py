"""The logits alone, with weight products folded: what the training loop needs, at less cost.

Without LayerNorm nothing but two products and a sum stands between the neurons' activation function and the logits, so
W_out W_U is formed once, and the neurons do not pass through the residual stream:

    logits = neurons (W_out W_U) + (resid_mid + b_out) W_U + b_U

In one layer nothing but products stands between the values of a token and the neurons either. Each token's values are
taken through W_O W_in and W_O W_U once, head by head, and what attention mixes are rows of that table:

    pre[row] = sum_{pos, head} pattern[row, head, pos] T[pos, token, head] + (stream of the last token) W_in + b_in
    T[pos, token, head] = v[pos, token, head] W_O[head] W_in

A sum of 12 rows of 512 numbers in place of a product with 128 x 128 and one with 128 x 512, for each input. Exact both,
and gradients flow through the products to all weights.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.fast import (
    Answer,
    after_attention,
    attention_out,
    attention_scores,
    before_last_block,
    fast_forward,
    gather,
    last_block,
    linear,
    mix,
    project,
    unembed,
)
from grokscope.models.lookup import weighted_lookup
from grokscope.models.parts import ACTIVATIONS, mixed_pattern
from grokscope.models.plan import Plan

ROWS_PER_TOKEN = 2
"""Values are looked up where there are at least so many rows for each token of a position."""


def can_fold(config: ModelConfig) -> bool:
    """Return whether the weight products can be folded: no LayerNorm, and neurons."""
    return config.normalization == "none" and not config.attn_only


def can_look_up(config: ModelConfig, plan: Plan) -> bool:
    """Return whether values can be taken through the weights behind them token by token, and the plan allows it."""
    return plan.tables and can_fold(config) and config.n_layers == 1


def pays(plan: Plan) -> bool:
    """Return whether looking up is the faster way: many rows for each token, on a processor."""
    n_tokens = sum(map(len, plan.tokens))
    return plan.tokens[0].device.type == "cpu" and plan.n_rows >= ROWS_PER_TOKEN * n_tokens


def fast_logits(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Float[Tensor, "input class"]:
    """Return the logits at the last position; equal to those of `fast_forward` up to rounding."""
    if not can_fold(config):
        return fast_forward(weights, config, plan).logits
    if can_look_up(config, plan) and pays(plan):
        return looked_up(weights, config, plan)[0]
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


def looked_up(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> tuple[Float[Tensor, "input class"], Float[Tensor, "input neuron"]]:
    """Return (logits, neurons) at the last position of a model of one layer, from tables of its tokens."""
    block, w_u = last_block(weights, config), weights["unembed.W_U"]
    behind = _behind_attention(weights, config, plan)
    neurons = ACTIVATIONS[config.act_fn](behind(block["mlp.W_in"], block.get("mlp.b_in")))
    b_out = block["mlp.b_out"] @ w_u if "mlp.b_out" in block else None
    b_u = weights.get("unembed.b_U")
    direct = behind(w_u, b_out if b_u is None else b_u if b_out is None else b_out + b_u)
    return torch.addmm(direct, neurons, block["mlp.W_out"] @ w_u), neurons


def looked_up_answer(weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan) -> Answer:
    """Return logits, neurons and streams at the last position of a model of one layer, from tables of its tokens."""
    block = last_block(weights, config)
    behind = _behind_attention(weights, config, plan)
    neurons = ACTIVATIONS[config.act_fn](behind(block["mlp.W_in"], block.get("mlp.b_in")))
    resid_mid = behind(None, None)
    resid_post = torch.addmm(resid_mid, neurons, block["mlp.W_out"])
    if "mlp.b_out" in block:
        resid_post += block["mlp.b_out"]
    return Answer(unembed(weights, config, resid_post), neurons, resid_mid, resid_post)


def _behind_attention(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Callable[[Tensor | None, Tensor | None], Tensor]:
    """Return (w, b) -> (stream after attention) w + b for all rows; the stream itself where w is None."""
    block, last = last_block(weights, config), plan.n_ctx - 1
    streams = before_last_block(weights, config, plan)
    tokens = torch.cat([stream.table for stream in streams])
    sizes = [len(stream.table) for stream in streams]
    query, keys = project(streams[last].table, block, "Q"), project(tokens, block, "K").split(sizes)
    scores = attention_scores(config, plan, streams, query, keys, last)
    pattern = mixed_pattern(torch.stack(scores, 1).softmax(1), config.attention_rate)
    weight = torch.cat([pattern.flatten(1), pattern.new_ones(len(pattern), 1)], 1)
    values, w_o = project(tokens, block, "V"), block["attn.W_O"]
    lookup = plan.answer_lookup(config.n_heads)
    before = streams[last].table
    if "attn.b_O" in block:
        before = before + block["attn.b_O"]

    def behind(w: Tensor | None, b: Tensor | None) -> Tensor:
        heads, d_head, d_model = w_o.shape
        by_head = w_o if w is None else (w_o.reshape(-1, d_model) @ w).reshape(heads, d_head, -1)
        table = torch.bmm(values.transpose(0, 1), by_head).transpose(0, 1).flatten(0, 1)
        own = before if w is None else linear(before, w, b)
        return weighted_lookup(torch.cat([table, own]), weight, lookup)

    return behind
