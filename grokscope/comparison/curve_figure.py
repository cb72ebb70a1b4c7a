"""Curves of several runs in one figure: a line a group, with a band where the group has several runs."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.comparison.align import Alignment
from grokscope.comparison.groups import Group
from grokscope.comparison.over_groups import GroupPanel, GroupSeries
from grokscope.comparison.rug import Rug
from grokscope.comparison.seed_band import Band, thinned
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import add_band, legend_only
from grokscope.figures.theme import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
)
from grokscope.figures.ticks import log_ticks

#: One colour a group; the first three differ in lightness, so that they are told apart in grey too.
GROUP_COLOURS = (BLUE, ORANGE, BLACK, VERMILLION, SKY, PURPLE, GREEN, GREY)
MOST_GROUPS = len(GROUP_COLOURS)
#: A panel with more series, or with more lines in all, becomes a panel for each series.
MOST_SERIES, MOST_LINES = 3, 6
MOST_ALONE = 8
#: Panels one above the other at most; more stand in two columns, and no more than twice as many are drawn.
MOST_ROWS = 6
SCREEN, SINGLE = 150, 100
LETTERS = 17  # of a title along so low an axis
_AXIS_KEYS = ("type", "range", "tickvals", "ticktext", "tickformat", "dtick", "exponentformat")


@dataclass(frozen=True, eq=False)
class Cell:
    """A panel as it is drawn: whole, or one series of a panel that has too many."""

    panel: GroupPanel
    series: Sequence[GroupSeries]
    alone: bool


def draw_curves(
    panels: Sequence[GroupPanel], groups: Sequence[Group], align: Alignment, rug: Rug, *, log: bool
) -> tuple[go.Figure, list[str], Rug]:
    """Draw panels over groups; return the figure, lines on what was left out, and the events that are drawn.

    Parameters
    ----------
    panels
        What `combine` made.
    groups
        Those of the comparison, `MOST_GROUPS` at most.
    align
        Of the steps.
    rug
        Events of the groups, drawn under the last panel.
    log
        Whether the axis across is logarithmic.
    """
    cells, said = _cells(panels, len(groups))
    ends = _ends(cells, log)
    rug = rug.within(*ends)
    columns = 1 if len(cells) <= MOST_ROWS else 2
    rows = -(-len(cells) // columns)
    heights = [1.0] * rows + ([rug.height / SCREEN] if rug.marks else [])
    fig = make_subplots(
        rows=len(heights), cols=columns, shared_xaxes="all", row_heights=heights,
        vertical_spacing=0.09 / len(heights), horizontal_spacing=0.16,
    )  # fmt: skip
    for number, cell in enumerate(cells):
        row, column = number // columns + 1, number % columns + 1
        _draw_cell(fig, cell, groups, ends, row, column, log)
    for column in range(1, columns + 1) if rug.marks else ():
        colours = [_colour(n, len(groups)) for n in range(len(groups))]
        rug.draw(fig, colours, row=len(heights), column=column)
    _legend(fig, cells, groups)
    rug.explain(fig)
    _set_across(fig, align, ends, log, bottom=len(heights), columns=columns)
    room = {1: 1.7, 2: 1.35}.get(rows, 1.0)
    dress_for(
        fig, screen=round(SCREEN * room * rows + rug.height + 50),
        single=round(SINGLE * room * rows + rug.height + 40),
    )  # fmt: skip
    return fig, said, rug


def _cells(panels: Sequence[GroupPanel], n_groups: int) -> tuple[list[Cell], list[str]]:
    cells, said = [], []
    alone = [s.name for panel in panels for s in panel.series if len(s.bands) == 1]
    if n_groups > 1 and any(len(s.bands) > 1 for panel in panels for s in panel.series) and alone:
        # What one group alone has is compared with nothing.
        panels = [replace(p, series=[s for s in p.series if len(s.bands) > 1]) for p in panels]
        said.append(f"of one group only, and left out: {', '.join(dict.fromkeys(alone))}")
    for panel in panels:
        lines = len(panel.series) * n_groups
        together = (
            len(panel.series) <= MOST_ALONE
            if n_groups == 1
            else len(panel.series) <= MOST_SERIES and lines <= MOST_LINES
        )
        if together or len(panel.series) == 1:
            cells.append(Cell(panel, panel.series, len(panel.series) == 1))
        else:
            cells += [Cell(panel, [series], True) for series in panel.series]
    rest = [cell.series[0].name for cell in cells[2 * MOST_ROWS :]]
    if rest:
        said.append(f"for want of room left out: {', '.join(rest)}")
    return cells[: 2 * MOST_ROWS], said


def _ends(cells: Sequence[Cell], log: bool) -> tuple[float, float]:
    x = np.concatenate([band.x for cell in cells for s in cell.series for _, band in s.bands])
    x = x[x > 0] if log else x
    if not len(x):
        return (0.5, 1.0) if log else (0.0, 1.0)
    low, high = float(x.min()), float(x.max())
    return (low, high) if high > low else (low - 0.5 * (1 if not log else low), high + 0.5)


def _colour(number: int, n_groups: int) -> str:
    return GROUP_COLOURS[number] if n_groups > 1 else GREY


def _look(cell: Cell, series: int, group: int, n_groups: int) -> tuple[str, str]:
    """Return colour and dash: of the series where there is one group; else the group's colour, its dash when alone."""
    own = cell.series[series].first
    if n_groups == 1:
        return own.colour or BLUE, own.dash
    dash = DASHES[group % len(DASHES)] if cell.alone else _dashes(cell)[series]
    return GROUP_COLOURS[group], dash


