"""Median and range over seeds of a curve, where some seeds stopped before others."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from grokscope.figures.sweep_numbers.censored import medians

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class SeedCurve:
    """One quantity of one setting along training, over seeds.

    Attributes
    ----------
    steps
        Steps at which any seed was evaluated.
    median, low, high
        Median, smallest and largest over the seeds that are still in.
    seeds
        Number of seeds with any value.
    left
        Seeds that ended before the last step without having reached what they were trained to, and their last step:
        they are in until there.
    held
        Seeds that stopped early because they had reached it: they are in to the end, with their last value.
    """

    steps: Float[ndarray, " step"]
    median: Float[ndarray, " step"]
    low: Float[ndarray, " step"]
    high: Float[ndarray, " step"]
    seeds: int
    left: dict[int, int]
    held: dict[int, int]


def seed_curve(ds: "xr.Dataset", quantity: str, rows: str, run: int) -> SeedCurve:
    """Return a curve of the run at position `run`.

    A seed that stopped early has reached its accuracy. To leave it out from there would leave the slow seeds only, and
    the median would fall although no network got worse; so its last value is held. A seed that diverged, failed or was
    interrupted is in until its last evaluation.

    Parameters
    ----------
    ds
        A sweep's data set.
    quantity
        "accuracy" or "loss".
    rows
        A label of the dimension `rows`.
    run
        Position on the dimension `run`.
    """
    array = ds[quantity].sel(rows=rows).isel(run=run).transpose("seed", "step")
    values = np.asarray(array.values, dtype=np.float64)
    evaluated = ~np.isnan(values).all(0)
    steps, values = ds["step"].values[evaluated].astype(np.float64), values[:, evaluated]
    seeds = [int(s) for s in ds["seed"].values]
    status = ["done"] * len(seeds)
    if "status" in ds.variables:
        status = ds["status"].transpose("run", "seed").values[run].astype(str).tolist()
    left, held = {}, {}
    for number, seed in enumerate(seeds):
        there = np.flatnonzero(~np.isnan(values[number]))
        if not len(there) or there[-1] == len(steps) - 1:
            continue
        last = int(there[-1])
        if status[number] == "stopped early":
            held[seed] = int(steps[last])
            values[number, last + 1 :] = values[number, last]
        else:
            left[seed] = int(steps[last])
    known = np.isnan(values)
    return SeedCurve(
        steps,
        medians(values.T),
        np.where(known, np.inf, values).min(0, initial=np.inf),
        np.where(known, -np.inf, values).max(0, initial=-np.inf),
        int((~known).any(1).sum()),
        left,
        held,
    )


def thinned(curve: SeedCurve, most: int = 1200) -> Bool[ndarray, " step"]:
    """Return which points to draw on a logarithmic axis: of each small stretch the extremes of median and range.

    Long series only; every point that is kept has its own values.
    """
    n = len(curve.steps)
    keep = np.ones(n, dtype=bool)
    if n <= most:
        return keep
    keep[1:-1] = False
    place = np.log(np.maximum(curve.steps, 0.5))
    edges = np.linspace(place[0], place[-1], most // 6 + 1)
    stretch = np.digitize(place, edges)
    for part in np.split(np.arange(n), np.flatnonzero(np.diff(stretch)) + 1):
        for values in (curve.median, curve.low, curve.high):
            keep[part[np.argmin(values[part])]] = True
            keep[part[np.argmax(values[part])]] = True
    return keep
