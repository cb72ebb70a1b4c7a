"""Medians, quartiles and ratios of a few measured numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of `n` numbers and the quartiles around it."""

    median: float
    low: float
    high: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Return the median of `values` and their quartiles, linear between neighbours.

    Raises
    ------
    ValueError
        Where there are none.
    """
    if not values:
        raise ValueError("no values to take the median of")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Return the spread of `above` over `below`, round by round, so that a drift of the machine cancels.

    Raises
    ------
    ValueError
        Where the two are not of the same rounds.
    """
    return spread([a / b for a, b in zip(above, below, strict=True)])
