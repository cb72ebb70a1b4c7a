"""Intervals and censored values in words."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from grokscope.figures.sweep_numbers.censored import MedianSteps, median_steps
from grokscope.figures.sweep_numbers.data_needed import DataNeeded


def median_words(ds: xr.Dataset, event: str, run: int) -> str:
    """Return the median step of an event over the seeds of a setting, as an interval, with the censored seeds."""
    found = median_steps(ds, event)
    low, high = found.low[run], found.high[run]
    if math.isnan(low):
        return "not looked at"
    seeds = f"{found.n[run]} seeds" if found.n[run] > 1 else "1 seed"
    if found.censored[run]:
        seeds += f", {found.censored[run]} of them not by the last step"
    if math.isinf(high):
        return f"after {low:,.0f} ({seeds})"
    return f"({low:,.0f}, {high:,.0f}] ({seeds})"


def known_high(found: MedianSteps, runs: Sequence[int]) -> np.ndarray:
    """Return the upper ends of the medians that are known."""
    high = found.high[list(runs)]
    return high[np.isfinite(high)]


def needed_words(found: DataNeeded) -> str:
    """Return the share of data that sufficed, as an interval in percent."""
    if found.low is None and found.high is None:
        return "not looked at"
    if found.high is None:
        return f"more than {100 * float(found.low or 0):.3g} %"
    if found.low is None:
        return f"at most {100 * found.high:.3g} %"
    again = ", missed again above" if found.short_of_it_later else ""
    return f"({100 * found.low:.3g}, {100 * found.high:.3g}] %{again}"


def least(found: DataNeeded) -> float:
    """Return a share of data that is known not to suffice: the interval's lower end, 0 where the first sufficed."""
    return 0.0 if found.low is None else found.low


def most(found: DataNeeded) -> float:
    """Return the share of data that is known to suffice; infinite where none did."""
    return math.inf if found.high is None else found.high
