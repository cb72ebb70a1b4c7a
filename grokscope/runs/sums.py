"""The rows of a cyclic task by their sum, and the mean logits per sum, for a snapshot."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.sum_projection import (
    counts_per_sum,
    mean_by_sum_of_grid,
    projector,
    random_frequency_sets,
    total_by_sum,
)
from grokscope.harmonics.table_loss import SumRows
from grokscope.runs.key import neuron_table

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

N_DRAWS = 20
NULL_SEED = 0


def sum_rows(snap: "Snapshot", name: str) -> SumRows:
    """Return the rows of the set `name` that lie in the group; none where the split is not known."""
    cyclic = snap.task.cyclic
    assert cyclic is not None

    def make() -> SumRows:
        sum_of = np.full(snap.task.n_inputs, -1, dtype=np.int64)
        sum_of[cyclic.rows] = cyclic.row_sum
        rows = snap.rows(name)
        rows = rows[sum_of[rows] >= 0]
        return SumRows(rows, sum_of[rows], snap.labels.numpy()[rows])

    return snap.context.memo(("sum rows", name), make)


def mean_logits(snap: "Snapshot", name: str) -> Float[ndarray, "n class"]:
    """Return the mean answer logits of each sum over the set `name`, 0 where a sum has no row; kept."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    key = f"mean logits {name}"
    if key not in snap.__dict__:
        logits = snap.answer_logits.numpy()
        if name == "all":
            snap.__dict__[key] = mean_by_sum_of_grid(logits[cyclic.grid])
        else:
            at = sum_rows(snap, name)
            counts = counts_per_sum(at.sums, cyclic.n)
            total = total_by_sum(logits[at.rows], at.sums, cyclic.n)
            snap.__dict__[key] = total / np.maximum(counts, 1)[:, None]
    return snap.__dict__[key]


def mean_neurons(snap: "Snapshot") -> Float[ndarray, "n neuron"]:
    """Return the neurons' mean activations of each sum over the whole group, float64; kept."""
    if "mean neurons" not in snap.__dict__:
        snap.__dict__["mean neurons"] = mean_by_sum_of_grid(neuron_table(snap))
    return snap.__dict__["mean neurons"]


def whole_table_projectors(
    snap: "Snapshot", sets: tuple[tuple[int, ...], ...]
) -> Float[ndarray, "set n n"]:
    """Return the orthogonal projection on cos w_k s, sin w_k s over the whole table for each frequency set; kept."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    return snap.context.memo(
        ("whole", sets),
        lambda: np.stack([projector(cyclic.n, frequencies) for frequencies in sets]),
    )


def held_out_projectors(
    snap: "Snapshot", sets: tuple[tuple[int, ...], ...]
) -> Float[ndarray, "set n n"]:
    """Return the least-squares fit on the twin-free test rows, constant included, for each set of frequencies; kept."""
    cyclic = snap.task.cyclic
    assert cyclic is not None

    def make() -> Float[ndarray, "set n n"]:
        counts = counts_per_sum(sum_rows(snap, "test_twin_free").sums, cyclic.n)
        return np.stack(
            [projector(cyclic.n, frequencies, counts, constant=True) for frequencies in sets]
        )

    return snap.context.memo(("held out", sets), make)


def null_sets(
    snap: "Snapshot", key: tuple[int, ...], size: int | None = None
) -> tuple[tuple[int, ...], ...]:
    """Return 20 random sets of as many frequencies as `key` has (or `size`), seed 0; kept.

    None of them is key, unless too few others are left: then all others, filled up with key ones.
    """
    cyclic = snap.task.cyclic
    assert cyclic is not None

    def make() -> tuple[tuple[int, ...], ...]:
        drawn: Int[ndarray, "draw size"] = random_frequency_sets(
            cyclic.n_freq, key, len(key) if size is None else size, N_DRAWS, NULL_SEED
        )
        return tuple(tuple(int(k) for k in row) for row in drawn)

    return snap.context.memo(("null", key, size), make)
