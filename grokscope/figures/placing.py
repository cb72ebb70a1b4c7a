"""Several figures on one sheet: how large each cell is, and what stands where in it, in pixels."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.axis_room import beside_panel
from grokscope.figures.header import wrap
from grokscope.figures.joining import same_legends, shared_events, shared_phases, told_of
from grokscope.figures.legend_rows import entries, legend_height
from grokscope.figures.moving import Box, Moved, move
from grokscope.figures.series import plain
from grokscope.figures.sheet import Sheet
from grokscope.figures.sizes import set_on
from grokscope.figures.squares import set_squares, square_height
from grokscope.figures.text_width import text_width
from grokscope.figures.theme import template

GAP = 10.0  # pixels between cells
Span = tuple[float, float]
#: Of a cell's width: labels longer than this do not push the other panels of their column.
WIDE_LABELS = 0.3
TICKS = 6.0  # pixels of a tick and what is between it and its label


@dataclass(frozen=True)
class Cell:
    """A laid out figure, and the pixels that it needs.

    Attributes
    ----------
    fig, letter
        What stands in the cell.
    left, right, above, below
        What axes, names above and colour bars take beside the panels.
    inner, legend
        The height of the panels, and that of the legend below the axes.
    """

    fig: go.Figure
    letter: str
    left: float
    right: float
    above: float
    below: float
    inner: float
    legend: float


def place(figures: Sequence[go.Figure], sheet: Sheet, columns: int) -> go.Figure:
    """Return one figure of several, laid out on a sheet in columns."""
    phases, events = shared_phases(figures), shared_events(figures)
    one_legend = same_legends(figures)
    within = Sheet((sheet.across - GAP * (columns - 1)) / columns, sheet.font)
    numbered = [_numbered(fig, phases, events) for fig in figures]
    cells = [
        _cell(fig, letter, within, legend=not one_legend)
        for fig, letter in zip(numbered, string.ascii_lowercase, strict=False)
    ]
    key = _key(phases, events, sheet)
    foot = 1.3 * sheet.font * (key.count("<br>") + 1) + 6 if key else 0.0
    shared = _without_key(numbered[0], sheet) if one_legend else None
    base = foot + (legend_height(shared, sheet) if shared else 0.0)
    boxes, ends, size = _boxes(cells, sheet, columns, base)
    whole = Moved()
    for number, (cell, box) in enumerate(zip(cells, boxes, strict=True)):
        start = (within.across + GAP) * (number % columns)
        if shared is None:
            legends = _legends(cell.fig, within, start, ends[number][1], size)
        else:
            legends = _legends(shared, sheet, 0.0, foot, size) if number == 0 else {}
            for own, other in zip(cell.fig.data, shared.data, strict=number == 0):
                own.legend = other.legend
        move(whole, cell.fig, cell.letter, box, legends, group=one_legend)
        whole.layout["annotations"].append(
            _letter(cell.letter, start, ends[number][0], size, sheet)
        )
    if key:
        whole.layout["annotations"].append(_text("key", key, 6 / size[0], 2 / size[1], sheet.font))
    fig = go.Figure(whole.traces, whole.layout)
    fig.update_layout(
        template=template(sheet.font), width=size[0], height=size[1], barmode="group", bargap=0.1,
        margin=dict(l=0, r=0, t=0, b=0, pad=0, autoexpand=False),
    )  # fmt: skip
    heights = dict.fromkeys(("screen", "single", "double"), size[1])
    fig.layout.meta = {**told_of(figures), "letters": whole.letters, "heights": heights}
    return fig


def _numbered(fig: go.Figure, phases: Mapping[str, str], events: Mapping[str, int]) -> go.Figure:
    """Return a figure with the numbers and colours of all, without its own names of phases: the key has them."""
    fig = go.Figure(fig)
    meta = dict(fig.layout.meta or {})
    meta["events"] = [(events[name], name, share) for _, name, share in meta.get("events", [])]
    fig.layout.meta = meta | {"phases": []}
    if fig.layout.sliders:
        fig.layout.sliders = []
    kept = [note for note in fig.layout.annotations if note.name not in ("phase", "event")]
    if len(kept) < len(fig.layout.annotations):
        fig.layout.annotations, fig.layout.margin.t = kept, None
    for shape in fig.layout.shapes:
        colour = phases.get((shape.name or "").removeprefix("phase "))
        if colour:
            shape.fillcolor = colour
    return fig


def _without_key(fig: go.Figure, sheet: Sheet) -> go.Figure:
    laid = set_on(fig, sheet, "single")
    laid.layout.legend.title.text = None
    return laid


def _cell(fig: go.Figure, letter: str, sheet: Sheet, *, legend: bool) -> Cell:
    laid = _without_key(fig, sheet)
    left, _ = beside_panel(laid, sheet)
    _, right = beside_panel(fig, sheet)
    below = _below(laid, sheet)
    panels = (laid.layout.meta or {}).get("heights", {}).get("single", laid.layout.height or 300)
    return Cell(
        laid, letter, left, right,
        above=max(float(laid.layout.margin.t or 8), 1.7 * sheet.font),
        below=below,
        inner=max(float(panels) - below - 8, _titles_high(laid, sheet)),
        legend=legend_height(laid, sheet) if legend else 0.0,
    )  # fmt: skip


def _titles_high(fig: go.Figure, sheet: Sheet) -> float:
    """Return the height at which the title of each vertical axis is no longer than the axis."""
    needed = [6 * sheet.font]
    for axis in fig.select_yaxes():
        low, high = axis.domain or (0.0, 1.0)
        if axis.title.text:
            needed.append((text_width(axis.title.text, 1.08 * sheet.font) + 4) / (high - low))
    return max(needed)


def _below(fig: go.Figure, sheet: Sheet) -> float:
    """Return about how many pixels the axes take below the panels."""
    found = 0.0
    for axis in fig.select_xaxes():
        other = fig.layout[f"yaxis{(axis.anchor or 'y')[1:]}"]
        if axis.visible is False or (other.domain and other.domain[0] > 0.01):
            continue
        labels = TICKS + 1.3 * sheet.font if axis.showticklabels is not False else TICKS
        if axis.tickangle:
            labels += max((text_width(str(t), sheet.font) for t in axis.ticktext or ()), default=0)
        title = 6 + 1.4 * sheet.font * (axis.title.text.count("<br>") + 1) if axis.title.text else 0
        found = max(found, labels + title)
    return found


def _boxes(
    cells: Sequence[Cell], sheet: Sheet, columns: int, foot: float
) -> tuple[list[Box], list[Span], Span]:
    """Return where the panels stand, each cell's top and where its legend begins below, and the size of the whole.

    Panels are in line across and down; those with long labels begin further right than the others of their column.
    """
    wide = WIDE_LABELS * sheet.across / columns
    column = [cells[c::columns] for c in range(columns)]
    left = [max((c.left for c in part if c.left <= wide), default=0.0) for part in column]
    right = [max(c.right for c in part) for part in column]
    free = (sheet.across - GAP * (columns - 1) - sum(left) - sum(right)) / columns
    places: list[tuple[float, float]] = []
    for number, cell in enumerate(cells):
        at = number % columns
        x = sum(left[: at + 1]) + sum(right[:at]) + at * (free + GAP)
        shift = max(cell.left - left[at], 0.0)
        places.append((x + shift, max(free - shift, 4 * sheet.font)))
    inner = [
        cell.inner if (high := square_height(cell.fig, across)) is None else high
        for cell, (_, across) in zip(cells, places, strict=True)
    ]
    rows = [range(i, min(i + columns, len(cells))) for i in range(0, len(cells), columns)]
    tall = [
        (max(cells[i].above for i in row), max(inner[i] for i in row),
         max(cells[i].below for i in row), max(cells[i].legend for i in row))
        for row in rows
    ]  # fmt: skip
    size = (float(round(sheet.across)), float(round(foot + sum(map(sum, tall)) + GAP * len(rows))))
    boxes: list[Box] = []
    ends: list[Span] = []
    y = size[1]
    for row, (above, high, below, legend) in zip(rows, tall, strict=True):
        y -= above + high
        for i in row:
            set_squares(cells[i].fig, places[i][1], high)
            boxes.append(Box(places[i][0], y, places[i][1], high, size))
            ends.append((y + high + above, y - below - cells[i].legend))
        y -= below + legend + GAP
    return boxes, ends, size


def _legends(
    fig: go.Figure, sheet: Sheet, start: float, base: float, size: Span
) -> dict[str, dict[str, Any]]:
    """Return a laid out figure's legends, moved: they stand in shares of its own width and height."""
    known = fig.layout.to_plotly_json()
    moved = {}
    for name in dict.fromkeys(item.legend or "legend" for item in entries(fig)):
        legend = dict(known.get(name, {}))
        x = start + legend.get("x", 0.0) * sheet.across
        y = base + legend.get("y", 0.0) * float(fig.layout.height)
        # A legend placed in the container reserves a margin, from which plotly pushes titles of axes away.
        here = {"xref": "paper", "yref": "paper"}
        moved[name] = legend | here | {"x": x / size[0], "y": y / size[1]}
    return moved


def _key(phases: Mapping[str, str], events: Mapping[str, int], sheet: Sheet) -> str:
    words = [
        f'<span style="color:{colour}">■</span> {plain(name)}' for name, colour in phases.items()
    ]
    words += [f"<b>{number}</b> {plain(name)}" for name, number in events.items()]
    return wrap(words, sheet.across - 12, sheet.font) if words else ""


def _letter(letter: str, start: float, top: float, size: Span, sheet: Sheet) -> dict[str, Any]:
    y = (top - 1.4 * sheet.font) / size[1]
    return _text("letter", f"<b>{letter}</b>", (start + 2) / size[0], y, 1.2 * sheet.font)


def _text(name: str, text: str, x: float, y: float, size: float) -> dict[str, Any]:
    return dict(
        name=name, text=text, xref="paper", yref="paper", x=x, y=y, xanchor="left",
        yanchor="bottom", align="left", showarrow=False, borderpad=0, font=dict(size=size),
    )  # fmt: skip
