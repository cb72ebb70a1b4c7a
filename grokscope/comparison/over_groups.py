"""What a figure of curves over several runs draws: each panel's series, over the runs of each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from numpy import ndarray

from grokscope.comparison.align import Alignment
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.comparison.reading_figures import Panel, Series
from grokscope.comparison.seed_band import QUARTILES_FROM, Band, envelope, over_runs


@dataclass(frozen=True, eq=False)
class GroupSeries:
    """A series of a panel over groups: for each group that has it, its position and the band over its runs."""

    name: str
    first: Series
    bands: list[tuple[int, Band]]


@dataclass(eq=False)
class GroupPanel:
    """A panel over groups.

    Attributes
    ----------
    title, axis
        Of the axis upwards, as in the first run's figure.
    series
        Its curves.
    constants
        (name, value, group); the group is None where all runs have the same.
    shades
        Bands of the figure itself, such as random frequencies: name -> (x, low, high), spanning those of all runs.
    """

    title: str
    axis: dict[str, Any]
    series: list[GroupSeries] = field(default_factory=list)
    constants: list[tuple[str, float, int | None]] = field(default_factory=list)
    shades: dict[
        str,
        tuple[Float[ndarray, " point"], Float[ndarray, " point"], Float[ndarray, " point"]],
    ] = field(default_factory=dict)


def combine(
    read: Mapping[int, list[Panel]],
    members: Sequence[Member],
    groups: Sequence[Group],
    align: Alignment,
    at_least: int | None,
) -> tuple[list[GroupPanel], list[str]]:
    """Return the panels over groups, and lines on what some runs do not have.

    A series is drawn for a group where all of its runs in `read` have it, matched by the title of the panel and by
    name: the third key frequency of one run is another one in the next, and has no median.

    Parameters
    ----------
    read
        Position of a run -> its panels.
    members, groups, align
        Of the comparison.
    at_least
        As for `over_runs`, for each group.
    """
    titles = dict.fromkeys(panel.title for panels in read.values() for panel in panels)
    made, partial = [], dict[str, None]()
    for title in titles:
        own = {
            position: next((p for p in panels if p.title == title), None)
            for position, panels in read.items()
        }
        present = [panel for panel in own.values() if panel is not None]
        panel = GroupPanel(title, present[0].axis)
        drawn = {
            position: {s.name: s for s in found.series} for position, found in own.items() if found
        }
        for name in dict.fromkeys(s.name for p in present for s in p.series):
            having = {position: s[name] for position, s in drawn.items() if name in s}
            first = next(iter(having.values()))
            if first.kind == "constant":
                panel.constants += _constants(name, having, groups)
            elif first.kind == "band":
                shifted = [
                    (_placed(s.lower, members[i], align), _placed(s.upper, members[i], align))
                    for i, s in having.items()
                ]
                panel.shades[name] = envelope(shifted)
            else:
                bands, whole = _bands(having, read, members, groups, align, at_least)
                if bands:
                    panel.series.append(GroupSeries(name, first, bands))
                if not whole:
                    partial[name] = None
        if panel.series:
            made.append(panel)
    said = (
        [f"not in all runs of a group, and left out there: {', '.join(partial)}"] if partial else []
    )
    return made, said


def _bands(
    having: Mapping[int, Series], read: Mapping[int, Any], members: Sequence[Member],
    groups: Sequence[Group], align: Alignment, at_least: int | None,
) -> tuple[list[tuple[int, Band]], bool]:  # fmt: skip
    found, whole = [], True
    for number, group in enumerate(groups):
        runs = [i for i in group.members if i in read]
        own = [i for i in runs if i in having]
        if not own:
            continue
        if len(own) < len(runs):
            whole = False
            continue
        curves = [_placed(having[i].lower, members[i], align) for i in own]
        need = None if at_least is None else min(at_least, len(own))
        band = over_runs(curves, need, quartiles=len(own) >= QUARTILES_FROM)
        if len(band.x):
            found.append((number, band))
    return found, whole


def _placed(curve: Any, member: Member, align: Alignment) -> Any:
    return align.place(member, curve[0]), curve[1]


def _constants(
    name: str, having: Mapping[int, Series], groups: Sequence[Group]
) -> list[tuple[str, float, int | None]]:
    values = {i: float(s.lower[1][0]) for i, s in having.items()}
    if len(set(values.values())) == 1:
        return [(name, next(iter(values.values())), None)]
    found: dict[tuple[str, float, int | None], None] = {}
    for number, group in enumerate(groups):
        for i in group.members:
            if i in values:
                found[name, values[i], number] = None
    return list(found)
