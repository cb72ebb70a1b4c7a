"""Whether the circuit's functions of x . y are enough, and needed: accuracy with these alone, and without them."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.table_loss import loss_without_tables
from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import (
    N_DRAWS,
    held_out_projectors,
    mean_logits,
    null_spans,
    sum_form,
    sum_rows,
    whole_table_projectors,
)
from grokscope.tasks import ROWS

_KEY = "the functions of x . y in the key frequencies or representations"
_WITHOUT = f"L minus its projection, over all rows, on {_KEY}"
_HELD_OUT = "twin-free test rows (all rows where the split is not known)"
_TWIN_FREE = "test_twin_free"


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
            "representations of relabelled elements; not-a-number where there are no other functions",
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
    tables = whole_table_projectors(snap, (snap.key, *null)) @ means
    alone = means.mean(0) + tables[0]
    held_out = _TWIN_FREE if len(snap.rows(_TWIN_FREE)) else "all"
    drawn = [_accuracy_without(snap, table, held_out) for table in tables[1:]]
    return {
        "accuracy_of_key": np.array([_accuracy_of(snap, alone, rows) for rows in ROWS]),
        "accuracy_of_key_held_out": _held_out(snap),
        "accuracy_without_key": np.array(
            [_accuracy_without(snap, tables[0], rows) for rows in ROWS]
        ),
        "loss_without_key": np.array([_loss_without(snap, tables[0], rows) for rows in ROWS]),
        "accuracy_without_null": np.array(drawn) if drawn else np.full(N_DRAWS, np.nan),
    }


def _others(snap: Snapshot, span: object) -> bool:
    """Return whether a null is free of key frequencies: with few frequencies some are filled up with key ones."""
    return not isinstance(span, tuple) or not set(span) & set(snap.key)


def _held_out(snap: Snapshot) -> float:
    if not len(sum_rows(snap, _TWIN_FREE).rows):
        return float("nan")
    fit = held_out_projectors(snap, (snap.key,))[0]
    return _accuracy_of(snap, fit @ mean_logits(snap, _TWIN_FREE), _TWIN_FREE)


def _accuracy_of(snap: Snapshot, table: Float[ndarray, "n class"], rows: str) -> float:
    at = sum_rows(snap, rows)
    right = table.argmax(1)[at.sums] == at.labels
    return float(right.mean()) if len(at.rows) else float("nan")


def _accuracy_without(snap: Snapshot, table: Float[ndarray, "n class"], rows: str) -> float:
    at = sum_rows(snap, rows)
    if not len(at.rows):
        return float("nan")
    left = snap.answer_logits.numpy()[at.rows] - table[at.sums]
    return float((left.argmax(1) == at.labels).mean())


def _loss_without(snap: Snapshot, table: Float[ndarray, "n class"], rows: str) -> float:
    at = sum_rows(snap, rows)
    logits = snap.answer_logits[torch.as_tensor(at.rows)]
    return float(loss_without_tables(logits, table[None], at, sum_form(snap).n)[0])
