"""Several figures in one, as a paper's Figure 1: letters, one look, one key of phases and events.

The members are laid out one by one on a sheet of a cell's width, then moved into their cells: `placing` does that.
"""

import string
from collections.abc import Sequence

import plotly.graph_objects as go

from grokscope.errors import RequestError
from grokscope.figures.placing import place
from grokscope.figures.sheet import Sheet
from grokscope.figures.theme import SCREEN_FONT

#: Letters of the smallest text that a cell must be wide; with less, figures stand in fewer columns.
NARROWEST = 21.0
SCREEN_ACROSS = 940.0


class Panel(go.Figure):
    """A figure that remembers those that it is made of, so that it can be laid out anew for each width."""

    def for_sheet(self, sheet: Sheet) -> go.Figure:
        """Return the figure laid out for a sheet, in as many of its columns as have room."""
        figures, columns = self._members
        most = max(1, int(sheet.across / (NARROWEST * sheet.font)))
        return place(figures, sheet, min(columns, most, len(figures)))


def panel(figures: Sequence[go.Figure], columns: int = 2) -> Panel:
    """Put figures side by side and one under another, with letters a, b, c, ... in reading order.

    Phases and events are named once, in a key under all; an event has the same number everywhere. Each figure keeps
    its legend, but where all legends are the same there is one. Sliders are left out: a figure with one shows the
    position that it was drawn at.

    Parameters
    ----------
    figures
        What functions of `grokscope.figures` returned, at most 26.
    columns
        Side by side, where there is room: a paper's single column has room for one, a double column for three.

    Returns
    -------
    plotly.graph_objects.Figure
        To be saved, published and resized as any other; its caption is made of theirs.

    Raises
    ------
    RequestError
        For no figures or too many, a panel among them, or no columns.
    """
    members = list(figures)
    if not 1 <= len(members) <= len(string.ascii_lowercase):
        raise RequestError(f"a panel of {len(members)} figures", "1 to 26")
    if any(isinstance(member, Panel) for member in members):
        raise RequestError("a panel in a panel", "figures of one kind", "give all figures at once")
    if columns < 1:
        raise RequestError(f"columns = {columns}", "1 or more")
    sheet = Sheet(SCREEN_ACROSS, SCREEN_FONT)
    fig = Panel()
    fig._members = ([go.Figure(member) for member in members], columns)
    drawn = fig.for_sheet(sheet)
    fig.add_traces(list(drawn.data))
    fig.layout = drawn.layout
    return fig
