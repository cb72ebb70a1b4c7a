"""A figure without a step axis, or with heat maps, for several runs: one beside the other, on the same axes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from grokscope.comparison.align import Alignment
from grokscope.comparison.cell import KEPT_NOTES, Cell, number_of, reference
from grokscope.comparison.member import Member
from grokscope.comparison.reading_figures import is_over_steps
from grokscope.figures.room import dress_for
from grokscope.figures.text_width import text_width

#: Panels of all runs together at most.
MOST_PANELS = 36
ACROSS, NAME, BELOW, LINE = 0.07, 16, 38, 12
"""Share of the width between runs; pixels of a run's name, of what stands under an axis, of a line of a title."""
WIDE, WIDE_FONT = 640.0, 9.4  # pixels of a double column, and of the text in it
_HEAT = ("heatmap", "contour", "histogram2d")


def most_runs(fig: go.Figure) -> int:
    """Return how many runs' figures like `fig` can be read beside each other."""
    return max(1, MOST_PANELS // max(1, len(list(fig.select_yaxes()))))


def draw_multiples(
    figures: Sequence[tuple[Member, go.Figure]], align: Alignment, columns: int
) -> go.Figure:
    """Put the figures of several runs beside each other: each its panels as they are, axes and colours on one scale.

    Parameters
    ----------
    figures
        Each run and its figure, all of one kind.
    align
        Of the steps, where the figure has them across.
    columns
        Runs beside each other.
    """
    columns = min(columns, len(figures))
    rows = -(-len(figures) // columns)
    first = figures[0][1]
    over_steps = is_over_steps(first)
    heights = (first.layout.meta or {}).get("heights", {})
    screen, single = heights.get("screen", 400), heights.get("single", 280)
    # A figure that is drawn narrower is drawn lower, or its text would stand in emptiness.
    each = {"screen": max(150.0, screen * 0.8 / columns**0.5), "single": max(110.0, 0.85 * single)}
    fig = go.Figure(layout=_whole(first))
    titles = LINE * max(_lines_above(f) for _, f in figures)
    between = NAME + titles + BELOW
    tall = {key: rows * height + (rows - 1) * between for key, height in each.items()}
    gap = between / min(tall.values())
    fig = go.Figure(layout=_whole(first))
    counts = {max(_count(f.select_xaxes()), _count(f.select_yaxes())) for _, f in figures}
    per_run = max(counts)
    for number, (member, one) in enumerate(figures):
        row, column = divmod(number, columns)
        across = (column, columns, _between(figures))
        cell = Cell(number, per_run, (row, rows, gap), across, titles)
        cell.put(fig, one, member, align if over_steps else None)
    if len(counts) == 1:  # else the third panel of one run is not the third of another
        _share_axes(fig, per_run)
    _share_colours(fig)
    _one_legend(fig)
    if over_steps:
        _across(fig, align)
    dress_for(fig, screen=round(tall["screen"] + between), single=round(tall["single"] + between))
    fig.update_layout(margin_t=NAME + titles + 4)
    letters = {
        reference(axis): figures[(number_of(reference(axis)) - 1) // per_run][0].name
        for axis in fig.select_yaxes()
    }
    fig.layout.meta = dict(fig.layout.meta or {}) | {"letters": letters}
    return fig


def _between(figures: Sequence[tuple[Member, go.Figure]]) -> float:
    """Return the share of the width between runs: where axes have words for numbers, these stand there."""
    words = [
        str(text)
        for _, fig in figures
        for axis in fig.select_yaxes()
        if axis.showticklabels is not False
        for text in axis.ticktext or ()
    ]
    longest = max((text_width(word, WIDE_FONT) for word in words), default=0.0)
    return min(0.4, max(ACROSS, (longest + 30) / WIDE))


def _lines_above(fig: go.Figure) -> int:
    """Return how many lines of text stand above the topmost panels."""
    axes = {reference(axis): axis for axis in fig.select_yaxes()}
    lines = 0
    for note in fig.layout.annotations:
        if note.name not in KEPT_NOTES or note.y is None:
            continue
        axis, space, _ = str(note.yref or "paper").partition(" ")
        top = (axes[axis].domain or (0, 1))[1] if space and axis in axes else 1.0
        if top > 0.99 and note.y > 0.99:
            lines = max(lines, 1 + str(note.text).count("<br>"))
    return lines


def _whole(first: go.Figure) -> dict[str, Any]:
    """Return what the layout has besides axes, notes, shapes and what moves."""
    layout = first.layout.to_plotly_json()
    dropped = ("template", "annotations", "shapes", "sliders", "meta", "width", "height", "margin")
    return {
        key: value
        for key, value in layout.items()
        if key not in dropped and not re.match(r"[xy]axis\d*$", key)
    }


def _count(axes: Iterable[Any]) -> int:
    return sum(1 for _ in axes)


def _share_axes(fig: go.Figure, panels: int) -> None:
    """Give axes at the same place of each run the range that holds all of them; those with words keep their own."""
    for axes in (list(fig.select_xaxes()), list(fig.select_yaxes())):
        for panel in range(panels):
            family = [
                axis for axis in axes
                if (number_of(reference(axis)) - 1) % panels == panel
            ]  # fmt: skip
            words = {tuple(axis.ticktext or ()) for axis in family}
            if len(words) > 1 or not family:
                continue
            ranges = [axis.range for axis in family if axis.range is not None]
            if len(ranges) == len(family):
                falling = ranges[0][0] > ranges[0][1]
                low = min(min(r) for r in ranges)
                high = max(max(r) for r in ranges)
                for axis in family:
                    axis.range = [high, low] if falling else [low, high]
            elif not ranges and len(family) > 1:
                for axis in family[1:]:
                    if axis.matches is None:
                        axis.matches = reference(family[0])


def _share_colours(fig: go.Figure) -> None:
    """Give heat maps one range of colours: of a shared colour axis by itself, else those of the same name."""
    families: dict[str, list[Any]] = {}
    for trace in fig.data:
        if trace.type in _HEAT and trace.coloraxis is None and trace.showscale is not False:
            families.setdefault(str(trace.name), []).append(trace)
    for traces in families.values():
        values = [np.asarray(t.z, dtype=np.float64) for t in traces]
        finite = [v[np.isfinite(v)] for v in values]
        finite = [v for v in finite if len(v)]
        if not finite:
            continue
        fixed = traces[0].zmin
        low = min(float(v.min()) for v in finite) if fixed is None else fixed
        high = max(float(v.max()) for v in finite)
        for number, trace in enumerate(traces):
            trace.update(zmin=low, zmax=high, showscale=number == 0)


def _one_legend(fig: go.Figure) -> None:
    """Let each name stand in the legend once; names that differ in their numbers only stand without them."""
    shown: dict[str, list[Any]] = {}
    for trace in fig.data:
        if trace.name and trace.type not in _HEAT:
            shown.setdefault(_without_numbers(str(trace.name)), []).append(trace)
    for short, traces in shown.items():
        names = {trace.name for trace in traces}
        named = [t for t in traces if t.showlegend is not False]
        for trace in traces:
            trace.legendgroup = short
            trace.showlegend = bool(named) and trace is named[0]
            if len(names) > 1:
                trace.name = short


def _without_numbers(name: str) -> str:
    return re.sub(r"[\s:=,]*[\d,.\s]+$", "", name) or name


def _across(fig: go.Figure, align: Alignment) -> None:
    x = [
        np.asarray([v for v in trace.x if v is not None], dtype=np.float64)
        for trace in fig.data
        if trace.x is not None
    ]
    values = np.concatenate(x)
    values = values[np.isfinite(values)]
    if len(values):
        fig.update_xaxes(range=[float(values.min()), float(values.max())])
    fig.update_xaxes(nticks=4)
    titled = [axis for axis in fig.select_xaxes() if axis.title.text]
    for axis in titled:
        axis.title.text = align.title(log=False)
    if align.origin is not None:
        for axis in fig.select_yaxes():
            name = reference(axis)
            fig.add_shape(
                type="line", xref=name.replace("y", "x"), yref=f"{name} domain", x0=align.origin,
                x1=align.origin, y0=0, y1=1, line=dict(color="#FFFFFF", width=1, dash="dot"),
            )  # fmt: skip
