"""The height that a figure needs for its panels, for its legend and for the notes above, at each width."""

import plotly.graph_objects as go

from grokscope.figures.notes import note_rows
from grokscope.figures.theme import dress

#: Pixels across the whole figure, of a legend's row, of a character and of the rest of an entry.
ACROSS = {"single": 295.0, "screen": 330.0, "double": 630.0}
LEGEND_ROW, CHARACTER, KEY = 19, 4.9, 42.0
NOTE_ROW = 14


def dress_for(fig: go.Figure, *, screen: int, single: int) -> go.Figure:
    """Give `fig` the shared look and a height that leaves its panels and axes `screen` or `single` pixels.

    To be called last: it counts the legend's entries and the notes.
    """
    names = [str(t.name) for t in fig.data if t.showlegend is not False and t.name]
    dress(fig, height=screen + _beside(fig, names, "double"))
    meta = dict(fig.layout.meta or {})
    meta["heights"] = meta["heights"] | {"single": single + _beside(fig, names, "single")}
    fig.layout.meta = meta
    return fig


def _beside(fig: go.Figure, names: list[str], width: str) -> int:
    rows, used = 1, 0.0
    for name in names:
        size = CHARACTER * len(name) + KEY
        if used and used + size > ACROSS[width]:
            rows, used = rows + 1, 0.0
        used += size
    return LEGEND_ROW * rows + NOTE_ROW * len(note_rows(fig, width))
