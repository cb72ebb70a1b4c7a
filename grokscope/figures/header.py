"""The names above a figure: phases over their bands, numbers over event lines, the numbers' key.

Names need room that depends on the figure's width, so they are laid out again for each width.
"""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.axis_room import beside_panel
from grokscope.figures.series import plain
from grokscope.figures.sheet import Sheet
from grokscope.figures.text_width import text_width

#: Between two names of a row, in letters' sizes.
GAP = 0.9


def set_header(fig: go.Figure, sheet: Sheet) -> None:
    """Lay out the header of a figure that `marks.mark` has marked, for a sheet."""
    meta: dict[str, Any] = fig.layout.meta or {}
    phases, events = meta.get("phases", []), meta.get("events", [])
    if not phases and not events:
        return
    left, right = beside_panel(fig, sheet)
    room = max(sheet.across - left - right, 40.0)
    kept = [note for note in fig.layout.annotations if note.name not in ("phase", "event")]
    fig.layout.annotations = kept
    numbers = spread([e[2] for e in events], 1.25 * sheet.font / room)
    for (number, _, _), place in zip(events, numbers, strict=True):
        _write(fig, "event", str(number), place, shift=0.0, anchor="center")
    first = sheet.row if events else 2.0
    texts = [f'<span style="color:{colour}">■</span> {plain(name)}' for name, _, colour in phases]
    wanted = [
        (share, (text_width(text, sheet.font) + GAP * sheet.font) / room)
        for text, (_, share, _) in zip(texts, phases, strict=True)
    ]
    places = place_names(wanted, left=-0.9 * max(left - 8, 0.0) / (room + sheet.grows))
    for text, (place, row) in zip(texts, places, strict=True):
        _write(fig, "phase", text, place, shift=first + sheet.row * row, anchor="left")
    rows = 1 + max((row for _, row in places), default=-1)
    fig.update_layout(margin_t=math.ceil(4 + first + sheet.row * rows))
    if events:
        names = [f"<b>{number}</b> {plain(name)}" for number, name, _ in events]
        key = wrap(names, sheet.across - 12, sheet.font)
        fig.update_layout(legend_title=dict(text=key, side="top"))


def _write(
    fig: go.Figure, kind: str, text: str, place: float, *, shift: float, anchor: str
) -> None:
    fig.add_annotation(
        name=kind, text=text, xref="x domain", yref="y domain", x=place, y=1, xanchor=anchor,
        yanchor="bottom", yshift=shift, showarrow=False, borderpad=0,
    )  # fmt: skip


def place_names(
    wanted: Sequence[tuple[float, float]], left: float = 0.0
) -> list[tuple[float, int]]:
    """Return (place, row) of names wanted at given shares of the axis, so that none overlap.

    Parameters
    ----------
    wanted
        Place and width of each name, both as shares of the axis, in ascending order of place.
    left
        How far left of the axis names may reach, 0 or below.

    Returns
    -------
    list of (float, int)
        Names in a row are pushed right, then left, as far as needed to stand side by side; names that do not fit in
        one row are dealt over two or more. Row 0 is the lowest.
    """
    widths, most = [width for _, width in wanted], 1.02 - left
    rows = max(1, math.ceil(sum(widths) / most))
    while rows < len(widths) and any(sum(widths[row::rows]) > most for row in range(rows)):
        rows += 1
    places: list[tuple[float, int]] = [(0.0, 0)] * len(wanted)
    for row in range(rows):
        members = list(range(row, len(wanted), rows))
        cursor, lefts = left, []
        for member in members:
            lefts.append(max(cursor, wanted[member][0]))
            cursor = lefts[-1] + widths[member]
        edge = 1.02
        for position in reversed(range(len(members))):
            start = max(left, min(lefts[position], edge - widths[members[position]]))
            places[members[position]] = (start, rows - 1 - row)
            edge = start
    return places


def spread(shares: Sequence[float], gap: float) -> list[float]:
    """Return ascending places pushed apart just enough that numbers `gap` apart stand side by side."""
    places = [min(max(share, 0.0), 1.0) for share in shares]
    for _ in range(50):  # neighbours that are too near move apart by half of what lacks
        for left in range(len(places) - 1):
            lack = gap - (places[left + 1] - places[left])
            if lack > 0:
                places[left] -= lack / 2
                places[left + 1] += lack / 2
    # None stands over the axis' own numbers at the left, nor outside the picture at the right.
    edge = -0.1 * gap
    for number, place in enumerate(places):
        places[number] = edge = max(place, edge)
        edge += gap
    edge = max(1.0, edge - gap - (len(places) - 1) * gap) + 0.2 * gap
    for number in reversed(range(len(places))):
        places[number] = edge = min(places[number], edge)
        edge -= gap
    return places


def wrap(words: Sequence[str], room: float, size: float) -> str:
    """Join `words` with wide spaces, in lines of at most `room` pixels of letters of `size` pixels."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}  {word}" if lines else word
        if not lines or text_width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return "<br>".join(lines)
