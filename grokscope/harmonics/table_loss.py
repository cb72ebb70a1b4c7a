"""Cross-entropy when a table of the sum is the logits, or is taken away from them, for many tables at once.

Source: restricted and excluded loss of Nanda et al. 2023 (arXiv 2301.05217), section 5.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

SAFE_RANGE = 600.0
ENTRIES_AT_ONCE = 2**17
"""Numbers of the tables that are worked on at once, 1 MB: what the processor's caches hold."""


@dataclass(frozen=True, eq=False)
class SumRows:
    """A set of rows of a cyclic task.

    Attributes
    ----------
    rows
        Their indices in the task's table.
    sums
        x + y modulo n of each.
    labels
        The right class of each.
    """

    rows: Int[ndarray, " row"]
    sums: Int[ndarray, " row"]
    labels: Int[ndarray, " row"]

    @cached_property
    def distinct(
        self,
    ) -> tuple[Int[ndarray, " pair"], Int[ndarray, " pair"], Float[ndarray, " pair"]]:
        """The (sum, label) that occur, and how many rows have them: few, for labels follow from sums but for noise."""
        width = int(self.labels.max(initial=0)) + 1
        pairs, counts = np.unique(self.sums * width + self.labels, return_counts=True)
        return pairs // width, pairs % width, counts.astype(np.float64)


def loss_of_table(table: Float[ndarray, "n class"], at: SumRows) -> tuple[float, float]:
    """Return (mean, standard error of the mean) of the cross-entropy when row r has logits table[sum of r].

    The standard error is std / sqrt(rows). Not-a-number without rows.
    """
    means, errors = loss_of_tables(table[None], at)
    return float(means[0]), float(errors[0])


def loss_of_tables(
    tables: Float[ndarray, "table n class"], at: SumRows
) -> tuple[Float[ndarray, " table"], Float[ndarray, " table"]]:
    """Return `loss_of_table` of each of many tables."""
    if not len(at.rows):
        return np.full(len(tables), np.nan), np.full(len(tables), np.nan)
    sums, labels, counts = at.distinct
    means, errors = np.empty(len(tables)), np.empty(len(tables))
    at_once = max(1, ENTRIES_AT_ONCE // max(1, tables[:1].size))
    for first in range(0, len(tables), at_once):
        some = tables[first : first + at_once]
        lse = torch.logsumexp(torch.as_tensor(some), 2).numpy()
        loss = lse[:, sums] - some[:, sums, labels]
        mean = loss @ counts / len(at.rows)
        spread = np.square(loss - mean[:, None]) @ counts / len(at.rows)
        means[first : first + at_once] = mean
        errors[first : first + at_once] = np.sqrt(spread / len(at.rows))
    return means, errors


def loss_without_tables(
    logits: Float[Tensor, "row class"], tables: Float[ndarray, "table n class"], at: SumRows, n: int
) -> Float[ndarray, " table"]:
    """Return the mean cross-entropy of `logits` (float64, the rows of `at`) minus each of `tables` at the rows' sums.

    exp(L - T) = exp(L) exp(-T), and T is the same for all rows of a sum: so all tables share the exponentials of L, and
    the sums over classes are one matrix product for each sum. Where a table spans so much that a product could
    underflow, that table is done row by row.
    """
    count = len(tables)
    if not len(at.rows) or not count:
        return np.full(count, np.nan)
    all_tables = torch.as_tensor(tables)
    spread = (all_tables.amax(2) - all_tables.amin(2)).amax(1)
    spread = spread + (logits.amax(1) - logits.amin(1)).max()
    labels, sums = torch.as_tensor(at.labels), torch.as_tensor(at.sums)
    found = torch.empty(count, dtype=torch.float64)
    for index in torch.nonzero(spread > SAFE_RANGE)[:, 0].tolist():
        rest = logits - all_tables[index][sums]
        found[index] = (torch.logsumexp(rest, 1) - rest.gather(1, labels[:, None])[:, 0]).mean()
    safe = torch.nonzero(spread <= SAFE_RANGE)[:, 0]
    if len(safe):
        found[safe] = _by_products(logits, all_tables[safe], labels, sums, n)
    return found.numpy()


def _by_products(
    logits: Float[Tensor, "row class"],
    tables: Float[Tensor, "table n class"],
    labels: Int[Tensor, " row"],
    sums: Int[Tensor, " row"],
    n: int,
) -> Float[Tensor, " table"]:
    n_class = logits.shape[1]
    present, places = torch.unique(sums, return_inverse=True)
    if len(present) < n:
        # Some rows of a large table have few of the sums: there is to be no room for the others.
        tables, sums, n = tables[:, present], places, len(present)
    order = torch.argsort(sums, stable=True)
    counts = torch.bincount(sums, minlength=n)
    place = torch.arange(len(order)) - (counts.cumsum(0) - counts)[sums[order]]
    top = logits.amax(1)
    padded = torch.zeros(n, int(counts.max()), n_class, dtype=torch.float64)
    padded[sums[order], place] = (logits - top[:, None]).exp()[order]
    low = tables.amin(2)
    factors = (low[:, :, None] - tables).exp()
    totals = torch.bmm(padded, factors.permute(1, 2, 0))
    lse = totals[sums[order], place].log() - low[:, sums[order]].T + top[order, None]
    right = logits.gather(1, labels[:, None])[order] - tables[:, sums[order], labels[order]].T
    return (lse - right).mean(0)
