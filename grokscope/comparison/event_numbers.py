"""Events and the delays between them, for each run and over the runs of a group, each as an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.comparison.align import bounds
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.figures.sweep_numbers.censored import medians
from grokscope.transitions.transition import Gap, gap

if TYPE_CHECKING:
    import xarray as xr

#: (name, from, to): the delay of grokking, and how far an alarm runs ahead of what it announces.
GAPS = (
    ("delay", "memorised", "grokked_99"),
    ("onset_to_off_chance", "circuit_onset", "off_chance"),
    ("onset_to_grokked", "circuit_onset", "grokked_99"),
    ("formed_to_grokked", "circuit_formed", "grokked_99"),
    ("online_onset_to_grokked", "online_onset", "grokked_99"),
)


@dataclass(frozen=True)
class Over:
    """A number over the runs of a group.

    Attributes
    ----------
    low, high
        Bounds of the median; high is infinite where half of the runs or more did not see it: the median then lies
        beyond low. Not-a-number where no run was looked at.
    least, most
        The smallest lower and the largest upper bound of the runs that saw it; not-a-number where none did.
    seen, of
        Runs that saw it, and runs that were looked at.
    """

    low: float
    high: float
    least: float
    most: float
    seen: int
    of: int

    def to_json(self, least: float = -np.inf) -> dict[str, Any]:
        """As a dictionary without infinite numbers, nor any below `least`: null is no bound."""
        median, span = (
            [v if np.isfinite(v) and v >= least else None for v in pair]
            for pair in ((self.low, self.high), (self.least, self.most))
        )
        return {"median": median, "range": span, "seen": self.seen, "of": self.of}


def over_group(intervals: Float[ndarray, "run 2"]) -> Over:
    """Return median and range over runs of intervals (low, high], where high is infinite for what was not seen.

    The median can only grow when one of the numbers does, so it lies between the median of the lower and that of the
    upper bounds. A run that did not see the event counts as later than its last step. Runs with not-a-number were not
    looked at, and do not count.
    """
    known = intervals[~np.isnan(intervals).any(1)]
    seen = known[np.isfinite(known[:, 1])]
    if not len(known):
        return Over(np.nan, np.nan, np.nan, np.nan, 0, 0)
    low, high = medians(known.T).tolist()
    least, most = (seen[:, 0].min(), seen[:, 1].max()) if len(seen) else (np.nan, np.nan)
    return Over(low, high, float(least), float(most), len(seen), len(known))


def event_names(members: Sequence[Member]) -> list[str]:
    """Return the events that any of the runs knows, in order."""
    return list(dict.fromkeys(name for m in members for name in m.transitions.names))


def looked_at(members: Sequence[Member], name: str) -> bool:
    """Whether any run had something to look at for an event."""
    return any(not np.isnan(e).any() for e in (event_interval(m, name) for m in members))


def event_interval(member: Member, name: str) -> Float[ndarray, "2"]:
    """Return (low, high) of an event of a run, see `bounds`; not-a-number where the run knows no such event."""
    known = name in member.transitions.names
    return np.array(bounds(member.transitions[name]) if known else (np.nan, np.nan))


def gap_between(member: Member, first: str, then: str) -> Gap | None:
    """Return how far the event `then` lies after the event `first`; None where the first was not seen."""
    names = member.transitions.names
    if first not in names or then not in names:
        return None
    return gap(member.transitions[first], member.transitions[then])


def gap_interval(member: Member, first: str, then: str) -> Float[ndarray, "2"]:
    """Return `gap_between` as numbers: high is infinite without an upper bound; not-a-number where there is none."""
    found = gap_between(member, first, then)
    if found is None:
        return np.array([np.nan, np.nan])
    return np.array([found.low, np.inf if found.high is None else found.high], dtype=np.float64)


def run_numbers(member: Member) -> dict[str, Any]:
    """Return {"events", "delays"} of a run for JSON: each [low, high]; null where there is no such bound."""
    delays = {name: gap_between(member, *ends) for name, *ends in GAPS}
    return {
        "events": {t.name: [t.low, t.high] for t in member.transitions},
        "delays": {name: None if gap is None else gap.to_json() for name, gap in delays.items()},
    }


def group_numbers(members: Sequence[Member]) -> dict[str, Any]:
    """Return {"events", "delays"} over the runs of a group for JSON, each as `Over` has it."""
    events = {n: np.array([event_interval(m, n) for m in members]) for n in event_names(members)}
    delays = {n: np.array([gap_interval(m, *ends) for m in members]) for n, *ends in GAPS}
    return {
        "events": {n: over_group(found).to_json(least=0.0) for n, found in events.items()},
        "delays": {n: over_group(found).to_json() for n, found in delays.items()},
    }


def events_dataset(members: Sequence[Member], groups: Sequence[Group]) -> "xr.Dataset":
    """Return every event of every run: event_low, event_high and censored along (run, event), with each run's group."""
    import xarray as xr

    names = event_names(members)
    ends = np.array([[event_interval(m, name) for name in names] for m in members])
    low, high = ends.reshape(len(members), len(names), 2).transpose(2, 0, 1)
    of = {i: group.name for group in groups for i in group.members}
    first = np.isfinite(high) & (low < 0)
    about = {"units": "updates", "source": "grokscope.transitions"}
    where = "low < step <= high; "
    return xr.Dataset(
        {
            "event_low": (("run", "event"), np.where(first, np.nan, low), about | {
                "long_name": "Step before the event",
                "formula": where + "the last step looked at where censored; NaN where it was there at the first "
                "evaluation, or nothing was looked at"}),
            "event_high": (("run", "event"), np.where(np.isinf(high), np.nan, high), about | {
                "long_name": "Step at which the event was first seen",
                "formula": where + "NaN where it was not seen"}),
            "censored": (("run", "event"), ~np.isfinite(high), about | {
                "long_name": "Whether the event was not seen", "units": "1", "formula": "no upper bound"}),
        },
        coords={
            "run": [m.name for m in members], "event": names,
            "group": ("run", [of[i] for i in range(len(members))]),
        },
    )  # fmt: skip
