"""Restricted and excluded loss as Chughtai et al. 2023 published them: at the neurons, with nothing else kept.

Each neuron's activations over all inputs are projected on the functions rho(x . y) of each key representation; the
projections add up to P h. Restricted: the loss over all rows of P h W_L. Excluded: the loss over the training rows of
(h - P h) W_L. Mean activations, and in a transformer the stream that skips the neurons, are left out of both; the
measures of grokscope keep them.

Bases of these functions are orthonormal with the right rank here. Theirs came from a plain QR of all d^2 matrix
entries. On a cyclic group half of the four entries repeat the other half; QR then fills up its columns with arbitrary
directions, here nearly unit vectors of single inputs, which differ with the order of the columns, with the precision
and with the library. `deficient_losses` does the same on purpose.
"""

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from numpy import ndarray

from grokscope.measures.hidden_losses import hidden_losses
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import sum_form
from grokscope.tasks import ROWS

KEY_RULE = "similarity"
ROWS_AT_ONCE = 20_000
"""S6 has 518,400 rows and 720 answers: their logits would not fit."""


def neuron_losses(snap: Snapshot) -> dict[str, float]:
    """Return the published restricted and excluded loss with the right rank, for the snapshot's key.

    Excluded loss is not-a-number where the training rows are not known.
    """
    found = hidden_losses(snap)
    return {
        "restricted": float(found["restricted_loss_hidden"][ROWS.index("all")]),
        "excluded": float(found["excluded_loss_hidden"]),
    }


def deficient_losses(
    snap: Snapshot, order: tuple[int, ...], dtype: torch.dtype
) -> dict[str, float]:
    """Return the same for a cyclic group with the basis of a plain QR of all four entries of each rho(x . y).

    Parameters
    ----------
    snap
        A model of a cyclic group.
    order
        Order of the four columns cos, -sin, sin, cos.
    dtype
        Precision of the QR.
    """
    product, n = torch.as_tensor(_product_of_row(snap)), sum_form(snap).n
    hidden = snap.neurons.double()
    kept = torch.zeros_like(hidden)
    for k in snap.key:
        basis = torch.linalg.qr(cyclic_entries(n, k)[product][:, list(order)].to(dtype))[0].double()
        kept += basis @ (basis.T @ hidden)
    return _losses(snap, kept)


def cyclic_entries(n: int, k: int) -> Float[torch.Tensor, "n 4"]:
    """Return the entries cos, -sin, sin, cos of the turn by 2 pi k x / n, in float32 as theirs."""
    angle = 2 * np.pi * k * np.arange(n) / n
    entries = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    return torch.as_tensor(entries, dtype=torch.float32)


def add_neuron_losses(run: Run) -> dict[str, xr.DataArray]:
    """Return both losses of a run's last checkpoint as variables, with the published rule for what is key."""
    found = neuron_losses(run.snapshot(run.steps[-1], run.new_context(KEY_RULE)))
    return {f"neuron_{name}_loss": xr.DataArray(value) for name, value in found.items()}


def _product_of_row(snap: Snapshot) -> ndarray:
    """Return x . y of each row of the table, for a task whose rows are all pairs of a group."""
    form = sum_form(snap)
    product = np.full(snap.task.n_inputs, -1, dtype=np.int64)
    product[form.rows] = form.row_sum
    assert (product >= 0).all()
    return product


def _losses(snap: Snapshot, kept: Float[torch.Tensor, "input neuron"]) -> dict[str, float]:
    to_class = torch.as_tensor(snap.W_L)
    hidden = snap.neurons.double()
    right = torch.as_tensor(_class_of_row(snap))

    def loss(activations: torch.Tensor, rows: ndarray) -> float:
        if not len(rows):
            return float("nan")
        total = 0.0
        for part in torch.as_tensor(rows).split(ROWS_AT_ONCE):
            logits = activations[part] @ to_class
            at = logits.gather(1, right[part, None])[:, 0]
            total += float((torch.logsumexp(logits, 1) - at).sum())
        return total / len(rows)

    return {
        "restricted": loss(kept, snap.rows("all")),
        "excluded": loss(hidden - kept, snap.rows("train")),
    }


def _class_of_row(snap: Snapshot) -> ndarray:
    """Return the column of W_L that is each row's answer; W_L has the answers in the order of the group's elements."""
    form = sum_form(snap)
    place = np.empty(snap.task.n_classes, dtype=np.int64)
    place[form.class_c] = np.arange(form.n)
    return place[snap.labels.numpy()]
