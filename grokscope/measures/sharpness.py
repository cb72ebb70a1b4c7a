"""Sharpness: how much the training loss can rise within a small box around the weights."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor
from torch.nn import functional

from grokscope.errors import RequestError
from grokscope.measures.box_maximum import BoxMaximum, ValueAndGradient, maximise_in_box
from grokscope.measures.registry import measure
from grokscope.models.families import logits_of
from grokscope.models.plan import Plan, make_plan
from grokscope.runs.snapshot import Snapshot

EPSILON = 1e-3
MAX_ITERATIONS = 10


@measure(
    source="Keskar et al. 2017 (arXiv 1609.04836), equation 3; Power et al. 2022 (arXiv 2201.02177), appendix A.5",
    long_name="Sharpness",
    units="%",
    formula="100 (max over |y_i| <= eps (|x_i| + 1) of f(x + y) - f(x)) / (1 + f(x)), f the mean training loss, x all "
    "weights, eps = 1e-3, at most 10 iterations of L-BFGS-B",
    reads=("activations", "gradients", "training rows"),
    cost="gradient",
    label_free=True,
    needs=("split",),
    default=False,
    builtin=True,
)
def sharpness(snap: Snapshot) -> float:
    """Largest relative rise of the training loss in a box around the weights, in per cent of 1 + loss."""
    return relative_rise(largest_loss_nearby(snap))


def relative_rise(found: BoxMaximum) -> float:
    """Return 100 (max - f) / (1 + f), in per cent (Keskar et al. 2017, equation 3)."""
    return 100 * (found.value - found.at_centre) / (1 + found.at_centre)


def largest_loss_nearby(
    snap: Snapshot, epsilon: float = EPSILON, max_iterations: int = MAX_ITERATIONS
) -> BoxMaximum:
    """Return the largest mean training loss f(x + y) that was found for |y_i| <= epsilon (|x_i| + 1).

    x are all trained weights, LayerNorms and biases included, in the order of `snap.weights`; f is the cross-entropy
    over all classes of the model, averaged over all training rows with the answers as trained, without dropout or
    noise; float64. Keskar et al. 2017 (arXiv 1609.04836), equation 3 with A the identity (the full space), where
    epsilon is 1e-3 and 5e-4 and the search has 10 iterations of L-BFGS-B: a lower bound of the maximum. Ten iterations
    reached .87 to 1 of what 40 to 60 found, on runs of the presets nanda2023 and power2022.

    The public code of Power et al. 2022 minimises where equation 3 maximises, divides the gradient once more by the
    batch size, and by default searches a random subspace of 10 dimensions; its numbers are not of this definition.

    Raises
    ------
    RequestError
        Where the split is not known, or epsilon or the number of iterations is not above 0.
    """
    if not epsilon > 0 or max_iterations < 1:
        raise RequestError(
            f"epsilon = {epsilon}, max_iterations = {max_iterations}", "numbers above 0"
        )
    rows = snap.rows("train")
    if not len(rows):
        raise RequestError("the split is not known", "a run whose training rows are known")
    causal = snap.config.attention_mask == "causal"
    plan = snap.context.memo("train_plan", lambda: make_plan(snap.task.tokens[rows], causal))
    x = np.concatenate([w.double().reshape(-1).numpy() for w in snap.weights.values()])
    loss = _loss_and_gradient(snap, plan, snap.labels[torch.as_tensor(rows)])
    return maximise_in_box(loss, x, epsilon * (np.abs(x) + 1), max_iterations)


def _loss_and_gradient(snap: Snapshot, plan: Plan, labels: Tensor) -> ValueAndGradient:
    sizes = [w.numel() for w in snap.weights.values()]

    def weights_of(x: Float[Tensor, " n"]) -> Mapping[str, Tensor]:
        parts = zip(snap.weights.items(), x.split(sizes), strict=True)
        return {name: part.reshape(w.shape) for (name, w), part in parts}

    def function(x: Float[ndarray, " n"]) -> tuple[float, Float[ndarray, " n"]]:
        leaf = torch.tensor(x, requires_grad=True)
        logits = logits_of(weights_of(leaf), snap.config, plan)
        loss = functional.cross_entropy(logits, labels)
        (gradient,) = torch.autograd.grad(loss, leaf)
        return loss.item(), gradient.numpy()

    return function
