"""Restricted and excluded losses with the projection taken at the neurons."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import Inputs, Numbers, losses
from grokscope.bench.step_by_step.projections import projected


def neuron_losses(
    inputs: Inputs,
    weights: Mapping[str, Tensor],
    stream: Float[Tensor, "input d_model"],
    neurons: Float[Tensor, "input neuron"],
) -> Numbers:
    """Return the losses when each neuron is projected on the key waves of the sum, or loses that part.

    Once with the stream that skips the neurons, and their means, kept (as in TransformerLens's demo of grokking), once
    through the neuron-logit map alone (Chughtai et al. 2023, arXiv 2302.03025, section 5).
    """
    values, waves = neurons.double(), inputs.directions(inputs.key)
    part = projected(waves, values)
    w_out, b_out = weights["blocks.0.mlp.W_out"], weights.get("blocks.0.mlp.b_out")
    w_u = weights["unembed.W_U"][:, : inputs.p]
    bias = torch.zeros_like(stream[0]) if b_out is None else b_out
    train = inputs.rows["train"]

    def beside_the_stream(new: Float[Tensor, "input neuron"]) -> Float[Tensor, " input"]:
        out = stream + new.to(w_out.dtype) @ w_out + bias
        return losses(out @ w_u, inputs.labels)

    def alone(new: Float[Tensor, "input neuron"]) -> Float[Tensor, " input"]:
        return losses(new @ (w_out.double() @ w_u.double()), inputs.labels)

    return {
        "restricted_loss_neuron": inputs.over_rows(beside_the_stream(values.mean(0) + part)),
        "excluded_loss_neuron": [float(beside_the_stream(values - part)[train].mean())],
        "restricted_loss_hidden": inputs.over_rows(alone(part)),
        "excluded_loss_hidden": [float(alone(values - part)[train].mean())],
    }
