"""Any figure of a run, for several runs: which way it is drawn, and what its caption says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grokscope.comparison.align import Alignment
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.comparison.seed_band import QUARTILES_FROM
from grokscope.errors import RequestError
from grokscope.figures.marks import event_words

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from grokscope.figures.declare import Drawing

TIMELINE = "timeline"


@dataclass(frozen=True)
class Choices:
    """How a comparison's figure is drawn, beside the figure's own options."""

    align: Alignment
    log: bool
    at_least: int | None
    columns: int


def draw(
    drawing: "Drawing",
    members: Sequence[Member],
    groups: Sequence[Group],
    choices: Choices,
    options: Mapping[str, Any],
) -> "go.Figure":
    """Draw a figure of a run for several runs, with caption and text alternative.

    Curves over steps share one figure; the time line is one for all runs; anything else is repeated beside each other.

    Raises
    ------
    RequestError
        Where no run has what the figure needs, or none has the event that is aligned by.
    """
    out = _left_out(drawing, members, choices.align)
    runs = [i for i in range(len(members)) if i not in out]
    if not runs:
        reasons = dict.fromkeys(f"{members[i].name}: {reason}" for i, reason in out.items())
        raise RequestError(
            f"figure '{drawing.__name__}' of these runs", "runs that have it", "; ".join(reasons)
        )
    said = [f"{members[i].name} left out: {reason}" for i, reason in out.items()]
    groups = [
        Group(g.name, own) for g in groups if (own := tuple(i for i in g.members if i in runs))
    ]
    if drawing.__name__ == TIMELINE:
        fig, told = _timeline(members, groups, choices, runs, options)
    else:
        fig, told = _drawn(drawing, members, groups, choices, runs, options)
    return _tell(fig, drawing, members, groups, choices.align, runs, [*told, *said])


def _left_out(drawing: "Drawing", members: Sequence[Member], align: Alignment) -> dict[int, str]:
    from grokscope.figures import why_not

    found = {}
    for i, member in enumerate(members):
        reason = align.why_out(member)
        if reason and align.event is not None:
            found[i] = f"{event_words(align.event)} {reason}"
        elif reason := why_not(drawing, member.ds):
            found[i] = reason
    return found


def _timeline(
    members: Sequence[Member], groups: Sequence[Group], choices: Choices, runs: Sequence[int],
    options: Mapping[str, Any],
) -> "tuple[go.Figure, list[str]]":  # fmt: skip
    from grokscope.comparison.curve_figure import MOST_GROUPS
    from grokscope.comparison.event_figure import draw_events
    from grokscope.comparison.event_numbers import event_names, looked_at

    known = event_names(members)
    wanted = options.get("events")
    chosen = [members[i] for i in runs]
    # The events at the key frequencies of each step are the same story again.
    names = [
        n for n in known
        if (n in wanted if wanted is not None else not n.endswith("_current")) and looked_at(chosen, n)
    ]  # fmt: skip
    if not names:
        raise RequestError("none of the events", ", ".join(known))
    kept, said = _first_groups(groups, MOST_GROUPS)
    fig = draw_events(members, kept, choices.align, names, log=choices.log)
    told = [
        "A row for each event, in it a line for each run: the interval that the event lies in, and a mark at the step "
        "where it was first seen; an open triangle: not seen up to there.",
        *said,
    ]
    return fig, told


def _drawn(
    drawing: "Drawing", members: Sequence[Member], groups: Sequence[Group], choices: Choices,
    runs: Sequence[int], options: Mapping[str, Any],
) -> "tuple[go.Figure, list[str]]":  # fmt: skip
    from grokscope.comparison.curve_figure import MOST_GROUPS, draw_curves
    from grokscope.comparison.multiples import draw_multiples, most_runs
    from grokscope.comparison.over_groups import combine
    from grokscope.comparison.reading_figures import curves_of
    from grokscope.comparison.rug import EVENTS, rug

    figures = {i: drawing(members[i].ds, None, **options) for i in runs}
    read = {i: curves_of(fig) for i, fig in figures.items()}
    panels = {i: found for i, found in read.items() if found is not None}
    if len(panels) < len(runs):
        most = most_runs(next(iter(figures.values())))
        shown, rest = runs[:most], runs[most:]
        fig = draw_multiples(
            [(members[i], figures[i]) for i in shown], choices.align, choices.columns
        )
        told = ["One beside the other, on the same axes and colours."]
        if rest:
            told.append(f"for want of room left out: {', '.join(members[i].name for i in rest)}")
        return fig, told
    kept, said = _first_groups(groups, MOST_GROUPS)
    combined, partial = combine(panels, members, kept, choices.align, choices.at_least)
    if not combined:
        raise RequestError(
            f"figure '{drawing.__name__}' has no series that all runs of a group have, at the same places",
            todo="compare the runs one by one, with group_by='none'",
        )
    marks = rug(members, kept, choices.align, choices.log)
    fig, rest_of, marks = draw_curves(combined, kept, choices.align, marks, log=choices.log)
    words = ", ".join(
        event_words(mark) for mark in EVENTS if any(m.event == mark for m in marks.marks)
    )
    told = _told_bands(kept, choices.at_least)
    if marks.marks:
        told.append(
            f"Below, the events ({words}): the median over a group's runs of the step where each was first seen, on a "
            "line over the runs' intervals; none where half of the runs or more did not see it."
        )
    if any(panel.shades for panel in combined):
        told.append("Grey areas span those of all runs.")
    return fig, [*told, *said, *partial, *rest_of]


def _first_groups(groups: Sequence[Group], most: int) -> tuple[list[Group], list[str]]:
    rest = [group.name for group in groups[most:]]
    said = [f"for want of colours left out: {'; '.join(rest)}"] if rest else []
    return list(groups[:most]), said


def _told_bands(groups: Sequence[Group], at_least: int | None) -> list[str]:
    """Return what lines and bands are, with the number of runs."""
    sizes = {group.name: group.size for group in groups}
    told = []
    if any(n > 1 for n in sizes.values()):
        wide = [f"{name}: {n} runs" for name, n in sizes.items() if n > 1]
        middle = any(n >= QUARTILES_FROM for n in sizes.values())
        band = "from the smallest to the largest"
        if middle:
            band += f" (from {QUARTILES_FROM} runs on, the middle half)"
        where = (
            "all of a group's runs"
            if at_least is None
            else f"at least {at_least} of a group's runs"
        )
        told.append(
            f"Lines are the median over a group's runs, bands reach {band} ({'; '.join(wide)}), where {where} have a "
            "value: each has that of its last evaluation, none is interpolated."
        )
    if any(n == 1 for n in sizes.values()) and len(told):
        told.append("A group of one run is drawn as it is.")
    return told


def _tell(
    fig: "go.Figure", drawing: "Drawing", members: Sequence[Member], groups: Sequence[Group],
    align: Alignment, runs: Sequence[int], told: Sequence[str],
) -> "go.Figure":  # fmt: skip
    """Put name, title, caption and text alternative into the figure's meta."""
    from grokscope.comparison.settings_table import told_settings
    from grokscope.figures import definitions, summary
    from grokscope.figures.alternative import alternative_text

    shown = [members[i] for i in runs]
    of = [f"{g.name}: {', '.join(members[i].name for i in g.members)}" for g in groups]
    title = f"{drawing.title}, {len(shown)} run{'s' * (len(shown) > 1)}"
    # What the single figure's docstring says of its events and phases does not hold here; of a time line all is told.
    reading = [] if drawing.__name__ == TIMELINE else [summary(drawing, shown[0].ds)]
    defined = [
        f"{d.long_name}: {d.formula or 'no formula given'}{f' [{d.source}]' if d.source else ''}."
        for d in definitions(drawing, shown[0].ds)
    ]
    lines = [
        f"{title}.", *reading, *map(_sentence, told), align.told(shown),
        f"Runs: {'; '.join(of)}.", *told_settings(shown), *defined,
    ]  # fmt: skip
    meta = dict(fig.layout.meta or {}) | {
        "name": f"compare_{drawing.__name__}",
        "title": title,
        "caption": " ".join(line for line in lines if line),
        "said": [line for line in told if "left out" in line],
    }
    fig.layout.meta = meta | {"alternative": alternative_text(fig, title)}
    return fig


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
