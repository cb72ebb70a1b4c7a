"""The rows of a task by their sum x + y, or product x . y in any group, and the mean logits of each, for a snapshot.

What can be kept of the logits, or taken away from them, is a span of functions of that sum: cos w_k s, sin w_k s for a
set of frequencies on a cyclic group, the entries of rho(s) for a set of representations on any other. Both are sets of
numbers: frequencies 1, 2, ..., or places of representations in the group's `Irreps`, 0 being the trivial one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.group_averages import irrep_factors, mean_by_product_of_grid
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.relabellings import random_relabellings
from grokscope.harmonics.sum_projection import (
    counts_per_sum,
    factors,
    mean_by_sum_of_grid,
    random_frequency_sets,
    total_by_sum,
)
from grokscope.harmonics.table_loss import SumRows
from grokscope.runs.blocks import answer_blocks
from grokscope.runs.products import irreps_of, sum_form
from grokscope.runs.recent import Recent

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

N_DRAWS = 20
NULL_SEED = 0
SETS_KEPT = 16
"""Families of sets whose projections are kept for the next step: those of the final key, and a few others."""


@dataclass(frozen=True)
class Relabelled:
    """The null of a set of representations: the entries of rho(pi(s)), pi a permutation of the group's elements."""

    key: tuple[int, ...]
    permutation: tuple[int, ...]


Span = tuple[int, ...] | Relabelled


def sum_rows(snap: "Snapshot", name: str) -> SumRows:
    """Return the rows of the set `name` that lie in the group, by their sums; none where the split is not known."""
    form = sum_form(snap)

    def make() -> SumRows:
        sum_of = np.full(snap.task.n_inputs, -1, dtype=np.int64)
        sum_of[form.rows] = form.row_sum
        rows = snap.rows(name)
        rows = rows[sum_of[rows] >= 0]
        rows = rows[np.argsort(sum_of[rows], kind="stable")]
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


def every_part(snap: "Snapshot") -> tuple[tuple[int, ...], ...]:
    """Return each frequency by itself, or on a group that is not cyclic each representation, the trivial one too."""
    irreps = irreps_of(snap)
    numbers = range(1, sum_form(snap).n // 2 + 1) if irreps is None else range(len(irreps))
    return tuple((k,) for k in numbers)


def projections(
    snap: "Snapshot",
    sets: tuple[Span, ...],
    means: Float[ndarray, "n column"],
    out: Float[ndarray, "set n column"] | None = None,
) -> Float[ndarray, "set n column"]:
    """Return the orthogonal projection, over the whole table, of `means` on the functions of the sum of each set.

    It is written to `out` where that is given.
    """
    left, right = _factors(snap, "whole", sets)
    return np.matmul(left, right @ means, out=out)


def held_out_fits(
    snap: "Snapshot", sets: tuple[Span, ...], means: Float[ndarray, "n column"]
) -> Float[ndarray, "set n column"]:
    """Return the least-squares fit of `means` on the twin-free test rows, constant included, for each set."""
    left, right = _factors(snap, "held out", sets)
    return left @ (right @ means)


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


def _factors(
    snap: "Snapshot", kind: Literal["whole", "held out"], sets: tuple[Span, ...]
) -> tuple[Float[ndarray, "set n direction"], Float[ndarray, "set direction n"]]:
    """Return the two factors of each set's projection, filled up with zeros to the same rank; the last few are kept."""

    def make() -> tuple[Float[ndarray, "set n direction"], Float[ndarray, "set direction n"]]:
        n, counts = sum_form(snap).n, None
        if kind == "held out":
            counts = counts_per_sum(sum_rows(snap, "test_twin_free").sums, n)
        pairs = [_factors_of(snap, each, counts, kind == "held out") for each in sets]
        rank = max((left.shape[1] for left, _ in pairs), default=0)
        lefts, rights = np.zeros((len(pairs), n, rank)), np.zeros((len(pairs), rank, n))
        for i, (left, right) in enumerate(pairs):
            lefts[i, :, : left.shape[1]], rights[i, : len(right)] = left, right
        return lefts, rights

    # Key sets of the steps themselves are as many as there are steps: not all of them are kept.
    recent = snap.context.memo("projections", lambda: Recent(SETS_KEPT))
    return recent((kind, sets), make)


def _factors_of(
    snap: "Snapshot", span: Span, counts: Float[ndarray, " n"] | None, constant: bool
) -> tuple[Float[ndarray, "n direction"], Float[ndarray, "direction n"]]:
    irreps, n = irreps_of(snap), sum_form(snap).n
    if irreps is None:
        assert not isinstance(span, Relabelled)
        return factors(n, span, counts, constant)
    if not isinstance(span, Relabelled):
        return irrep_factors(irreps, [irreps.names[i] for i in span], counts, constant)
    moved = np.array(span.permutation)
    # Functions f(pi(s)) are fitted as functions f of elements t = pi(s), each of which counts as its s.
    if counts is not None:
        placed = np.empty_like(counts)
        placed[moved] = counts
        counts = placed
    left, right = irrep_factors(irreps, [irreps.names[i] for i in span.key], counts, constant)
    return left[moved], right[:, moved]
