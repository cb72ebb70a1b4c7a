"""Whether the circuit's functions of x . y are enough, and needed: accuracy with these alone, and without them."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.table_loss import SumRows
from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import MOST_ROWS, per_row, some_rows
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

_KEY = "the functions of x . y in the key frequencies or representations"
_WITHOUT = f"L minus its projection, over all rows, on {_KEY}"
_HELD_OUT = "twin-free test rows (all rows where the split is not known)"
_TWIN_FREE = "test_twin_free"
_Number = Callable[[Tensor, Tensor], Tensor]


@measure(
    source="restricted and excluded loss of Nanda et al. 2023 (arXiv 2301.05217), section 5, as accuracies",
    outputs={
        "accuracy_of_key": Output(
            ("rows",),
            "Accuracy of the key functions of x . y alone",
            "1",
            "share of rows whose largest answer logit is right, of mean_xy L + projection of L, over all rows, on "
            + _KEY,
        ),
        "accuracy_of_key_held_out": Output(
            (),
            "Accuracy of the key functions of x . y alone, held out",
            "1",
            "the same on the twin-free test rows, constant and projection fitted there by least squares",
        ),
        "accuracy_without_key": Output(
            ("rows",),
            "Accuracy without the key functions of x . y",
            "1",
            f"share of rows whose largest answer logit is right, of {_WITHOUT}",
        ),
        "loss_without_key": Output(
            ("rows",),
            "Loss without the key functions of x . y",
            "nat",
            f"cross-entropy over the answers of {_WITHOUT}",
        ),
        "accuracy_without_null": Output(
            ("draw",),
            "Accuracy without other functions of x . y",
            "1",
            f"as accuracy_without_key on {_HELD_OUT}, with {N_DRAWS} random sets of other frequencies, or the same "
            "representations of relabelled elements; not-a-number where there are no other functions; of more than "
            f"{MOST_ROWS:,} rows that many random ones, seed 0",
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    at="final",
    needs=("product",),
    builtin=True,
)
def key_functions(snap: Snapshot) -> dict[str, ndarray | float]:
    """Accuracy with the circuit's functions alone and without them, by set of rows, beside others.

    An accuracy does not depend on the scale of the logits, as a loss does: networks trained on squared error have
    logits of 1. On rows that trained a memorised answer may be left without the circuit; on held-out rows there is
    nothing to fall back on, so that a circuit which is all of the rule takes the whole accuracy with it.
    """
    if not snap.key:
        nothing = np.full(len(ROWS), np.nan)
        names = ("accuracy_of_key", "accuracy_without_key", "loss_without_key")
        none: dict[str, ndarray | float] = dict.fromkeys(names, nothing)
        return none | {
            "accuracy_of_key_held_out": float("nan"),
            "accuracy_without_null": np.full(N_DRAWS, np.nan),
        }
    null = [span for span in null_spans(snap, snap.key) if _others(snap, span)]
    means = mean_logits(snap, "all")
    tables = projections(snap, (snap.key, *null), means)
    alone = means.mean(0) + tables[0]
    everywhere = sum_rows(snap, "all")
    right, loss = np.zeros(snap.task.n_inputs), np.zeros(snap.task.n_inputs)
    right[everywhere.rows] = _each_without(snap, tables[0], everywhere, _right)
    loss[everywhere.rows] = _each_without(snap, tables[0], everywhere, _loss)
    sets = [sum_rows(snap, rows).rows for rows in ROWS]
    held_out = _some(sum_rows(snap, _TWIN_FREE if len(snap.rows(_TWIN_FREE)) else "all"))
    drawn = [_mean(_each_without(snap, table, held_out, _right)) for table in tables[1:]]
    return {
        "accuracy_of_key": np.array([_accuracy_of(snap, alone, rows) for rows in ROWS]),
        "accuracy_of_key_held_out": _held_out(snap),
        "accuracy_without_key": np.array([_mean(right[rows]) for rows in sets]),
        "loss_without_key": np.array([_mean(loss[rows]) for rows in sets]),
        "accuracy_without_null": np.array(drawn) if drawn else np.full(N_DRAWS, np.nan),
    }


def _others(snap: Snapshot, span: object) -> bool:
    """Return whether a null is free of key frequencies: with few frequencies some are filled up with key ones."""
    return not isinstance(span, tuple) or not set(span) & set(snap.key)


def _held_out(snap: Snapshot) -> float:
    if not len(sum_rows(snap, _TWIN_FREE).rows):
        return float("nan")
    fit = held_out_fits(snap, (snap.key,), mean_logits(snap, _TWIN_FREE))[0]
    return _accuracy_of(snap, fit, _TWIN_FREE)


def _accuracy_of(snap: Snapshot, table: Float[ndarray, "n class"], rows: str) -> float:
    at = sum_rows(snap, rows)
    return _mean(table.argmax(1)[at.sums] == at.labels)


def _each_without(
    snap: Snapshot, table: Float[ndarray, "n class"], at: SumRows, number: _Number
) -> Float[ndarray, " row"]:
    """Return a number for each row of `at`, of what taking `table` away leaves of its logits, and of its label."""
    taken, sums, labels = (torch.as_tensor(array) for array in (table, at.sums, at.labels))

    def each(logits: Float[Tensor, "some class"], part: slice) -> Float[Tensor, " some"]:
        return number(logits - taken[sums[part]], labels[part])

    return per_row(snap, each, at.rows).numpy()


def _right(logits: Float[Tensor, "row class"], labels: Int[Tensor, " row"]) -> Tensor:
    return (logits.argmax(1) == labels).double()


def _loss(logits: Float[Tensor, "row class"], labels: Int[Tensor, " row"]) -> Tensor:
    return torch.logsumexp(logits, 1) - logits.gather(1, labels[:, None])[:, 0]


def _some(at: SumRows) -> SumRows:
    """Return at most `MOST_ROWS` of a set of rows."""
    chosen = some_rows(np.arange(len(at.rows)))
    return SumRows(at.rows[chosen], at.sums[chosen], at.labels[chosen])


def _mean(numbers: Bool[ndarray, " row"] | Float[ndarray, " row"]) -> float:
    return float(numbers.mean()) if len(numbers) else float("nan")
