"""Tick labels on paper: exponents in letters of full size, names no longer than half the picture.

plotly raises exponents in letters of two thirds of the size: below 7 pt in a column of a paper.
"""

import math
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.axis_room import extent
from grokscope.figures.series import plain
from grokscope.figures.sheet import Sheet
from grokscope.figures.text_width import plain_lines, text_width
from grokscope.figures.ticks import log_ticks

#: Of the range's logarithm, left free beyond the data at either end.
MARGIN = 0.05


def set_log_ticks(fig: go.Figure) -> None:
    """Give each logarithmic axis that has no ticks of its own a range and ticks."""
    groups: dict[str, list[Any]] = {}
    for axis in (*fig.select_xaxes(), *fig.select_yaxes()):
        if axis.type == "log" and axis.tickvals is None:
            name = axis.plotly_name.replace("axis", "")
            groups.setdefault(axis.matches or name, []).append(axis)
    for axes in groups.values():
        ends = [extent(fig, axis) for axis in axes]
        low = min((a for a, _ in ends if math.isfinite(a)), default=math.nan)
        high = max((b for _, b in ends if math.isfinite(b)), default=math.nan)
        if not 0 < low <= high:
            continue
        free = any(axis.range is None for axis in axes)
        span = MARGIN * max(math.log10(high / low), 0.2) if free else 0.0
        low, high = low / 10**span, high * 10**span
        places, words = log_ticks(low, high, most=5 if axes[0].plotly_name[0] == "y" else 4)
        for axis in axes:
            axis.range = [math.log10(low), math.log10(high)]
            axis.tickvals, axis.ticktext, axis.dtick = places, words, None


def shorten_names(fig: go.Figure, sheet: Sheet) -> None:
    """Cut names along an upright axis that would take more than half of the picture's width."""
    for axis in fig.select_yaxes():
        if axis.ticktext is not None:
            axis.ticktext = [
                _shortened(str(name), 0.5 * sheet.across, sheet.font) for name in axis.ticktext
            ]


def _shortened(name: str, room: float, size: float) -> str:
    if text_width(name, size) <= room:
        return name
    mark, words = ("<b>", "</b>") if name.startswith("<b>") else ("", "")
    letters = " ".join(plain_lines(name))
    while letters and text_width(f"{mark}{letters}…", size) > room:
        letters = letters[:-1]
    return f"{mark}{plain(letters.rstrip())}…{words}"
