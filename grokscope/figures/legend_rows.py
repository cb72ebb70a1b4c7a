"""The legend below a figure on paper: entries one after the other, in as many rows as they need.

plotly sets a legend that is wider than the panel in columns, all as wide as the longest entry. A legend for each
entry, placed here, takes a third of that room.
"""

from typing import Any

import plotly.graph_objects as go

from grokscope.figures.sheet import Sheet
from grokscope.figures.text_width import plain_lines, text_width

#: Pixels of an entry before its text, after it, and below the middle of a legend of one entry.
SAMPLE, AFTER, MIDDLE = 40.0, 6.0, 9.5


def entries(fig: go.Figure) -> list[Any]:
    """Return the traces and shapes that have an entry in the legend, in order."""
    traces = [
        t for t in fig.data if t.showlegend is not False and t.name and t.visible is not False
    ]
    if len(fig.data) == 1 and traces and traces[0].showlegend is None:
        traces = []  # plotly shows no legend for one trace alone
    with_scale = ("heatmap",)
    traces = [t for t in traces if t.type not in with_scale or t.showlegend]
    return traces + [shape for shape in fig.layout.shapes if shape.showlegend]


def rows_of(names: list[str], sheet: Sheet) -> list[list[tuple[int, float]]]:
    """Return rows of (entry, place in pixels from the left)."""
    rows: list[list[tuple[int, float]]] = []
    room, used = sheet.across - 8, 0.0
    for number, name in enumerate(names):
        wide = SAMPLE + text_width(name, sheet.font) + AFTER
        if not rows or used + wide - AFTER > room:
            rows.append([])
            used = 0.0
        rows[-1].append((number, used))
        used += wide
    return rows


def legend_height(fig: go.Figure, sheet: Sheet) -> float:
    """Return the pixels that the legend takes, with the events' key above it."""
    shown = entries(fig)
    if not shown:
        return 0.0
    rows = rows_of([str(item.name) for item in shown], sheet)
    return (len(rows) - 1) * sheet.row + 2 * MIDDLE + _key_height(fig, sheet) + 2


def set_legend(fig: go.Figure, sheet: Sheet, height: int) -> None:
    """Place an entry of its own for each trace and shape that has one, for a picture `height` pixels high."""
    shown = entries(fig)
    title = fig.layout.legend.title.text
    if not shown:
        return
    rows = rows_of([str(item.name) for item in shown], sheet)
    base = dict(
        orientation="h", xref="container", yref="container", xanchor="left", yanchor="bottom",
        font=dict(size=sheet.font), itemwidth=30, bgcolor="rgba(255,255,255,0)", tracegroupgap=0,
    )  # fmt: skip
    for number, row in enumerate(rows):
        low = (len(rows) - 1 - number) * sheet.row
        for entry, left in row:
            name = "legend" if entry == 0 else f"legend{entry + 1}"
            shown[entry].update(legend=name, showlegend=True)
            place = dict(x=(left + 1) / sheet.across, y=low / height)
            fig.update_layout({name: base | place})
    if title:
        fig.update_layout(legend_title=dict(text=title, side="top", font_size=sheet.font))


def _key_height(fig: go.Figure, sheet: Sheet) -> float:
    title = fig.layout.legend.title.text
    return 1.3 * sheet.font * len(plain_lines(title)) + 3 if title else 0.0
