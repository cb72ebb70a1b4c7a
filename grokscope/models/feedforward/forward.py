"""The exact fast forward of the feed-forward models.

The first layer is linear in each operand, so its pre-activations are a sum of two table look-ups:

    pre[a, b] = left[a] + right[b],  left = s_in E_left W_left,  right = s_in E_right W_right + n b_in

n rows of each table go through W_in instead of every pair. The rest is computed row by row. Gathers are embedding
look-ups, as in the transformer's fast forward.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from grokscope.config import ModelConfig
from grokscope.models.fast import FastActivations, linear
from grokscope.models.feedforward.forms import form_of
from grokscope.models.lookup import weighted_lookup
from grokscope.models.parts import ACTIVATIONS
from grokscope.models.plan import Plan


def operand_tables(
    weights: Mapping[str, Tensor], config: ModelConfig
) -> tuple[Float[Tensor, "token neuron"], Float[Tensor, "token neuron"]]:
    """Return what each value adds to the first layer's pre-activations as first and as second operand, with the bias.

    The bias stands in the second table.
    """
    form = form_of(config)
    w = weights["blocks.0.mlp.W_in"]
    parts = w.chunk(2) if form.join == "concatenate" else (w, w)
    embeddings = [weights[name] for name in form.embedding_names]
    if not embeddings:
        left, right = parts
    elif form.join == "add" and len(embeddings) == 1:
        left = right = embeddings[0] @ w
    else:
        left, right = embeddings[0] @ parts[0], embeddings[-1] @ parts[1]
    scale = form.input_scale(config)
    if scale != 1:
        left, right = left * scale, right * scale
    if form.bias_times:
        right = right + form.bias_times * weights["blocks.0.mlp.b_in"]
    return left, right


def unembedding(
    weights: Mapping[str, Tensor], config: ModelConfig
) -> Float[Tensor, "neuron class"]:
    """Return the map from the last layer's neurons to the logits, s_out W_U."""
    scale = form_of(config).output_scale(config)
    return weights["unembed.W_U"] if scale == 1 else weights["unembed.W_U"] * scale


def looks_up(plan: Plan) -> bool:
    """Return whether both operands are looked up at once, on a processor."""
    return plan.tables and plan.tokens[0].device.type == "cpu"


def last_neurons(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Float[Tensor, "input neuron"]:
    """Return the last layer's neurons after the activation function."""
    tables = operand_tables(weights, config)
    # One row for each token that stands at the position.
    left, right = (
        functional.embedding(tokens, table)
        for tokens, table in zip(plan.tokens, tables, strict=False)
    )
    if looks_up(plan):
        pre = weighted_lookup(torch.cat([left, right]), None, plan.answer_lookup(n_heads=0))
    else:
        pre = functional.embedding(plan.answer_tokens(0), left)
        pre = pre + functional.embedding(plan.answer_tokens(1), right)
    return neurons_of(weights, config, pre)


def neurons_of(
    weights: Mapping[str, Tensor], config: ModelConfig, pre: Float[Tensor, "row neuron"]
) -> Float[Tensor, "row neuron"]:
    """Return the last layer's neurons after the activation function, from the first layer's pre-activations."""
    act = ACTIVATIONS[config.act_fn]
    neurons = act(pre)
    for layer in range(1, form_of(config).n_layers):
        block = f"blocks.{layer}.mlp."
        neurons = act(linear(neurons, weights[block + "W_in"], weights.get(block + "b_in")))
    return neurons


def fast_logits(
    weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan
) -> Float[Tensor, "input class"]:
    """Return the logits; equal to those of the hooked forward up to rounding."""
    return last_neurons(weights, config, plan) @ unembedding(weights, config)


def fast_forward(weights: Mapping[str, Tensor], config: ModelConfig, plan: Plan) -> FastActivations:
    """Return logits and neurons; equal to the hooked forward up to rounding, and gradients flow to `weights`.

    What the unembedding reads is the neurons themselves. There are no heads (0 of them), and nothing that skips the
    neurons: those streams are 0.
    """
    neurons = last_neurons(weights, config, plan)
    nothing = neurons.new_zeros(1, 1).expand(neurons.shape)
    no_heads = neurons.new_zeros(len(neurons), 0, 0)
    return FastActivations(
        logits=neurons @ unembedding(weights, config),
        neurons=neurons,
        resid_mid=nothing,
        resid_post=neurons,
        pattern=no_heads,
        z=no_heads,
        attn_out=nothing,
        resid_pre=nothing,
    )
