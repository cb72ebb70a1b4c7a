"""A figure set for a column of a paper: other sizes, the same data."""

from typing import Literal

import plotly.graph_objects as go

from grokscope.figures.header import set_header
from grokscope.figures.notes import set_notes
from grokscope.figures.theme import template

Width = Literal["screen", "single", "double"]

#: Inches of a paper's single and double column; a picture's pixel is 1/96 inch, a point 4/3 pixels.
INCHES = {"single": 3.25, "double": 6.75}
PIXELS_PER_INCH = 96
PAPER_FONT = 7.0 * 4 / 3


def resize(fig: go.Figure, width: Width) -> go.Figure:
    """Return a copy of `fig` set for a column of a paper: 3.25 or 6.75 inches, no text below 7 pt.

    Sliders are left out: paper has none. `width="screen"` gives a plain copy.
    """
    copy = go.Figure(fig)
    if width == "screen":
        return copy
    heights = (copy.layout.meta or {}).get("heights", {})
    copy.layout.sliders = []
    copy.update_layout(
        template=template(PAPER_FONT),
        width=round(INCHES[width] * PIXELS_PER_INCH),
        height=round(heights.get(width, copy.layout.height or 400)),
    )
    set_header(copy, width)
    set_notes(copy, width)
    return copy
