"""The rows of a task by their sum x + y, or product x . y in any group, and the mean logits of each, for a snapshot.

What can be kept of the logits, or taken away from them, is a span of functions of that sum: cos w_k s, sin w_k s for a
set of frequencies on a cyclic group, the entries of rho(s) for a set of representations on any other. Both are sets of
numbers: frequencies 1, 2, ..., or places of representations in the group's `Irreps`, 0 being the trivial one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.group_averages import irrep_projector, mean_by_product_of_grid
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.relabellings import random_relabellings
from grokscope.harmonics.sum_projection import (
    counts_per_sum,
    mean_by_sum_of_grid,
    projector,
    random_frequency_sets,
    total_by_sum,
)
from grokscope.harmonics.table_loss import SumRows
from grokscope.runs.blocks import answer_blocks
from grokscope.runs.key import neuron_table
from grokscope.runs.products import irreps_of, sum_form

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

N_DRAWS = 20
NULL_SEED = 0


@dataclass(frozen=True)
class Relabelled:
    """The null of a set of representations: the entries of rho(pi(s)), pi a permutation of the group's elements."""

    key: tuple[int, ...]
    permutation: tuple[int, ...]


Span = tuple[int, ...] | Relabelled


def sum_rows(snap: "Snapshot", name: str) -> SumRows:
    """Return the rows of the set `name` that lie in the group; none where the split is not known."""
    form = sum_form(snap)

    def make() -> SumRows:
        sum_of = np.full(snap.task.n_inputs, -1, dtype=np.int64)
        sum_of[form.rows] = form.row_sum
        rows = snap.rows(name)
        rows = rows[sum_of[rows] >= 0]
        return SumRows(rows, sum_of[rows], snap.labels.numpy()[rows])

    return snap.context.memo(("sum rows", name), make)


def mean_logits(snap: "Snapshot", name: str) -> Float[ndarray, "n class"]:
    """Return the mean answer logits of each sum over the set `name`, 0 where a sum has no row; kept."""
    key = f"mean logits {name}"
    if key not in snap.__dict__:
        snap.__dict__[key] = (
            _mean_logits_of_group(snap) if name == "all" else _mean_logits_of_rows(snap, name)
        )
    return snap.__dict__[key]


def _mean_logits_of_rows(snap: "Snapshot", name: str) -> Float[ndarray, "n class"]:
    n, at = sum_form(snap).n, sum_rows(snap, name)
    total = np.zeros((n, snap.task.n_classes))
    for part, logits in answer_blocks(snap, at.rows):
        total += total_by_sum(logits.numpy(), at.sums[part], n)
    return total / np.maximum(counts_per_sum(at.sums, n), 1)[:, None]


def _mean_logits_of_group(snap: "Snapshot") -> Float[ndarray, "n class"]:
    # As they are: the sums are in float64, and a table of logits may be too large for a copy.
    logits, form = snap.logits[:, : snap.task.n_classes].numpy(), sum_form(snap)
    if irreps_of(snap) is None:
        return mean_by_sum_of_grid(logits[form.grid])
    return mean_by_product_of_grid(logits.reshape(form.n, form.n, -1), form.sums)


def mean_neurons(snap: "Snapshot") -> Float[ndarray, "n neuron"]:
    """Return the neurons' mean activations of each sum over the whole group, float64; kept."""
    if "mean neurons" not in snap.__dict__:
        table = neuron_table(snap)
        cyclic = irreps_of(snap) is None
        snap.__dict__["mean neurons"] = (
            mean_by_sum_of_grid(table)
            if cyclic
            else mean_by_product_of_grid(table, sum_form(snap).sums)
        )
    return snap.__dict__["mean neurons"]


def every_part(snap: "Snapshot") -> tuple[tuple[int, ...], ...]:
    """Return each frequency by itself, or on a group that is not cyclic each representation, the trivial one too."""
    irreps = irreps_of(snap)
    numbers = range(1, sum_form(snap).n // 2 + 1) if irreps is None else range(len(irreps))
    return tuple((k,) for k in numbers)


def whole_table_projectors(snap: "Snapshot", sets: tuple[Span, ...]) -> Float[ndarray, "set n n"]:
    """Return the orthogonal projection over the whole table on the functions of the sum of each set; kept."""
    return snap.context.memo(
        ("whole", sets), lambda: np.stack([_projector(snap, each) for each in sets])
    )


def held_out_projectors(snap: "Snapshot", sets: tuple[Span, ...]) -> Float[ndarray, "set n n"]:
    """Return the least-squares fit on the twin-free test rows, constant included, for each set; kept."""

    def make() -> Float[ndarray, "set n n"]:
        counts = counts_per_sum(sum_rows(snap, "test_twin_free").sums, sum_form(snap).n)
        return np.stack([_projector(snap, each, counts, constant=True) for each in sets])

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


def null_spans(snap: "Snapshot", key: tuple[int, ...]) -> tuple[Span, ...]:
    """Return the null of the set `key`: 20 draws, seed 0; kept.

    On a cyclic group `null_sets`. Any other group has few representations: there the same ones, of relabelled elements
    (`random_relabellings`); none where `key` spans all functions of the product.
    """
    irreps = irreps_of(snap)
    if irreps is None:
        return null_sets(snap, key)

    def make(irreps: Irreps = irreps) -> tuple[Span, ...]:
        names = [irreps.names[i] for i in key]
        drawn = random_relabellings(irreps, names, N_DRAWS, NULL_SEED)
        return tuple(Relabelled(key, tuple(row)) for row in drawn.tolist())

    return snap.context.memo(("relabelled", key), make)


def _projector(
    snap: "Snapshot",
    span: Span,
    counts: Float[ndarray, " n"] | None = None,
    constant: bool = False,
) -> Float[ndarray, "n n"]:
    irreps, n = irreps_of(snap), sum_form(snap).n
    if irreps is None:
        assert not isinstance(span, Relabelled)
        return projector(n, span, counts, constant)
    if not isinstance(span, Relabelled):
        return irrep_projector(irreps, [irreps.names[i] for i in span], counts, constant)
    moved = np.array(span.permutation)
    # Functions f(pi(s)) are fitted as functions f of elements t = pi(s), each of which counts as its s.
    if counts is not None:
        placed = np.empty_like(counts)
        placed[moved] = counts
        counts = placed
    whole = irrep_projector(irreps, [irreps.names[i] for i in span.key], counts, constant)
    return whole[np.ix_(moved, moved)]
