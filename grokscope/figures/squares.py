"""Panels whose two axes have one scale, set by hand: in a figure of several plotly may zoom into them instead."""

from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.axis_room import extent

Span = tuple[float, float]


def square_height(fig: go.Figure, across: float) -> float | None:
    """Return the height at which panels of one scale fill a figure `across` pixels wide; None without such panels."""
    found = [across * (x[1] - x[0]) * ratio / (y[1] - y[0]) for _, _, x, y, ratio in _scaled(fig)]
    return max(found, default=None)


def set_squares(fig: go.Figure, across: float, high: float) -> None:
    """Give panels of one scale the domains that they have in `across` and `high` pixels; they stay at the top."""
    columns: dict[Span, Span] = {}
    rows: dict[Span, Span] = {}
    for _, _, x, y, ratio in _scaled(fig):
        width, height = across * (x[1] - x[0]), high * (y[1] - y[0])
        if width * ratio <= height:
            rows[y] = (y[1] - width * ratio / high, y[1])
        else:
            middle, half = (x[0] + x[1]) / 2, height / ratio / across / 2
            columns[x] = (middle - half, middle + half)
    for axis, moved in [(a, columns) for a in fig.select_xaxes()] + [
        (a, rows) for a in fig.select_yaxes()
    ]:
        axis.domain = moved.get(_domain(axis), _domain(axis))
        if axis.constrain == "domain":
            axis.constrain = axis.constraintoward = None
        axis.scaleanchor = axis.scaleratio = None
    lowest = min((new[0] for new in rows.values()), default=0.0)
    for bar in _bars(fig) if lowest > 0 else ():
        if bar.len is None and bar.y is None:
            bar.len, bar.y = 1 - lowest, (1 + lowest) / 2


def _scaled(fig: go.Figure) -> Iterator[tuple[Any, Any, Span, Span, float]]:
    """Return (x axis, y axis, their domains, height / width) of the panels of one scale."""
    for axis in fig.select_yaxes():
        if axis.scaleanchor:
            other = fig.layout[f"xaxis{axis.scaleanchor[1:]}"]
            spans = [extent(fig, each) for each in (other, axis)]
            x, y = (high - low for low, high in spans)
            ratio = y / x * (axis.scaleratio or 1.0) if x > 0 and y > 0 else 1.0
            yield other, axis, _domain(other), _domain(axis), ratio


def _domain(axis: Any) -> Span:
    low, high = axis.domain or (0.0, 1.0)
    return float(low), float(high)


def _bars(fig: go.Figure) -> list[Any]:
    scales = [key for key in fig.layout.to_plotly_json() if key.startswith("coloraxis")]
    bars = [fig.layout[key].colorbar for key in scales]
    return bars + [t.colorbar for t in fig.data if t.type == "heatmap" and not t.coloraxis]
