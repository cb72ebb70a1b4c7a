"""How many more steps generalisation takes for one percentage point less of training data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError
from grokscope.figures.sweep_numbers.censored import event_bounds, medians
from grokscope.figures.sweep_numbers.settings import Line, lines

if TYPE_CHECKING:
    import xarray as xr

FIELD = "frac_train"


@dataclass(frozen=True, eq=False)
class Growth:
    """The growth of one line of settings.

    Attributes
    ----------
    setting
        The line's name; empty where there is only one.
    event
        The event whose median step over seeds is fitted.
    percent, low, high
        Percent more steps for one percentage point less data, and the ends of its interval, which are not-a-number for
        a single seed.
    confidence
        Of the interval.
    slope, intercept
        ln(steps) = intercept + slope * (percentage points of data).
    fractions
        The shares of training data in the fit.
    n_seeds
        Seeds that are drawn from.
    share_censored
        Share of the draws in which a median lay beyond the last step looked at. It went in with that step, so that
        such a draw's growth may be understated.
    """

    setting: str
    event: str
    percent: float
    low: float
    high: float
    confidence: float
    slope: float
    intercept: float
    fractions: Float[ndarray, " setting"]
    n_seeds: int
    share_censored: float

    def steps(self, fractions: Float[ndarray, " setting"]) -> Float[ndarray, " setting"]:
        """Return the fitted steps at shares of training data."""
        return np.exp(self.intercept + self.slope * 100 * fractions)


def growth_per_point(
    ds: "xr.Dataset",
    event: str = "grokked_99",
    fit: tuple[float, float] | None = None,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
) -> list[Growth]:
    """Return how much the median steps to an event grow for each percentage point less of training data.

    Least squares of ln(median step over seeds) on the share of training data in percentage points, over the settings
    whose median is known; growth = 100 (exp(-slope) - 1) percent. The interval is the percentile bootstrap over seeds:
    seeds are drawn with replacement, the same for all settings, because runs with the same seed share their initial
    weights and the order of their rows.

    Source: Power et al. 2022 (arXiv 2201.02177), figure 1 centre and section 3.2: 40 to 50 % in the product in S5
    near 25 to 30 % of data.

    Parameters
    ----------
    ds
        A sweep's data set in which `frac_train` varies.
    event
        Which event; the step is the first evaluation at which it was seen.
    fit
        The smallest and largest share of training data to fit; all where None.
    confidence
        Of the interval.
    draws, seed
        Bootstrap draws, and the seed of numpy's generator.

    Returns
    -------
    list of Growth
        One for each line of settings that differ in `frac_train` only; lines with fewer than two known medians are
        left out.

    Raises
    ------
    RequestError
        For an unknown event, a range that is none, or when no line has two settings with a known median.
    """
    low, high = fit or (0.0, 1.0)
    if not low < high or not 0 < confidence < 1:
        raise RequestError(
            f"fit = {fit}, confidence = {confidence}",
            "a smaller and a larger share of data; a number between 0 and 1",
        )
    found = [
        growth
        for line in lines(ds, FIELD)
        if (growth := _growth(ds, line, event, (low, high), confidence, draws, seed)) is not None
    ]
    if not found:
        raise RequestError(
            f"no growth: fewer than two shares of data from {low:g} to {high:g} have a known median step of {event}",
            "settings of which more than half of the seeds saw it",
        )
    return found


def _growth(
    ds: "xr.Dataset", line: Line, event: str, fit: tuple[float, float], confidence: float,
    draws: int, seed: int,
) -> Growth | None:  # fmt: skip
    lows, highs = (bounds[line.runs] for bounds in event_bounds(ds, event))
    used = np.isfinite(medians(highs)) & (line.x >= fit[0]) & (line.x <= fit[1])
    if used.sum() < 2:
        return None
    points, lows, highs = 100 * line.x[used], lows[used], highs[used]
    slope, intercept = _fitted(points, medians(highs)[None])
    seeds = np.flatnonzero(np.isfinite(lows).any(0))
    drawn, censored = _drawn_slopes(points, lows[:, seeds], highs[:, seeds], draws, seed)
    tail = (1 - confidence) / 2
    ends = np.quantile(_percent(drawn), [tail, 1 - tail]) if len(seeds) > 1 else [np.nan, np.nan]
    return Growth(
        line.name, event, float(_percent(slope)[0]), float(ends[0]), float(ends[1]), confidence,
        float(slope[0]), float(intercept[0]), line.x[used], len(seeds), censored,
    )  # fmt: skip


def _drawn_slopes(
    points: Float[ndarray, " setting"],
    lows: Float[ndarray, "setting seed"],
    highs: Float[ndarray, "setting seed"],
    draws: int,
    seed: int,
) -> tuple[Float[ndarray, " draw"], float]:
    """Return the slope of each draw of seeds, and the share of draws with a censored median."""
    n = lows.shape[1]
    chosen: Int[ndarray, "draw seed"] = np.random.default_rng(seed).integers(n, size=(draws, n))
    high = medians(highs[:, chosen]).T
    low = medians(lows[:, chosen]).T
    beyond = np.isinf(high)
    steps = np.where(beyond, low, high)
    whole = np.isfinite(steps).all(1)  # a draw may hold no seed that was looked at
    return _fitted(points, steps[whole])[0], float(beyond.any(1).mean())


def _fitted(
    points: Float[ndarray, " setting"], steps: Float[ndarray, "draw setting"]
) -> tuple[Float[ndarray, " draw"], Float[ndarray, " draw"]]:
    """Return slope and intercept of the least squares line through (points, ln steps), for each draw."""
    logs = np.log(np.maximum(steps, 1.0))  # seen at step 0 already: counted as step 1
    centred = points - points.mean()
    slope = (logs * centred).sum(1) / np.square(centred).sum()
    return slope, logs.mean(1) - slope * points.mean()


def _percent(slope: Float[ndarray, " draw"]) -> Float[ndarray, " draw"]:
    return 100 * np.expm1(-slope)
