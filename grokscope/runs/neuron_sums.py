"""The neurons of a snapshot as functions of its group's elements x and y, and what one pass over them gives."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.grid_sums import GridSums, grid_sums
from grokscope.runs.products import sum_form

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def neuron_table(snapshot: "Snapshot") -> Float[ndarray, "n n neuron"]:
    """Return the neurons' activations by the operands' exponents (x, y), or elements in a group that is not cyclic."""
    form = sum_form(snapshot)
    activations = snapshot.neurons.numpy()
    rows = form.rows
    if not np.array_equal(rows, np.arange(len(activations))):
        activations = activations[rows]
    return activations.reshape(form.n, form.n, -1)


def neuron_sums(snapshot: "Snapshot") -> GridSums:
    """Return the neurons' means by x, by y, by x . y and (on a cyclic group) by x - y, and their energy; kept."""
    if "neuron sums" not in snapshot.__dict__:
        table = None if snapshot.task.cyclic is not None else sum_form(snapshot).sums
        snapshot.__dict__["neuron sums"] = grid_sums(neuron_table(snapshot), table)
    return snapshot.__dict__["neuron sums"]


def mean_neurons(snapshot: "Snapshot") -> Float[ndarray, "n neuron"]:
    """Return the neurons' mean activations of each sum, or product, over the whole group, float64."""
    sums = neuron_sums(snapshot)
    return sums.mean + sums.product
