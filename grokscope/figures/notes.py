"""Lines of text above a figure, such as a fitted number with its interval, broken anew for each width."""

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go

from grokscope.figures.header import ROOM, ROW
from grokscope.figures.series import plain

CHARACTER = 4.2  # pixels of a character in running text, of the smallest size


def add_notes(fig: go.Figure, notes: Sequence[tuple[str, str]]) -> None:
    """Put lines of plain text above the first panel; a note is (text, colour of its mark, or nothing)."""
    fig.layout.meta = dict(fig.layout.meta or {}) | {"notes": [list(note) for note in notes]}
    set_notes(fig, "screen")


def note_rows(fig: go.Figure, width: str) -> list[str]:
    """Return the rows of the figure's notes at a width named in `header.ROOM`."""
    most = int(ROOM[width] / CHARACTER)
    rows: list[str] = []
    for text, colour in (fig.layout.meta or {}).get("notes", []):
        lines = textwrap.wrap(text, most - 2 if colour else most) or [""]
        mark = f'<span style="color:{colour}">■</span> ' if colour else ""
        rows += [mark + plain(lines[0]), *map(plain, lines[1:])]
    return rows


def set_notes(fig: go.Figure, width: str) -> None:
    """Lay out the notes of a figure for a width named in `header.ROOM`."""
    rows = note_rows(fig, width)
    if not rows:
        return
    fig.layout.annotations = [a for a in fig.layout.annotations if a.name != "note"]
    top = next(fig.select_yaxes()).plotly_name.replace("axis", "")
    for number, row in enumerate(reversed(rows)):
        fig.add_annotation(
            name="note", text=row, xref="paper", yref=f"{top} domain", x=0, y=1, xanchor="left",
            yanchor="bottom", yshift=4 + ROW * number, showarrow=False, borderpad=0, align="left",
        )  # fmt: skip
    fig.update_layout(margin_t=10 + ROW * len(rows))
