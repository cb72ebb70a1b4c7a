"""The median step of an event over seeds, where some seeds never saw it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.figures.sweep_numbers.settings import per_run

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class MedianSteps:
    """The median step of an event, for each run: low < median <= high.

    Attributes
    ----------
    low, high
        Bounds. high is infinite where the median is censored: it lies beyond low, the last step looked at.
        Both not-a-number where no seed was looked at.
    n, censored
        Seeds looked at, and those of them that did not see the event.
    """

    low: Float[ndarray, " run"]
    high: Float[ndarray, " run"]
    n: Int[ndarray, " run"]
    censored: Int[ndarray, " run"]


def event_bounds(
    ds: "xr.Dataset", event: str
) -> tuple[Float[ndarray, "run seed"], Float[ndarray, "run seed"]]:
    """Return low and high of an event for each run and seed, low < step <= high.

    high is infinite for a seed that did not see the event up to the step low; both are not-a-number for one that was
    not looked at. An event seen at the first evaluation already has low = -1: it may have been there at step 0.

    Raises
    ------
    RequestError
        For an event that the data set does not have.
    """
    known = [str(name) for name in ds["event"].values] if "event" in ds.coords else []
    if event not in known:
        raise RequestError(f"event '{event}'", ", ".join(known), nearest(event, known))
    low = per_run(ds, "event_low", event=event)
    high = per_run(ds, "event_high", event=event)
    first = np.isfinite(high) & np.isnan(low)
    censored = np.isnan(high) & np.isfinite(low)
    return np.where(first, -1.0, low), np.where(censored, np.inf, high)


def median_steps(ds: "xr.Dataset", event: str) -> MedianSteps:
    """Return the median over seeds of the step of `event`, as an interval, for each run.

    The median can only grow when one of the steps does, so it lies between the median of the lower and that of the
    upper bounds. A seed that did not see the event has no upper bound: it counts as later than every step seen, and as
    later than its own last step. No seed is left out and none is given a step that it did not reach.

    Raises
    ------
    RequestError
        For an event that the data set does not have.
    """
    low, high = event_bounds(ds, event)
    return MedianSteps(
        medians(low), medians(high), np.isfinite(low).sum(1), (np.isfinite(low) & np.isinf(high)).sum(1)
    )  # fmt: skip


def medians(values: Float[ndarray, "*shape seed"]) -> Float[ndarray, "*shape"]:
    """Return the median over the last axis without not-a-number; infinite values count, as the largest.

    The mean of the two in the middle for an even number; not-a-number where nothing is left.
    """
    ordered = np.sort(values, axis=-1)  # not-a-number comes last
    n = np.count_nonzero(~np.isnan(ordered), axis=-1)
    below = np.maximum((n - 1) // 2, 0)[..., None]
    above = np.maximum(np.minimum(n // 2, values.shape[-1] - 1), 0)[..., None]
    middle = np.take_along_axis(ordered, below, -1) + np.take_along_axis(ordered, above, -1)
    return np.where(n > 0, middle[..., 0] / 2, np.nan)
