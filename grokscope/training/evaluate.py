"""Loss and accuracy on the sets of rows, from one pass over all inputs."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from grokscope.config import ModelConfig
from grokscope.models.families import logits_of
from grokscope.models.plan import Plan
from grokscope.tasks import ROWS, Split
from grokscope.training.collapse import Collapse
from grokscope.training.interventions.training_loss import squared_errors


@torch.no_grad()
def evaluate(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    plan: Plan,
    labels: Tensor,
    rows: Mapping[str, Tensor],
    squared_error: bool = False,
    collapse: Collapse | None = None,
) -> dict[str, float]:
    """Return the metrics of a model on the rows of `plan` (see `metrics_of`)."""
    return metrics_of(logits_of(weights, config, plan), labels, rows, squared_error, collapse)


def metrics_of(
    logits: Float[Tensor, "input class"],
    labels: Int[Tensor, " input"],
    rows: Mapping[str, Tensor],
    squared_error: bool = False,
    collapse: Collapse | None = None,
) -> dict[str, float]:
    """Return loss_X and accuracy_X for each named set of rows; the loss is cross-entropy in float64, in nat.

    With `squared_error` mse_X too, the mean over rows and classes of (logits - one-hot answer)^2; with `collapse` what
    it measures on the training rows.
    """
    computed, logits = logits, logits.double()
    loss = functional.cross_entropy(logits, labels, reduction="none")
    right = (logits.argmax(1) == labels).double()
    errors = squared_errors(logits, labels) if squared_error else None
    found = {}
    for name, index in rows.items():
        if len(index):
            found[f"loss_{name}"] = float(loss[index].mean())
            found[f"accuracy_{name}"] = float(right[index].mean())
            if errors is not None:
                found[f"mse_{name}"] = float(errors[index].mean())
    if collapse is not None:
        found |= collapse.metrics(computed, labels, loss, rows["train"])
    return found


def metric_rows(split: Split) -> dict[str, Tensor]:
    """Return the sets of rows that the metrics report: train, test and twin-free test."""
    return {name: torch.as_tensor(split.rows(name)) for name in ROWS if name != "all"}
