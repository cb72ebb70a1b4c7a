"""Rows in blocks: what would take gigabytes in float64 for a whole table takes megabytes for some rows at a time.

A group of 720 elements has 518,400 rows of 720 logits: 1.5 GB in float32, and twice that for each copy in float64.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

ENTRIES_AT_ONCE = 2**17
"""Numbers of a block: copies of 1 MB, which the processor's caches and the heap hold, fresh memory taking longer."""
MOST_ROWS = 2**15
"""Rows of a sample, where something is judged many times over (`some_rows`)."""
SAMPLE_SEED = 0


def row_blocks(n_rows: int, width: int, at_least: int = 0) -> Iterator[slice]:
    """Yield slices that cover `n_rows` rows of `width` numbers: `ENTRIES_AT_ONCE` each, or `at_least` if more."""
    size = max(1, max(ENTRIES_AT_ONCE, at_least) // max(1, width))
    yield from (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def answer_blocks(
    snap: "Snapshot", rows: Int[ndarray, " row"] | None = None
) -> Iterator[tuple[slice, Float[Tensor, "some class"]]]:
    """Yield (places in `rows`, the answers' logits there in float64); all rows in their order where None."""
    n_rows = snap.task.n_inputs if rows is None else len(rows)
    for part in row_blocks(n_rows, snap.task.n_classes):
        yield part, snap.answer_logits_of(part if rows is None else rows[part])


def per_row(
    snap: "Snapshot",
    function: Callable[[Float[Tensor, "some class"], slice], Float[Tensor, " some"]],
    rows: Int[ndarray, " row"] | None = None,
) -> Float[Tensor, " row"]:
    """Return one number a row: `function` of the answers' logits in float64 and of their places in `rows`."""
    n_rows = snap.task.n_inputs if rows is None else len(rows)
    # One place for all results: small ones of their own, between large blocks, would keep the heap from being reused.
    found = torch.zeros(n_rows, dtype=torch.float64)
    for part, logits in answer_blocks(snap, rows):
        found[part] = function(logits, part)
    return found


def some_rows(rows: Int[ndarray, " row"], most: int | None = None) -> Int[ndarray, " some"]:
    """Return `rows`, or `most` (32,768 where None) random ones of them, seed 0, in their order, where there are more.

    For what is judged many times over: a share of that many rows is known to .003.
    """
    most = MOST_ROWS if most is None else most
    if len(rows) <= most:
        return rows
    drawn = np.random.default_rng(SAMPLE_SEED).choice(len(rows), size=most, replace=False)
    return rows[np.sort(drawn)]