def _dashes(cell: Cell) -> list[str]:
    """Return a dash for each series of a panel: its own in the figure of one run, where these differ."""
    own = [series.first.dash for series in cell.series]
    return own if len(set(own)) == len(own) else list(DASHES[: len(own)])


def _draw_cell(
    fig: go.Figure, cell: Cell, groups: Sequence[Group], ends: tuple[float, float], row: int,
    column: int, log: bool,
) -> None:  # fmt: skip
    place = dict(row=row, col=column)
    logarithmic = cell.panel.axis.get("type") == "log"
    for name, (x, low, high) in cell.panel.shades.items():
        seen = (x >= ends[0]) & (x <= ends[1]) & (low > 0 if logarithmic else True)
        low = np.where(seen, low, np.nan)
        add_band(fig, x, low, high, GREY, legendgroup=name, meta="range over runs", **place)
    for name, value, group in cell.panel.constants:
        colour = GREY if group is None else _colour(group, len(groups))
        fig.add_scatter(
            x=list(ends), y=[value, value], mode="lines", name=name, legendgroup=name,
            showlegend=False, hoverinfo="skip", line=dict(color=colour, dash="dot", width=1), **place,
        )  # fmt: skip
    for number, series in enumerate(cell.series):
        for group, band in series.bands:
            colour, dash = _look(cell, number, group, len(groups))
            _draw_band(fig, band, groups[group], series.name, colour, dash, logarithmic, log, place)
    axis = {key: cell.panel.axis[key] for key in _AXIS_KEYS if key in cell.panel.axis}
    fig.update_yaxes(**axis, title_text=_title(cell), **place)
    if logarithmic and "range" not in axis:
        _log_range(fig, cell, ends, place)


def _draw_band(
    fig: go.Figure, band: Band, group: Group, series: str, colour: str, dash: str,
    logarithmic: bool, log: bool, place: dict[str, int],
) -> None:  # fmt: skip
    band = thinned(band)
    x = np.where(band.x > 0, band.x, np.nan) if log else band.x
    median, low, high = (
        np.where(v > 0, v, np.nan) if logarithmic else v for v in (band.median, band.low, band.high)
    )
    if group.size > 1:
        words = dict(legendgroup=plain(group.name), meta=f"{series}, range over runs")
        add_band(fig, x, low, np.where(np.isfinite(x), high, np.nan), colour, **words, **place)
    fig.add_scatter(
        x=x, y=median, mode="lines" if len(x) > 1 else "markers", showlegend=False,
        name=f"{plain(group.name)}, {series}", legendgroup=plain(group.name),
        line=dict(color=colour, dash=dash, width=1.6), marker=dict(color=colour),
        hovertemplate="%{x:,.5g}<br>%{y:.4g}<extra>%{fullData.name}</extra>", **place,
    )  # fmt: skip


