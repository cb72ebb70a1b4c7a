"""A figure set for a column of a paper or for a slide: other sizes, the same data."""

from typing import Any, Literal, cast

import plotly.graph_objects as go

from grokscope.errors import RequestError, nearest
from grokscope.figures.axis_titles import LARGER, break_step, break_titles
from grokscope.figures.header import set_header
from grokscope.figures.legend_rows import legend_height, set_legend
from grokscope.figures.notes import set_notes
from grokscope.figures.paper_ticks import set_log_ticks, shorten_names
from grokscope.figures.sheet import Sheet
from grokscope.figures.theme import template

Width = Literal["screen", "single", "double"]
Theme = Literal["paper", "screen"]

#: Inches of a paper's single and double column; a picture's pixel is 1/96 inch, a point 4/3 pixels.
INCHES = {"single": 3.25, "double": 6.75}
PIXELS_PER_INCH = 96
PIXELS_PER_POINT = 4 / 3
#: Points of the smallest text, by theme.
POINTS = {"paper": 7.0, "screen": 10.0}
#: A telephone's figure in a page, in pixels: it may be a little wider, and then only has more room.
TELEPHONE = Sheet(340.0, 12.0, grows=100.0)


def resize(fig: go.Figure, width: str, theme: str = "paper") -> go.Figure:
    """Return a copy of `fig` set for a column of 3.25 or 6.75 inches.

    The theme "paper" has text of 7 to 8 pt; "screen", for slides and pages, has 10 to 11 pt and thicker lines at the
    same width. Sliders are left out: paper has none. `width="screen"` gives a plain copy.

    Raises
    ------
    RequestError
        For an unknown width or theme.
    """
    if width not in ("screen", *INCHES):
        raise RequestError(f"width '{width}'", "single, double", nearest(width, list(INCHES)))
    if theme not in POINTS:
        raise RequestError(f"theme '{theme}'", ", ".join(POINTS), nearest(theme, list(POINTS)))
    if width == "screen":
        return go.Figure(fig)
    sheet = Sheet(INCHES[width] * PIXELS_PER_INCH, POINTS[theme] * PIXELS_PER_INCH / 72)
    copy = set_on(fig, sheet, width)
    copy.layout.width = round(sheet.across)
    if theme == "screen":
        _thicken(copy, POINTS["screen"] / POINTS["paper"])
    return copy


def telephone(fig: go.Figure) -> go.Figure:
    """Return a copy of `fig` set for a page on a telephone, as wide as that is; a page has its own sliders."""
    return set_on(fig, TELEPHONE, "single")


def set_on(fig: go.Figure, sheet: Sheet, width: str) -> go.Figure:
    """Return a copy of `fig` set on a sheet, with the panels' height of a column named `width`."""
    several = getattr(fig, "for_sheet", None)  # a panel lays its figures out anew
    if several is not None:
        return cast(go.Figure, several(sheet))
    copy = go.Figure(fig)
    copy.layout.sliders = []
    copy.update_layout(template=template(sheet.font), legend_font_size=sheet.font)
    copy.layout.legend.title.font.size = sheet.font
    _set_bars(copy, sheet)
    set_log_ticks(copy)
    shorten_names(copy, sheet)
    set_header(copy, sheet)
    set_notes(copy, sheet)
    break_step(copy, sheet)
    # Larger text takes more of the height that axes and panels share.
    scale = sheet.font / (POINTS["paper"] * PIXELS_PER_POINT)
    panels = float(
        (copy.layout.meta or {}).get("heights", {}).get(width, copy.layout.height or 400)
    )
    above = (copy.layout.margin.t or 8) - 8
    panels *= 1 + 0.4 * (scale - 1)
    panels += break_titles(copy, sheet, panels)
    height = round(panels + above + legend_height(copy, sheet))
    set_legend(copy, sheet, height)
    copy.layout.height = height
    return copy


def _set_bars(fig: go.Figure, sheet: Sheet) -> None:
    """Set the titles of colour bars as those of axes are."""
    for trace in fig.data:
        if trace.type == "heatmap":
            item = fig.layout.coloraxis if trace.coloraxis else trace
            item.colorbar.title.font.size = LARGER * sheet.font


def _thicken(fig: go.Figure, scale: float) -> None:
    """Draw lines and symbols larger by `scale`, in place."""
    for item in (*fig.data, *fig.layout.shapes):
        for line in _lines(item):
            if line.width:
                line.width = round(line.width * scale, 2)
    for trace in fig.data:
        if trace.type == "scatter" and isinstance(trace.marker.size, int | float):
            trace.marker.size = round(trace.marker.size * scale, 1)


def _lines(item: Any) -> list[Any]:
    found = [item.line] if "line" in item else []
    return found + ([item.marker.line] if "marker" in item else [])
