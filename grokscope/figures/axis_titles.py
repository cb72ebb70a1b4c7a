"""Axis titles and other long lines in two, where a narrow picture has no room for them in one."""

from typing import Any

import plotly.graph_objects as go

from grokscope.figures.axis_room import beside_panel
from grokscope.figures.sheet import Sheet
from grokscope.figures.text_width import text_width

#: Of an axis title's letters to the smallest.
LARGER = 1.08


def break_titles(fig: go.Figure, sheet: Sheet, panels: float) -> float:
    """Break axis titles that are longer than their axis; return the pixels of height that this takes.

    `panels` is the height of all panels and axes together.
    """
    left, right = beside_panel(fig, sheet)
    added = 0.0
    for axis in fig.select_xaxes():
        low, high = axis.domain or (0.0, 1.0)
        middle = left + (sheet.across - left - right) * (low + high) / 2
        if _break(axis.title, 1.8 * min(middle, sheet.across - middle), sheet):
            added = LARGER * 1.3 * sheet.font
    for axis in fig.select_yaxes():
        low, high = axis.domain or (0.0, 1.0)
        _break(axis.title, (high - low) * (panels - 4.5 * sheet.font) + 0.6 * sheet.font, sheet)
    return added


def break_step(fig: go.Figure, sheet: Sheet) -> None:
    """Break the line that says which step is shown, at its commas, and make room for it."""
    left, right = beside_panel(fig, sheet)
    room = sheet.across - left - right
    for note in fig.layout.annotations:
        if note.name == "step" and text_width(note.text, sheet.font) > room:
            head, _, tail = note.text.partition(", ")
            note.update(text=f"{head},<br>{tail}", align="left")
            fig.layout.margin.t = (fig.layout.margin.t or 8) + round(1.3 * sheet.font)


def _break(title: Any, room: float, sheet: Sheet) -> bool:
    words = (title.text or "").split(" ")
    if "<" in (title.text or "") or len(words) < 2:
        return False
    if text_width(title.text, LARGER * sheet.font) <= room:
        return False
    cuts = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    title.text = "<br>".join(min(cuts, key=lambda cut: max(text_width(part, 1.0) for part in cut)))
    return True
