"""Restricted and excluded loss with the projection at the neurons and the skip path kept."""

import numpy as np
import torch
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.models.fast import after_neurons
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import mean_by_sum, whole_table_projectors
from grokscope.tasks import ROWS


def neurons_projected(snap: Snapshot, key: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return each neuron's (mean over all rows of the group, projection on cos w_k(x+y), sin w_k(x+y)), by sum [n, neuron]."""
    means = mean_by_sum(snap, snap.neurons.double().numpy(), "all")
    projected = whole_table_projectors(snap, (key,))[0] @ means
    return torch.as_tensor(means.mean(0)), torch.as_tensor(projected)


def sum_of_input(snap: Snapshot) -> tuple[Tensor, Tensor]:
    """Return (rows of the group, their sums)."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    return torch.as_tensor(cyclic.rows), torch.as_tensor(cyclic.row_sum)


def loss_per_input(snap: Snapshot, neurons: Tensor) -> Tensor:
    """Return the cross-entropy over the answers of each row when the last block's neurons are `neurons`."""
    logits = after_neurons(
        snap.weights, snap.config, snap.activations.resid_mid, neurons.to(snap.neurons.dtype)
    )
    logits = logits[:, : snap.task.n_classes].double()
    return torch.logsumexp(logits, 1) - logits.gather(1, snap.labels[:, None])[:, 0]


@measure(
    source="TransformerLens's grokking demo, with the skip path kept",
    outputs={
        "restricted_loss_neuron": Output(
            ("rows",),
            "Restricted loss at the neurons",
            "nat",
            "cross-entropy when each neuron is its mean plus its projections on cos w_k(x+y), sin w_k(x+y), k key; "
            "the stream that skips the neurons is kept; rows outside the group count as they are",
        ),
        "excluded_loss_neuron": Output(
            (),
            "Excluded loss at the neurons",
            "nat",
            "training rows; each neuron without its projections on cos w_k(x+y), sin w_k(x+y), k key",
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    needs=("cyclic", "neurons"),
    builtin=True,
)
@torch.no_grad()
def neuron_projection(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Restricted and excluded loss with the projection applied before the neuron-logit map."""
    if not snap.key:
        return {
            "restricted_loss_neuron": np.full(len(ROWS), np.nan),
            "excluded_loss_neuron": float("nan"),
        }
    mean, projected = neurons_projected(snap, snap.key)
    rows, sums = sum_of_input(snap)
    kept, removed = snap.neurons.double(), snap.neurons.double()
    kept[rows] = mean + projected[sums]
    removed[rows] = removed[rows] - projected[sums]
    return {
        "restricted_loss_neuron": snap.mean_over_rows(loss_per_input(snap, kept)).array(),
        "excluded_loss_neuron": snap.mean_over_rows(loss_per_input(snap, removed)).train,
    }
