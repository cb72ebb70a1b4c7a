"""Restricted loss: the loss of the key-frequency functions of the sum alone."""

from collections.abc import Sequence

import numpy as np

from grokscope.harmonics.table_loss import loss_of_table, loss_of_tables
from grokscope.measures.registry import Output, measure
from grokscope.runs.key import key_frequencies
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import (
    N_DRAWS,
    held_out_fits,
    mean_logits,
    null_spans,
    projections,
    sum_rows,
)
from grokscope.tasks import ROWS

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 5"
_HELD_OUT = (
    "as restricted_loss, but the projection (constant, cos w_k(x+y), sin w_k(x+y)) is fitted by least squares on the "
    "twin-free test rows and the loss taken there: no training row leaks in"
)


@measure(
    source=_SOURCE + "; its code calls it trig loss",
    dims=("rows",),
    units="nat",
    long_name="Restricted loss (projection fitted on all rows, as published)",
    formula="cross-entropy over the answers of mean_xy L + projections of L on cos w_k(x+y), sin w_k(x+y), k key",
    reads=("activations", "test labels"),
    causal=False,
    needs=("cyclic",),
    builtin=True,
)
def restricted_loss(snap: Snapshot) -> np.ndarray:
    """Loss when only the key frequencies' functions of the sum are kept, projected over all rows.

    A projection fitted on all rows carries memorised training logits: prefer `restricted_loss_held_out`.
    """
    if not snap.key:
        return np.full(len(ROWS), np.nan)
    means = mean_logits(snap, "all")
    table = means.mean(0) + projections(snap, (snap.key,), means)[0]
    return np.array([loss_of_table(table, sum_rows(snap, name))[0] for name in ROWS])


def held_out(snap: Snapshot, key: tuple[int, ...]) -> tuple[float, float, np.ndarray]:
    """Return (loss, its standard error, the null's losses) with the projection fitted on twin-free test rows."""
    at = sum_rows(snap, "test_twin_free")
    if not key or not len(at.rows):
        return float("nan"), float("nan"), np.full(N_DRAWS, np.nan)
    sets = (key, *null_spans(snap, key))
    losses, errors = loss_of_tables(
        held_out_fits(snap, sets, mean_logits(snap, "test_twin_free")), at
    )
    return float(losses[0]), float(errors[0]), null_losses(losses[1:])


def null_losses(found: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the losses of the null's draws, not-a-number for those that there are too few of (`null_spans`)."""
    return np.append(np.asarray(found, dtype=np.float64), np.full(N_DRAWS - len(found), np.nan))


def _outputs(suffix: str, which: str) -> dict[str, Output]:
    return {
        f"restricted_loss_held_out{suffix}": Output(
            (), f"Held-out restricted loss, {which}", "nat", _HELD_OUT
        ),
        f"restricted_loss_held_out{suffix}_se": Output(
            (),
            f"Standard error of the held-out restricted loss, {which}",
            "nat",
            "std over rows / sqrt(rows)",
        ),
        f"restricted_loss_null{suffix}": Output(
            ("draw",),
            f"Held-out restricted loss of random frequencies, {which}",
            "nat",
            f"the same with {N_DRAWS} random sets of as many frequencies, none of them key, seed 0",
        ),
    }


@measure(
    source="the held-out form of " + _SOURCE,
    outputs=_outputs("", "final key frequencies"),
    reads=("activations", "test labels"),
    causal=False,
    needs=("cyclic", "split"),
    builtin=True,
)
def restricted_loss_held_out(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """Restricted loss fitted and evaluated on twin-free test rows, beside 20 random frequency sets."""
    return dict(zip(_outputs("", ""), held_out(snap, snap.key), strict=True))


@measure(
    source="the held-out form of " + _SOURCE,
    outputs=_outputs("_current", "key frequencies of the step"),
    reads=("activations", "test labels"),
    needs=("cyclic", "split"),
    builtin=True,
)
def restricted_loss_held_out_current(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """The same with the key frequencies that the step itself shows, for runs that are still going."""
    return dict(
        zip(
            _outputs("_current", ""),
            held_out(snap, key_frequencies(snap, snap.context.rule)),
            strict=True,
        )
    )
