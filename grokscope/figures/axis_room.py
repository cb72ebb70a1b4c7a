"""How much of a figure's width its axes take, before it is drawn."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from grokscope.figures.sheet import Sheet
from grokscope.figures.text_width import text_width

MARGIN_LEFT, MARGIN_RIGHT = 8.0, 10.0


def beside_panel(fig: go.Figure, sheet: Sheet) -> tuple[float, float]:
    """Return about how many pixels are left and right of the panels: titles, tick labels, a colour bar."""
    left = max((_axis_width(fig, axis, sheet) for axis in fig.select_yaxes(col=None)), default=0.0)
    return max(MARGIN_LEFT, left), MARGIN_RIGHT + (6.2 * sheet.font if _has_bar(fig) else 0.0)


def _has_bar(fig: go.Figure) -> bool:
    heat_maps = [trace for trace in fig.data if trace.type == "heatmap"]
    return any(trace.coloraxis or trace.showscale is not False for trace in heat_maps)


def _axis_width(fig: go.Figure, axis: Any, sheet: Sheet) -> float:
    if axis.showticklabels is False or axis.visible is False:
        return 0.0
    title = 1.4 * sheet.font + 8 if axis.title.text else 0.0
    labels = axis.ticktext if axis.ticktext is not None else _labels(fig, axis)
    return 7 + title + max((text_width(str(label), sheet.font) for label in labels), default=0.0)


def _labels(fig: go.Figure, axis: Any) -> list[str]:
    """Return labels as wide as those that plotly will choose for a linear axis."""
    low, high = extent(fig, axis)
    if not high > low:
        return ["0.5"]
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    ends = [math.floor(high / step) * step, math.ceil(low / step) * step]
    return [f"{end:,.6g}" for end in ends] + ["0.5" if step < 1 else "0"]


def extent(fig: go.Figure, axis: Any) -> tuple[float, float]:
    """Return the lowest and highest value on an axis: its range where it has one, else its data and lines.

    Of a logarithmic axis the values themselves, not their logarithms; (nan, nan) where there are none.
    """
    log = axis.type == "log"
    if axis.range is not None and None not in axis.range:
        ends = sorted(float(end) for end in axis.range)
        return (10 ** ends[0], 10 ** ends[1]) if log else (ends[0], ends[1])
    values = np.concatenate([np.empty(0), *_values(fig, axis)])
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not values.size:
        return math.nan, math.nan
    return float(values.min()), float(values.max())


def _values(fig: go.Figure, axis: Any) -> Iterator[np.ndarray]:
    letter = axis.plotly_name[0]
    name = axis.plotly_name.replace("axis", "")
    for trace in fig.data:
        if (getattr(trace, f"{letter}axis", None) or letter) == name and trace.visible is not False:
            yield _numbers(trace[letter])
    for shape in fig.layout.shapes:
        if shape[f"{letter}ref"] == name:
            yield _numbers([shape[f"{letter}0"], shape[f"{letter}1"]])


def _numbers(values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return np.empty(0)
