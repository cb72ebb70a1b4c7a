"""How much training data a setting needs to reach a validation accuracy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.figures.sweep_numbers.censored import medians
from grokscope.figures.sweep_numbers.settings import check_rows, ended, lines, per_run

if TYPE_CHECKING:
    import xarray as xr

Statistic = Literal["mean", "median"]


@dataclass(frozen=True)
class DataNeeded:
    """The smallest value on the grid that suffices: low < needed <= high.

    Attributes
    ----------
    setting
        The line's name; empty where there is only one.
    low
        The value before on the grid; None where the first one suffices already.
    high
        The value that suffices; None where none did (censored), low then is the last one looked at.
    short_of_it_later
        Larger values at which the level is missed again.
    """

    setting: str
    low: float | None
    high: float | None
    short_of_it_later: tuple[float, ...] = ()

    @property
    def censored(self) -> bool:
        """Whether no value on the grid sufficed."""
        return self.high is None


def over_seeds(
    ds: "xr.Dataset", variable: str, rows: str, statistic: str = "mean"
) -> Float[ndarray, " run"]:
    """Return the mean or median over the seeds whose run came to its end; not-a-number where none did.

    A run that was interrupted or failed has only a lower bound of its best accuracy, and does not enter.

    Raises
    ------
    RequestError
        For another statistic, unknown rows or an unknown variable.
    """
    if statistic not in ("mean", "median"):
        todo = nearest(statistic, ("mean", "median"))
        raise RequestError(f"statistic '{statistic}'", "mean, median", todo)
    values = per_run(ds, variable, rows=check_rows(ds, rows))
    values = np.where(ended(ds), values, np.nan)
    if statistic == "median":
        return medians(values)
    n = np.isfinite(values).sum(1)
    return np.where(n > 0, np.nansum(values, axis=1) / np.maximum(n, 1), np.nan)


def data_needed(
    ds: "xr.Dataset",
    level: float = 0.99,
    statistic: Statistic = "mean",
    against: str = "frac_train",
    rows: str = "test",
) -> list[DataNeeded]:
    """Return, for each line of settings, the smallest share of data at which the best accuracy reaches `level`.

    The best accuracy of a run is the largest at any evaluated step; `statistic` over the seeds is held against the
    level. What is needed lies between the grid's value before and the first that suffices. Where a larger value misses
    the level again, it is named: then the answer depends on the grid.

    Source: Power et al. 2022 (arXiv 2201.02177), figure 2.

    Parameters
    ----------
    ds
        A sweep's data set.
    level
        Accuracy in (0, 1].
    statistic
        "mean" (as published) or "median" over seeds.
    against
        The field whose smallest value is asked for.
    rows
        Which rows' accuracy.

    Raises
    ------
    RequestError
        For a level that is none, an unknown statistic or rows, or a field that does not vary.
    """
    if not 0 < level <= 1:
        raise RequestError(f"level = {level}", "an accuracy above 0, at most 1")
    values = over_seeds(ds, "best_accuracy", rows, statistic)
    found = []
    for line in lines(ds, against):
        there = np.isfinite(values[line.runs])
        x, accuracy = line.x[there], values[line.runs][there]
        if not len(x):
            found.append(DataNeeded(line.name, None, None))
            continue
        reached = accuracy >= level
        if not reached.any():
            found.append(DataNeeded(line.name, float(x[-1]), None))
            continue
        first = int(np.argmax(reached))
        later = tuple(float(v) for v in x[first:][~reached[first:]])
        low = float(x[first - 1]) if first else None
        found.append(DataNeeded(line.name, low, float(x[first]), later))
    return found
