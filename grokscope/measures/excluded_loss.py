"""Excluded loss: the training loss without the key frequencies' functions of the sum."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.table_loss import SumRows, loss_without_tables
from grokscope.measures.registry import Output, measure
from grokscope.measures.restricted_loss import null_losses
from grokscope.runs.blocks import row_blocks
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import (
    N_DRAWS,
    every_part,
    mean_logits,
    null_spans,
    projections,
    sum_rows,
)

_FORMULA = "cross-entropy over the answers, training rows, of L minus its projections on cos w_k(x+y), sin w_k(x+y), {}"


def losses_without(
    tables: Float[ndarray, "table n class"],
    at: SumRows,
    logits_of: Callable[[Int[ndarray, " row"]], Float[Tensor, "row class"]],
) -> Float[ndarray, " table"]:
    """Return the mean cross-entropy over the rows of `at` of their logits minus each table at the rows' sums.

    `logits_of` gives the logits of some rows, float64; it is asked for as many at a time as fit.
    """
    if not len(at.rows):
        return np.full(len(tables), np.nan)
    _, n, n_class = tables.shape
    found = np.zeros(len(tables))
    # The tables' exponentials are taken once a block, so that it is to have more numbers than they.
    for part in row_blocks(len(at.rows), n_class, tables.size):
        some = SumRows(at.rows[part], at.sums[part], at.labels[part])
        weight = len(some.rows) / len(at.rows)
        found += weight * loss_without_tables(logits_of(some.rows), tables, some, n)
    return found


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 5 (all at once) and its code (one at a time)",
    outputs={
        "excluded_loss": Output(
            (),
            "Excluded loss, all key frequencies at once",
            "nat",
            _FORMULA.format("all key k together"),
        ),
        "excluded_loss_each": Output(
            ("freq",),
            "Excluded loss, one frequency at a time",
            "nat",
            _FORMULA.format("each k by itself"),
        ),
        "excluded_loss_null": Output(
            ("draw",),
            "Excluded loss of random frequencies",
            "nat",
            f"the same with {N_DRAWS} random sets of as many frequencies, none of them key, seed 0",
        ),
    },
    reads=("activations", "training rows"),
    label_free=True,
    causal=False,
    needs=("cyclic", "split"),
    builtin=True,
)
def excluded_loss(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """Training loss when the key frequencies are taken away, together and one at a time, beside random ones.

    The projection is over all rows, as published. It uses training labels only.
    """
    at, means = sum_rows(snap, "train"), mean_logits(snap, "all")
    single = every_part(snap)
    together = (snap.key, *null_spans(snap, snap.key)) if snap.key else ()
    tables = np.empty((len(single) + len(together), *means.shape))
    projections(snap, single, means, tables[: len(single)])
    if together:
        projections(snap, together, means, tables[len(single) :])
    losses = losses_without(tables, at, snap.answer_logits_of)
    return {
        "excluded_loss": float(losses[len(single)]) if snap.key else float("nan"),
        "excluded_loss_each": losses[: len(single)],
        "excluded_loss_null": null_losses(losses[len(single) + 1 :]),
    }
