"""What functions h(x, y) on pairs of group elements are on the average, by x, by y, by x . y and by x - y: one pass.

Frequencies, or representations, of a neuron need nothing else of it, so that no transform of the whole table is formed.

Source: grokscope's own, from the definitions in `neuron_fractions.py` and `neuron_irreps.py`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

DEAD = 1e-12
"""Share of a column's squares that centring leaves, up to which the column counts as constant."""


@dataclass(frozen=True, eq=False)
class GridSums:
    """Centred means of the columns of h(x, y, column), float64.

    Attributes
    ----------
    mean
        Over all pairs.
    first, second, product
        Over all pairs with the same x, the same y, the same x . y; without `mean`.
    difference
        Over all pairs with the same x - y, without `mean`; None in a group that is not cyclic.
    energy
        Sum of (h - mean)^2 over all pairs.
    dead
        Whether a column is constant: centring leaves nothing but rounding.
    """

    mean: Float[ndarray, " column"]
    first: Float[ndarray, "n column"]
    second: Float[ndarray, "n column"]
    product: Float[ndarray, "n column"]
    difference: Float[ndarray, "n column"] | None
    energy: Float[ndarray, " column"]
    dead: ndarray

    @property
    def n(self) -> int:
        """Number of elements."""
        return len(self.first)


def grid_sums(
    grid: Float[ndarray, "n n column"], table: Int[ndarray, "n n"] | None = None
) -> GridSums:
    """Return the means of `grid`[x, y] by x, y, x . y and x - y; added up in float64.

    Parameters
    ----------
    grid
        By the elements x and y; on a cyclic group by their exponents.
    table
        x . y; None for a cyclic group, x + y modulo n.
    """
    n, columns = len(grid), grid.shape[2]
    by_first, by_second, by_product, by_difference = np.zeros((4, n, columns))
    squares = np.zeros(columns)
    # A value near each column's mean is taken away first: of nearly constant columns rounding would be left.
    pivot = grid[0].mean(0, dtype=np.float64)
    # One row of the table at a time stays in the processor's caches for all the sums.
    row = np.empty((n, columns))
    for x in range(n):
        np.subtract(grid[x], pivot, out=row)
        row.sum(0, out=by_first[x])
        by_second += row
        squares += np.einsum("yc,yc->c", row, row)
        if table is not None:
            by_product[table[x]] += row
            continue
        # x + y runs through x, x + 1, ..., and y - x through -x, -x + 1, ...: each in two pieces.
        by_product[x:] += row[: n - x]
        by_product[:x] += row[n - x :]
        by_difference[: n - x] += row[x:]
        by_difference[n - x :] += row[:x]
    offset = by_second.sum(0) / n**2
    energy = np.maximum(squares - n**2 * offset**2, 0.0)
    mean = pivot + offset
    scale = energy + n**2 * mean**2
    # What was added up by y - x is put in the order of x - y.
    differences = None if table is not None else by_difference[-np.arange(n)] / n - offset
    return GridSums(
        mean=mean,
        first=by_first / n - offset,
        second=by_second / n - offset,
        product=by_product / n - offset,
        difference=differences,
        energy=energy,
        dead=energy <= DEAD * np.maximum(scale, np.finfo(np.float64).tiny),
    )
