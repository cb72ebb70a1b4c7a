"""The names above a figure: phases over their bands, numbers over event lines, the numbers' key.

Names need room that depends on the figure's width, so they are laid out again for each width.
"""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.series import plain

ROW = 14  # pixels of one row of names
CHARACTER = 5.3  # pixels of a character of the smallest text
#: Pixels across the panel that names must fit into: a telephone's width also for the screen.
ROOM = {"single": 235.0, "screen": 250.0, "double": 540.0}


def set_header(fig: go.Figure, width: str) -> None:
    """Lay out the header of a figure that `marks.mark` has marked, for a width named in `ROOM`."""
    meta: dict[str, Any] = fig.layout.meta or {}
    phases, events = meta.get("phases", []), meta.get("events", [])
    if not phases and not events:
        return
    room = ROOM[width] * float(meta.get("room", 1.0))
    kept = [note for note in fig.layout.annotations if note.name not in ("phase", "event")]
    fig.layout.annotations = kept
    for (number, _, _), place in zip(events, spread([e[2] for e in events], room), strict=True):
        _write(fig, "event", str(number), place, shift=0, anchor="center")
    first = ROW - 1 if events else 1
    places = place_names([(share, name) for name, share, _ in phases], room)
    for (name, _, colour), (place, row) in zip(phases, places, strict=True):
        text = f'<span style="color:{colour}">■</span> {plain(name)}'
        _write(fig, "phase", text, place, shift=first + ROW * row, anchor="left")
    rows = 1 + max((row for _, row in places), default=-1)
    fig.update_layout(margin_t=6 + first + ROW * rows)
    if events:
        key = wrap([f"<b>{number}</b> {name}" for number, name, _ in events], room)
        fig.update_layout(legend_title=dict(text=key, side="top"))


def _write(fig: go.Figure, kind: str, text: str, place: float, *, shift: int, anchor: str) -> None:
    fig.add_annotation(
        name=kind, text=text, xref="x domain", yref="y domain", x=place, y=1, xanchor=anchor,
        yanchor="bottom", yshift=shift, showarrow=False, borderpad=0,
    )  # fmt: skip


def place_names(wanted: Sequence[tuple[float, str]], room: float) -> list[tuple[float, int]]:
    """Return (place, row) of names wanted at given shares of the axis, so that none overlap.

    Names in a row are pushed right, then left, as far as needed to stand side by side; names that
    do not fit in one row are dealt over two or more. Row 0 is the lowest.
    """
    widths = [((len(name) + 3) * CHARACTER + 6) / room for _, name in wanted]
    rows = max(1, math.ceil(sum(widths)))
    while rows < len(widths) and any(sum(widths[row::rows]) > 1.02 for row in range(rows)):
        rows += 1
    places: list[tuple[float, int]] = [(0.0, 0)] * len(wanted)
    for row in range(rows):
        members = list(range(row, len(wanted), rows))
        cursor, lefts = 0.0, []
        for member in members:
            lefts.append(max(cursor, wanted[member][0]))
            cursor = lefts[-1] + widths[member]
        edge = 1.02
        for position in reversed(range(len(members))):
            left = max(0.0, min(lefts[position], edge - widths[members[position]]))
            places[members[position]] = (left, rows - 1 - row)
            edge = left
    return places


def spread(shares: Sequence[float], room: float) -> list[float]:
    """Return ascending places pushed apart just enough that numbers stand side by side."""
    gap = 2 * CHARACTER / room
    places = [min(max(share, 0.0), 1.0) for share in shares]
    for _ in range(50):  # neighbours that are too near move apart by half of what lacks
        for left in range(len(places) - 1):
            lack = gap - (places[left + 1] - places[left])
            if lack > 0:
                places[left] -= lack / 2
                places[left + 1] += lack / 2
    return places


def wrap(words: Sequence[str], room: float) -> str:
    """Join `words` with wide spaces, in lines that fit into the figure's whole width."""
    most, lines, length = (room + 60) / CHARACTER, [""], 0
    for word in words:
        size = len(word.replace("<b>", "").replace("</b>", "")) + 2
        if length and length + size > most:
            lines.append("")
            length = 0
        lines[-1] += ("  " if lines[-1] else "") + word
        length += size
    return "<br>".join(lines)
