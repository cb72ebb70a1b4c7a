"""What a figure shows, in words, for those who do not see it."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

MOST_TRACES = 12


def alternative_text(fig: go.Figure, title: str) -> str:
    """Return one paragraph: the title, the axes, and each named series with its two ends."""
    axes = [
        f"{kind} {axis.title.text}"
        for kind, found in (("across:", fig.select_xaxes()), ("up:", fig.select_yaxes()))
        for axis in found
        if axis.title.text
    ]
    told = [_series(trace) for trace in fig.data if trace.name and trace.visible is not False]
    told = [text for text in dict.fromkeys(told) if text]
    more = f"; and {len(told) - MOST_TRACES} more" if len(told) > MOST_TRACES else ""
    words = [f"{title}. {'; '.join(dict.fromkeys(axes))}."]
    if told:
        words.append(f"{'; '.join(told[:MOST_TRACES])}{more}.")
    return _unmarked(" ".join(words))


def _series(trace: Any) -> str:
    if trace.type == "heatmap" and trace.z is not None:
        values = np.asarray(trace.z, dtype=np.float64)
        return f"{trace.name}: {_span(values)}"
    if trace.type == "scatter" and trace.y is not None and "lines" in (trace.mode or ""):
        values = _numbers(trace.y)
        values = values[np.isfinite(values)]
        if values.size > 1:
            return f"{trace.name}: from {values[0]:.3g} to {values[-1]:.3g}, {_span(values)}"
    return str(trace.name)


def _numbers(values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _span(values: np.ndarray) -> str:
    if not np.isfinite(values).any():
        return "no finite values"
    return f"lowest {np.nanmin(values):.3g}, highest {np.nanmax(values):.3g}"


def _unmarked(text: str) -> str:
    for tag in ("<sub>", "</sub>", "<sup>", "</sup>", "<b>", "</b>", "<br>"):
        text = text.replace(tag, " " if tag == "<br>" else "")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
