"""Events of several runs on one time line: a row for each event, a mark for each run, in the colour of its group."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from grokscope.comparison.align import Alignment, bounds
from grokscope.comparison.curve_figure import GROUP_COLOURS
from grokscope.comparison.groups import Group
from grokscope.comparison.member import Member
from grokscope.figures.marks import event_words, interval_words
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import SYMBOLS, legend_only
from grokscope.figures.theme import BLUE, GREY
from grokscope.figures.ticks import log_ticks

TITLE = "Events of several runs on a time line"


def draw_events(
    members: Sequence[Member],
    groups: Sequence[Group],
    align: Alignment,
    events: Sequence[str],
    *,
    log: bool,
) -> go.Figure:
    """Draw each run's interval of each event: a bar that ends in the group's mark, at the step where it was first seen.

    An open triangle is an event that was not seen up to there.

    Parameters
    ----------
    members, groups, align
        Of the comparison; each run of a group has a place on the axis.
    events
        Their rows, from the top.
    log
        Whether the axis across is logarithmic; what lies at or before 0 is then drawn at the first place.
    """
    fig = go.Figure()
    order = [(g, i) for g, group in enumerate(groups) for i in group.members]
    lanes = {i: n for n, (_, i) in enumerate(order)}
    seen_x: list[float] = []
    for g, group in enumerate(groups):
        colour = GROUP_COLOURS[g] if len(groups) > 1 else BLUE
        bar_x: list[float | None] = []
        bar_y: list[float | None] = []
        points: dict[str, list[tuple[float, float, str]]] = {"seen": [], "not seen": []}
        for i in group.members:
            for row, name in enumerate(events):
                if name not in members[i].transitions.names:
                    continue
                event = members[i].transitions[name]
                low, high = bounds(event)
                if np.isnan(low):
                    continue
                lane = row - 0.38 + 0.76 * (lanes[i] + 0.5) / len(order)
                words = plain(f"{members[i].name}, {event_words(name)}: {interval_words(event)}")
                both = np.array([low, low if np.isinf(high) else high])
                low, at = align.place(members[i], both).tolist()
                points["not seen" if np.isinf(high) else "seen"].append((at, lane, words))
                seen_x.append(at)
                if np.isfinite(high):
                    bar_x += [low, at, None]
                    bar_y += [lane, lane, None]
                    seen_x.append(low)
        name = plain(group.name)
        if bar_x:
            fig.add_scatter(
                x=bar_x, y=bar_y, mode="lines", line=dict(color=colour, width=3), opacity=0.35,
                name=f"{name}, interval", legendgroup=name, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        for kind, symbol in (("seen", SYMBOLS[g]), ("not seen", "triangle-right-open")):
            if points[kind]:
                x, y, words_of = zip(*points[kind], strict=True)
                fig.add_scatter(
                    x=x, y=y, mode="markers", text=words_of, legendgroup=name, showlegend=False,
                    name=f"{name}, {kind}", hovertemplate="%{text}<extra></extra>", cliponaxis=False,
                    marker=dict(color=colour, symbol=symbol, size=5 if kind == "seen" else 6),
                )  # fmt: skip
        words = f"{name} ({group.size} runs)" if group.size > 1 and len(groups) > 1 else name
        legend_only(fig, words, marker=dict(color=colour, symbol=SYMBOLS[g], size=6), group=name)
    if any(t.name and t.name.endswith("not seen") for t in fig.data):
        legend_only(fig, "not seen by here", marker=dict(color=GREY, symbol="triangle-right-open", size=6))  # fmt: skip
    fig.update_yaxes(
        tickvals=list(range(len(events))), ticktext=[plain(event_words(e)) for e in events],
        range=[len(events) - 0.4, -0.6], ticks="", showgrid=False,
    )  # fmt: skip
    for row in range(1, len(events)):
        fig.add_shape(
            type="line", xref="x domain", yref="y", x0=0, x1=1, y0=row - 0.5, y1=row - 0.5,
            line=dict(color="#EBEBEB", width=1), layer="below",
        )  # fmt: skip
    _across(fig, align, np.array(seen_x), log)
    lane = max(16, 5 * len(order))
    dress_for(
        fig, screen=60 + lane * len(events), single=50 + max(13, 4 * len(order)) * len(events)
    )
    return fig


def _across(fig: go.Figure, align: Alignment, x: np.ndarray, log: bool) -> None:
    fig.update_xaxes(title_text=align.title(log=log))
    if log and (x > 0).any():
        low, high = float(x[x > 0].min()), float(x.max())
        for trace in fig.data:
            if trace.x is not None:
                trace.x = [None if v is None else max(v, low) for v in trace.x]
        places, ticks = log_ticks(low, high)
        margin = 0.03 * max(np.log10(high / low), 0.3)
        fig.update_xaxes(
            type="log", tickvals=places, ticktext=ticks, ticklabeloverflow="allow",
            range=[np.log10(low) - margin, np.log10(high) + margin],
        )  # fmt: skip
    elif len(x):
        margin = 0.03 * (float(np.ptp(x)) or 1.0)
        fig.update_xaxes(
            range=[float(x.min()) - margin, float(x.max()) + margin], separatethousands=True,
            exponentformat="none", nticks=6,
        )  # fmt: skip
    if align.origin is not None:
        fig.add_vline(x=align.origin, line=dict(color="#333333", width=1, dash="dot"))
