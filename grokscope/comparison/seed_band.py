"""Median and range over runs of a curve, at the places where all of them have a value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.figures.sweep_numbers.censored import medians

Curve = tuple[Float[ndarray, " _"], Float[ndarray, " _"]]
"""Places across, ascending, and the value at each."""

#: From so many runs on a band shows the middle half of them and not their range.
QUARTILES_FROM = 8


@dataclass(frozen=True, eq=False)
class Band:
    """A curve over runs.

    Attributes
    ----------
    x
        Places across.
    median, low, high
        Over the runs that have a value there; low and high are the smallest and largest, or the quartiles.
    n
        How many runs that are, at each place.
    """

    x: Float[ndarray, " place"]
    median: Float[ndarray, " place"]
    low: Float[ndarray, " place"]
    high: Float[ndarray, " place"]
    n: Int[ndarray, " place"]


def over_runs(
    curves: Sequence[Curve], at_least: int | None = None, quartiles: bool = False
) -> Band:
    """Return the median over runs of a curve, and its band.

    The places are those at which any run was evaluated. There each run has the value of its last evaluation at or
    before that place, and no value before its first evaluation or after its last: nothing is interpolated, every number
    was measured. Where all runs have the same places, each value is a measurement at that very place.

    Parameters
    ----------
    curves
        (x, y) of each run, x ascending.
    at_least
        Places where fewer runs have a value are left out; all of them are needed where None.
    quartiles
        Whether the band is from the first to the third quartile (linear between ranks), else from the smallest to the
        largest.
    """
    x = np.unique(np.concatenate([c[0] for c in curves]))
    values = np.stack([_held(curve, x) for curve in curves])
    n = np.isfinite(values).sum(0)
    keep = n >= (len(curves) if at_least is None else at_least)
    x, values, n = x[keep], values[:, keep], n[keep]
    if not len(x):
        return Band(x, x, x, x, n)
    ends = (25.0, 75.0) if quartiles else (0.0, 100.0)
    low, high = np.nanpercentile(values, ends, axis=0)
    return Band(x, medians(values.T), low, high, n)


def _held(curve: Curve, x: Float[ndarray, " place"]) -> Float[ndarray, " place"]:
    """Return the last value at or before each place; not-a-number outside of what was evaluated."""
    own, y = curve
    at = np.searchsorted(own, x, side="right") - 1
    inside = (at >= 0) & (x <= own[-1])
    return np.where(inside, y[np.clip(at, 0, len(y) - 1)], np.nan)


def envelope(bands: Sequence[tuple[Curve, Curve]]) -> tuple[ndarray, ndarray, ndarray]:
    """Return (x, low, high) that spans the bands of several runs, wherever at least one has a value."""
    low = over_runs([lower for lower, _ in bands], at_least=1)
    high = over_runs([upper for _, upper in bands], at_least=1)
    return low.x, low.low, high.high


def thinned(band: Band, most: int = 1500) -> Band:
    """Return a band of at most about `most` points: of each stretch of a longer one the extremes."""
    if len(band.x) <= most:
        return band
    keep = {0, len(band.x) - 1}
    for part in np.array_split(np.arange(len(band.x)), most // 6):
        for values in (band.median, band.low, band.high):
            keep |= {int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])}
    at = np.array(sorted(keep))
    return Band(band.x[at], band.median[at], band.low[at], band.high[at], band.n[at])
