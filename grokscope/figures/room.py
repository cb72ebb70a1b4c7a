"""The height that a figure needs for its panels, for its legend and for the notes above, on each sheet."""

import plotly.graph_objects as go

from grokscope.figures.legend_rows import legend_height
from grokscope.figures.notes import note_rows
from grokscope.figures.sheet import SCREEN, Sheet
from grokscope.figures.theme import dress


def dress_for(fig: go.Figure, *, screen: int, single: int, double: int | None = None) -> go.Figure:
    """Give `fig` the shared look and a height that leaves its panels and axes `screen` or `single` pixels.

    To be called last: it counts the legend's entries and the notes.
    """
    wide = Sheet(630.0, SCREEN.font)
    beside = legend_height(fig, wide) + wide.row * len(note_rows(fig, wide))
    return dress(fig, height=screen + round(beside), single=single, double=double or screen)
