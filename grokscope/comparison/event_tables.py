"""Events and delays side by side, in words."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.comparison.event_numbers import (
    GAPS,
    Over,
    event_interval,
    event_names,
    gap_between,
    gap_interval,
    looked_at,
    over_group,
)
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.comparison.table import Table, by_runs
from grokscope.figures.marks import event_words


def events_table(members: Sequence[Member]) -> Table:
    """Return each event of each run as its interval; "not by 5,000" where it was not seen up to there."""
    names = [name for name in event_names(members) if looked_at(members, name)]
    rest = [event_words(n) for n in event_names(members) if n not in names]
    cells = [[_when(event_interval(m, name)) for m in members] for name in names]
    notes = (f"nothing to look at in any run for: {', '.join(rest)}",) if rest else ()
    return _beside(
        "Events, low < step ≤ high", "event", [event_words(n) for n in names], members, cells, notes
    )


def delays_table(members: Sequence[Member]) -> Table:
    """Return the delays and leads of each run, in steps, each as an interval."""
    cells = []
    for _, first, then in GAPS:
        found = [gap_between(m, first, then) for m in members]
        cells.append([
            "-" if g is None else f"at least {g.low:,}" if g.high is None else f"[{g.low:,}, {g.high:,}]"
            for g in found
        ])  # fmt: skip
    names = [_gap_name(first, then) for _, first, then in GAPS]
    return _beside("Steps between events", "from, to", names, members, cells, (
        "- where the first of the two was not seen, or the second not looked at",
    ))  # fmt: skip


def groups_table(members: Sequence[Member], groups: Sequence[Group]) -> Table:
    """Return medians and ranges over the runs of each group, of events and of delays."""
    names = [name for name in event_names(members) if looked_at(members, name)]
    rows = [(event_words(n), lambda m, n=n: event_interval(m, n), "beyond") for n in names]
    rows += [
        (_gap_name(*ends), lambda m, ends=ends: gap_interval(m, *ends), "at least")
        for _, *ends in GAPS
    ]
    made = tuple(
        (words, *(_over_words(_over(members, group, take), late) for group in groups))
        for words, take, late in rows
    )
    return Table(
        "Over the runs of each group: median, range of the runs that saw it, how many did",
        ("event or delay", *(f"{g.name} ({g.size} run{'s' * (g.size > 1)})" for g in groups)),
        made,
        (
            "a median is given as the interval that it lies in; where half of the runs or more did not see the event, "
            "it is only known to lie beyond a step",
        ),
    )


def _over(
    members: Sequence[Member], group: Group, take: Callable[[Member], Float[ndarray, "2"]]
) -> Over:
    return over_group(np.array([take(members[i]) for i in group.members]))


def _over_words(over: Over, late: str) -> str:
    if not over.of:
        return "-"
    count = f"{over.seen} of {over.of}"
    if not np.isfinite(over.high):
        median = f"{late} {_number(over.low)}"
    elif over.low < 0 and late == "beyond":
        median = f"by {_number(over.high)}"
    else:
        bracket = "(" if late == "beyond" else "["
        median = f"{bracket}{_number(over.low)}, {_number(over.high)}]"
    if over.seen < 2:
        return f"{median}; {count}"
    least = max(over.least, 0.0) if late == "beyond" else over.least
    return f"{median}; {_number(least)} to {_number(over.most)}; {count}"


def _number(value: float) -> str:
    return f"{value:,.10g}"


def _when(interval: Float[ndarray, "2"]) -> str:
    low, high = interval.tolist()
    if np.isnan(low):
        return "not looked at"
    if np.isinf(high):
        return f"not by {_number(low)}"
    return f"by {_number(high)}" if low < 0 else f"({_number(low)}, {_number(high)}]"


def _gap_name(first: str, then: str) -> str:
    return f"{event_words(first)} to {event_words(then)}"


def _beside(
    title: str, corner: str, names: Sequence[str], members: Sequence[Member],
    cells: Sequence[Sequence[str]], notes: tuple[str, ...],
) -> Table:  # fmt: skip
    rows = [(name, *line) for name, line in zip(names, cells, strict=True)]
    return by_runs(title, (corner, *(m.name for m in members)), rows, notes)
