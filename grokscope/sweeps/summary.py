"""A sweep in a table: per setting how many runs came how far, and medians over seeds that count censored runs."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.sweeps.record import FINISHED

if TYPE_CHECKING:
    import xarray

COLUMNS = ("setting", "runs", "memorised", "grokked_99", "best test accuracy")


@dataclass(frozen=True)
class SeedMedian:
    """The median step of an event over seeds, where some runs did not come to it.

    Attributes
    ----------
    low, high
        Medians of the intervals' ends, low < step <= high; None where the median run did not come to the event, low
        also where that run was there at its first evaluation.
    n, n_censored
        How many runs were looked at, and in how many of them the event was not seen.
    not_by
        (least, greatest) last step looked at of those; None without any.
    """

    low: float | None
    high: float | None
    n: int
    n_censored: int
    not_by: tuple[int, int] | None

    @property
    def words(self) -> str:
        """The median in words: "(100, 110]; 1 of 5 not by 10,000"."""
        if not self.n:
            return "-"
        parts = []
        if self.high is not None:
            begin = "by " if self.low is None else f"({self.low:,.10g}, "
            parts.append(f"{begin}{self.high:,.10g}" + ("" if self.low is None else "]"))
        if self.not_by is not None:
            least, most = self.not_by
            steps = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            parts.append(f"{self.n_censored} of {self.n} not by {steps}")
        return "; ".join(parts)


def seed_median(low: Float[ndarray, " seed"], high: Float[ndarray, " seed"]) -> SeedMedian:
    """Return the median over seeds of an event's interval, each censored run counted as later than all others.

    With sorted ends h_1 <= ... <= h_n, infinite where censored: h_((n+1)/2), or the mean of the two middle ones. It is
    right as long as no run was cut off before the median; so leave out runs that are not finished.

    Parameters
    ----------
    low, high
        As `event_low` and `event_high`: high NaN where censored. Runs with both NaN were not looked at and do not
        count.
    """
    looked = ~(np.isnan(low) & np.isnan(high))
    low, high = low[looked], high[looked]
    if not len(high):
        return SeedMedian(None, None, 0, 0, None)
    censored = np.isnan(high)
    end = float(np.median(np.where(censored, np.inf, high)))
    begin = np.inf
    if np.isfinite(end):
        # A run that was there at its first evaluation is open below: earlier than any number says.
        open_below = np.where(np.isnan(low), -np.inf, low)
        begin = float(np.median(np.where(censored, np.inf, open_below)))
    last = low[censored].astype(int)
    return SeedMedian(
        low=begin if np.isfinite(begin) else None,
        high=end if np.isfinite(end) else None,
        n=len(high),
        n_censored=int(censored.sum()),
        not_by=(int(last.min()), int(last.max())) if len(last) else None,
    )


def summary_rows(ds: "xarray.Dataset") -> list[tuple[str, ...]]:
    """Return a row of words for each setting, in the order of COLUMNS.

    Medians are over the runs that are finished (done, stopped early, or diverged).
    """
    rows = []
    for label in ds["run"].values.tolist():
        cell = ds.sel(run=label)
        status = cell["status"].values.tolist()
        finished = np.isin(status, FINISHED)
        counts = ", ".join(f"{n} {word}" for word, n in Counter(status).items())
        events = [
            seed_median(
                cell["event_low"].sel(event=event).values[finished],
                cell["event_high"].sel(event=event).values[finished],
            ).words
            for event in COLUMNS[2:4]
        ]
        rows.append((label, counts, *events, _range(cell["best_accuracy"].sel(rows="test").values)))
    return rows


def _range(values: Float[ndarray, " seed"]) -> str:
    """Return "median (least to greatest)" of the values that are there."""
    values = values[~np.isnan(values)]
    if not len(values):
        return "-"
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"