def _title(cell: Cell) -> str:
    """Return the title of the axis upwards, with the series' name where the cell shows one of several."""
    if not cell.alone or len(cell.panel.series) == 1:
        return cell.panel.title
    lines = [f"<b>{line}</b>" for line in textwrap.wrap(cell.series[0].name, LETTERS)]
    return "<br>".join([*lines, *textwrap.wrap(cell.panel.title, LETTERS)])


def _log_range(
    fig: go.Figure, cell: Cell, ends: tuple[float, float], place: dict[str, int]
) -> None:
    """Let the drawn medians and ranges set a logarithmic axis, with ticks that can be read."""
    values = np.concatenate(
        [v for s in cell.series for _, b in s.bands for v in (b.low, b.high)]
        + [
            v[(x >= ends[0]) & (x <= ends[1])]
            for x, *edges in cell.panel.shades.values()
            for v in edges
        ]
        + [np.array([value for _, value, _ in cell.panel.constants])]
    )
    values = values[np.isfinite(values) & (values > 0)]
    if len(values):
        low, high = float(values.min()), float(values.max())
        margin = 0.05 * max(np.log10(high / low), 0.3)
        places, ticks = log_ticks(low, high)
        span = [np.log10(low) - margin, np.log10(high) + margin]
        fig.update_yaxes(tickvals=places, ticktext=ticks, range=span, **place)


def _legend(fig: go.Figure, cells: Sequence[Cell], groups: Sequence[Group]) -> None:
    many = len(groups) > 1
    mixed = any(not cell.alone for cell in cells)
    drawn = {g for cell in cells for s in cell.series for g, _ in s.bands}
    for number, group in enumerate(groups):
        if many and number in drawn:
            dash = "solid" if mixed else DASHES[number % len(DASHES)]
            words = plain(group.name) + (f" ({group.size} runs)" if group.size > 1 else "")
            line = dict(color=GROUP_COLOURS[number], dash=dash, width=1.6)
            legend_only(fig, words, line=line, group=plain(group.name))
    seen: dict[str, Any] = {}
    for cell in cells:
        for number, series in enumerate(cell.series):
            if many and not cell.alone:
                seen.setdefault(
                    series.name, dict(color=GREY, dash=_dashes(cell)[number], width=1.6)
                )
            elif not many:
                colour, dash = _look(cell, number, 0, 1)
                seen.setdefault(series.name, dict(color=colour, dash=dash, width=1.6))
        for name, _, _ in cell.panel.constants:
            seen.setdefault(name, dict(color=GREY, dash="dot", width=1))
        for name in cell.panel.shades:
            seen.setdefault(name, dict(color=PALE, dash="solid", width=7))
    for name, line in seen.items():
        legend_only(fig, name, line=line, group=f"series {name}")


def _set_across(
    fig: go.Figure,
    align: Alignment,
    ends: tuple[float, float],
    log: bool,
    bottom: int,
    columns: int,
) -> None:
    low, high = ends
    margin = 0.02 * (high - low)
    if log:
        places, ticks = log_ticks(low, high)
        fig.update_xaxes(
            type="log", range=[np.log10(low), np.log10(high)], tickvals=places, ticktext=ticks,
            ticklabeloverflow="allow",
        )  # fmt: skip
    else:
        fig.update_xaxes(
            range=[low - margin * (align.event is not None), high + margin], separatethousands=True,
            exponentformat="none", nticks=6, ticklabeloverflow="allow",
        )  # fmt: skip
    if align.origin is not None:
        fig.add_vline(x=align.origin, line=dict(color="#333333", width=1, dash="dot"))
    for column in range(1, columns + 1):
        fig.update_xaxes(title_text=align.title(log=log), row=bottom, col=column)
