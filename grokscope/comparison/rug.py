"""Events of each group as marks under a figure: the median over its runs, with a line over where it may lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from grokscope.comparison.align import Alignment, bounds
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.figures.marks import event_words
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import legend_only
from grokscope.figures.sweep_numbers.censored import medians
from grokscope.figures.theme import GREY

#: Event -> its mark.
EVENTS = {
    "memorised": "triangle-down-open",
    "circuit_onset": "circle-open",
    "grokked_99": "diamond",
}
ROW = 11  # pixels of a group


@dataclass(frozen=True)
class Mark:
    """An event of a group: where its median was first seen, and from where to where the runs' intervals reach."""

    event: str
    group: int
    at: float
    low: float
    high: float
    seen: int
    of: int


@dataclass(frozen=True)
class Rug:
    """The marks of all groups."""

    marks: tuple[Mark, ...]
    names: tuple[str, ...]

    @property
    def height(self) -> int:
        """Pixels that it needs."""
        return 10 + ROW * len(self.names) if self.marks else 0

    def within(self, low: float, high: float) -> "Rug":
        """Return the marks that lie within the ends of the axis across."""
        inside = [
            replace(m, low=max(m.low, low), high=min(m.high, high))
            for m in self.marks
            if low <= m.at <= high
        ]
        return replace(self, marks=tuple(inside))

    def draw(self, fig: go.Figure, colours: Sequence[str], *, row: int, column: int) -> None:
        """Draw the marks into a panel, the first group at the top."""
        place = dict(row=row, col=column)
        for mark in self.marks:
            fig.add_scatter(
                x=[mark.low, mark.high], y=[mark.group] * 2, mode="lines", hoverinfo="skip",
                name=f"{plain(self.names[mark.group])}, {event_words(mark.event)}, range",
                showlegend=False, line=dict(color=colours[mark.group], width=1), opacity=0.6, **place,
            )  # fmt: skip
            fig.add_scatter(
                x=[mark.at], y=[mark.group], mode="markers", showlegend=False, cliponaxis=False,
                name=f"{plain(self.names[mark.group])}, {event_words(mark.event)}",
                marker=dict(
                    symbol=EVENTS[mark.event], size=7, color=colours[mark.group],
                    line=dict(width=1.2, color=colours[mark.group]),
                ),
                hovertemplate="%{x:,.6g}<extra>%{fullData.name}</extra>", **place,
            )  # fmt: skip
        fig.update_yaxes(
            range=[len(self.names) - 0.4, -0.6], showticklabels=False, ticks="", showgrid=False,
            **place,
        )  # fmt: skip

    def explain(self, fig: go.Figure) -> None:
        """Put each event's mark into the legend."""
        for event, symbol in EVENTS.items():
            if any(mark.event == event for mark in self.marks):
                look = dict(symbol=symbol, size=7, color=GREY, line=dict(width=1.2, color=GREY))
                legend_only(fig, event_words(event), marker=look)


def rug(
    members: Sequence[Member],
    groups: Sequence[Group],
    align: Alignment,
    log: bool = False,
) -> Rug:
    """Return the marks of the groups' events; none for a median that is not known.

    In an aligned figure the aligned event itself has none: it lies at the line.
    """
    found = []
    for number, group in enumerate(groups):
        own = [members[i] for i in group.members]
        for event in EVENTS:
            having = [m for m in own if event in m.transitions.names]
            if not having or event == align.event:
                continue
            ends = np.array([bounds(m.transitions[event]) for m in having]).reshape(-1, 2)
            shifted = np.stack([align.place(m, pair) for m, pair in zip(having, ends, strict=True)])
            at = float(medians(shifted[:, 1]))
            seen = shifted[np.isfinite(ends[:, 1])]
            if not np.isfinite(at) or (log and at <= 0):
                continue
            low, high = float(seen[:, 0].min()), float(seen[:, 1].max())
            if log and low <= 0:
                low = at
            found.append(Mark(event, number, at, low, high, len(seen), len(having)))
    return Rug(tuple(found), tuple(g.name for g in groups))
