"""What the measures need of each row of logits, from one pass over them in float64."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.runs.blocks import row_blocks

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class RowStatistics:
    """One number for each input.

    Attributes
    ----------
    log_sum
        ln sum_c exp L[c] over the answers.
    loss
        Cross-entropy over all classes of the model, natural logarithm.
    hit
        Whether the largest of all classes is the right one.
    energy
        Sum over the answers of (L[c] - mean)^2: what the softmax sees of a row.
    margin
        The right answer's logit less the largest of the other answers'.
    """

    log_sum: Float[Tensor, " input"]
    loss: Float[Tensor, " input"]
    hit: Bool[Tensor, " input"]
    energy: Float[Tensor, " input"]
    margin: Float[Tensor, " input"]


def row_statistics(snapshot: "Snapshot") -> RowStatistics:
    """Return them for all inputs; kept."""
    if "row statistics" not in snapshot.__dict__:
        snapshot.__dict__["row statistics"] = _statistics(snapshot)
    return snapshot.__dict__["row statistics"]


def _statistics(snapshot: "Snapshot") -> RowStatistics:
    n_rows, n_answers = snapshot.task.n_inputs, snapshot.task.n_classes
    log_sum, loss, energy, margin = torch.empty(4, n_rows, dtype=torch.float64)
    hit = torch.empty(n_rows, dtype=torch.bool)
    # Fresh memory for every intermediate result would take longer than the arithmetic.
    x_of, work_of = torch.empty(2, 0, n_answers, dtype=torch.float64)
    for rows in row_blocks(*snapshot.logits.shape):
        logits, labels = snapshot.logits[rows], snapshot.labels[rows, None]
        if len(logits) > len(x_of):
            x_of, work_of = torch.empty(2, len(logits), n_answers, dtype=torch.float64)
        x, work = x_of[: len(logits)], work_of[: len(logits)]
        x.copy_(logits[:, :n_answers])
        top = x.amax(1, keepdim=True)
        log_sum[rows] = torch.sub(x, top, out=work).exp_().sum(1).log_() + top[:, 0]
        right = logits.gather(1, labels)[:, 0].double()
        # Classes that are no answers, such as the sign `=`, count in the loss alone.
        rest = torch.logsumexp(logits[:, n_answers:].double(), 1)
        loss[rows] = torch.logaddexp(log_sum[rows], rest) - right
        hit[rows] = logits.argmax(1) == labels[:, 0]
        x.sub_(x.mean(1, keepdim=True))
        energy[rows] = torch.mul(x, x, out=work).sum(1)
        there = x.gather(1, labels)[:, 0]
        margin[rows] = there - x.scatter_(1, labels, -torch.inf).amax(1)
    return RowStatistics(log_sum, loss, hit, energy, margin)
