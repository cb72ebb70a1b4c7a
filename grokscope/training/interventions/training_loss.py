"""The loss that is trained on: softmax, StableMax or squared error, of logits at a temperature."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from grokscope.config import InterventionConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(change: InterventionConfig, loss_dtype: str) -> Loss:
    r"""Return the mean cross-entropy, or squared error, of (logits, labels), in the precision `loss_dtype`.

    The loss is that of logits / T, with a T that is not trained: for the same probabilities, logits must be T times
    larger (Truong 2026, arXiv 2606.18465, varies T with the norm held, to tell the weight norm from the logit scale).
    Default: T = 1.

    Metrics always report softmax at T = 1, whatever was trained on; after training on the squared error that too.
    """
    dtype = getattr(torch, loss_dtype)

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        fed = softmax_logits(logits, change, dtype)
        if change.loss_function == "mse":
            return squared_errors(fed, labels).mean()
        return functional.cross_entropy(fed, labels)

    return loss


def softmax_logits(
    logits: Float[Tensor, "input class"], change: InterventionConfig, dtype: torch.dtype
) -> Float[Tensor, "input class"]:
    """Return what the training loss takes the softmax of: logits / T in its precision; for StableMax `log_stable`."""
    logits = logits.to(dtype)
    if change.temperature != 1:
        logits = logits / change.temperature
    return log_stable(logits) if change.loss_function == "stablemax" else logits


def squared_errors(
    logits: Float[Tensor, "input class"], labels: Int[Tensor, " input"]
) -> Float[Tensor, " input"]:
    """Return the mean over classes of (logits - one-hot answer)^2, per row.

    Averaged over the classes too, as torch's MSELoss: logits of 0 have 1 / classes, the value at which the runs of
    Gromov 2023 (arXiv 2301.02679) begin.
    """
    targets = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return (logits - targets).square().mean(1)


def log_stable(x: Float[Tensor, "input class"]) -> Float[Tensor, "input class"]:
    r"""Return log s(x), whose softmax is StableMax (Prieto et al. 2025, arXiv 2501.04697).

    s(x) = x + 1 for x >= 0, 1 / (1 - x) for x < 0, in place of exp(x): StableMax_i = s(x_i) / sum_j s(x_j), and so
    log s(x) = log(1 + x) for x >= 0, -log(1 - x) for x < 0. It grows slowly enough that no term of the sum is absorbed
    by another in floating point (softmax collapse), and the gradient of a memorised row does not round to zero.

    Default: softmax.
    """
    return torch.where(x >= 0, torch.log1p(x.clamp(min=0)), -torch.log1p(-x.clamp(max=0)))
