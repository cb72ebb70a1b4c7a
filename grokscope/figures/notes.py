"""Lines of text above a figure, such as a fitted number with its interval, broken anew for each width."""

from collections.abc import Sequence

import plotly.graph_objects as go

from grokscope.figures.axis_room import beside_panel
from grokscope.figures.series import plain
from grokscope.figures.sheet import SCREEN, Sheet
from grokscope.figures.text_width import text_width


def add_notes(fig: go.Figure, notes: Sequence[tuple[str, str]]) -> None:
    """Put lines of plain text above the first panel; a note is (text, colour of its mark, or nothing)."""
    fig.layout.meta = dict(fig.layout.meta or {}) | {"notes": [list(note) for note in notes]}
    set_notes(fig, SCREEN)


def note_rows(fig: go.Figure, sheet: Sheet) -> list[str]:
    """Return the rows of the figure's notes on a sheet; a coloured square stands before those that have a colour."""
    left, right = beside_panel(fig, sheet)
    room = max(sheet.across - left - right, 12 * sheet.font)
    rows: list[str] = []
    for text, colour in (fig.layout.meta or {}).get("notes", []):
        mark = f'<span style="color:{colour}">■</span> ' if colour else ""
        lines = _broken(plain(text).split(), room - (sheet.font if colour else 0), sheet.font)
        rows += [mark + lines[0], *lines[1:]]
    return rows


def _broken(words: Sequence[str], room: float, size: float) -> list[str]:
    lines = [words[0] if words else ""]
    for word in words[1:]:
        if text_width(f"{lines[-1]} {word}", size) > room:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines


def set_notes(fig: go.Figure, sheet: Sheet) -> None:
    """Lay out the notes of a figure for a sheet."""
    rows = note_rows(fig, sheet)
    if not rows:
        return
    fig.layout.annotations = [a for a in fig.layout.annotations if a.name != "note"]
    top = next(fig.select_yaxes()).plotly_name.replace("axis", "")
    for number, row in enumerate(reversed(rows)):
        fig.add_annotation(
            name="note", text=row, xref="paper", yref=f"{top} domain", x=0, y=1, xanchor="left",
            yanchor="bottom", yshift=4 + sheet.row * number, showarrow=False, borderpad=0,
            align="left",
        )  # fmt: skip
    fig.update_layout(margin_t=round(10 + sheet.row * len(rows)))
