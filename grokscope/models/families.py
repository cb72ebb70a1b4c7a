"""One door to all architectures: the forward, its last sum, and the hooked model, by `config.architecture`.

A feed-forward model is the transformer's last block with W_out = 1, nothing that skips the neurons, and no heads: what
is written for the sum that the unembedding reads holds for both.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models import fast, folded
from grokscope.models.fast import Answer, FastActivations, OnAddition
from grokscope.models.feedforward import forward as feedforward
from grokscope.models.feedforward.forms import form_of
from grokscope.models.plan import Plan

if TYPE_CHECKING:
    from grokscope.models.feedforward.hooked import HookedFeedforward
    from grokscope.models.transformer import HookedTransformer


def forward(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    plan: Plan,
    on_addition: OnAddition | None = None,
) -> FastActivations:
    """Return logits and activations at the answer position, by the exact fast forward of the architecture.

    `on_addition` edits what is added to the residual stream, and is for transformers only.
    """
    if config.has_attention:
        return fast.fast_forward(weights, config, plan, on_addition)
    assert on_addition is None, "a feed-forward model has no residual stream"
    return feedforward.fast_forward(weights, config, plan)


def logits_of(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Float[Tensor, "input class"]:
    """Return the logits alone, at least cost."""
    if config.has_attention:
        return folded.fast_logits(weights, config, plan)
    return feedforward.fast_logits(weights, config, plan)


def short_answer(weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan) -> Answer | None:
    """Return logits, neurons and streams at the answer position where they cost less than `forward`, else None."""
    if config.has_attention and folded.can_look_up(config, plan) and folded.pays(plan):
        return folded.looked_up_answer(weights, config, plan)
    return None


def lookup_heads(config: ModelConfig, plan: Plan) -> int | None:
    """Return the `n_heads` of the look-up that `logits_of` makes in this plan, None where it makes none."""
    if not config.has_attention:
        return 0 if feedforward.looks_up(plan) else None
    return config.n_heads if folded.can_look_up(config, plan) and folded.pays(plan) else None


def last_block(weights: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Return the weights of the last block, without its prefix; a feed-forward model's with W_out = 1."""
    block = fast.last_block(weights, config)
    if not config.has_attention:
        w_u = weights["unembed.W_U"]
        block["mlp.W_out"] = torch.eye(len(w_u), dtype=w_u.dtype, device=w_u.device)
    return block


def embedding(weights: Mapping[str, Tensor], config: ModelConfig) -> Float[Tensor, "token d_model"]:
    """Return the vector that each value of the first operand enters as.

    Of one-hot operands it is their row of the first layer's weights, [token neuron].
    """
    if config.has_attention:
        return weights["embed.W_E"]
    names = form_of(config).embedding_names
    return weights[names[0]] if names else weights["blocks.0.mlp.W_in"][: config.d_vocab]


def operand_weights(config: ModelConfig) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return where the first and the second operand enter: (weight, row of value 0), values along its first axis."""
    if config.has_attention:
        return ("embed.W_E", 0), ("embed.W_E", 0)
    form = form_of(config)
    if form.embedding_names:
        return (form.embedding_names[0], 0), (form.embedding_names[-1], 0)
    name = "blocks.0.mlp.W_in"
    return (name, 0), (name, config.d_vocab if form.join == "concatenate" else 0)


def unembedding(
    weights: Mapping[str, Tensor], config: ModelConfig
) -> Float[Tensor, "d_model class"]:
    """Return the map from what the unembedding reads (the stream, or the last neurons) to the logits."""
    return (
        weights["unembed.W_U"] if config.has_attention else feedforward.unembedding(weights, config)
    )


def after_sum(
    weights: Mapping[str, Tensor], config: ModelConfig, total: Float[Tensor, "input d_model"]
) -> Float[Tensor, "input class"]:
    """Return the logits of the last block's final residual sum, or of the last neurons."""
    if config.has_attention:
        return fast.after_sum(weights, config, total)
    return total @ feedforward.unembedding(weights, config)


def hooked_model(
    config: ModelConfig, weights: Mapping[str, Tensor]
) -> "HookedTransformer | HookedFeedforward":
    """Return the hooked model with a copy of `weights`; imports transformer_lens, which takes seconds."""
    if config.has_attention:
        from grokscope.models.transformer import HookedTransformer

        return HookedTransformer(config, weights)
    from grokscope.models.feedforward.hooked import HookedFeedforward

    return HookedFeedforward(config, weights)
