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
    told = [_series(trace) for trace in fig.data if trace.name and _is_told(trace)]
    told = [text for text in dict.fromkeys(told) if text]
    more = f"; and {len(told) - MOST_TRACES} more" if len(told) > MOST_TRACES else ""
    words = [f"{title}. {'; '.join(dict.fromkeys(axes))}.", *_phases_and_events(fig)]
    if told:
        words.append(f"{'; '.join(told[:MOST_TRACES])}{more}.")
    return _unmarked(" ".join(words))


def _phases_and_events(fig: go.Figure) -> list[str]:
    meta = fig.layout.meta or {}
    found = {
        "Phases": [phase[0] for phase in meta.get("phases", [])],
        "Events": [event[1] for event in meta.get("events", [])],
    }
    return [f"{what} in order: {', '.join(names)}." for what, names in found.items() if names]


def _is_told(trace: Any) -> bool:
    """Whether a trace is one that the legend or the mouse tells of, too: not another's band."""
    hidden = trace.showlegend is False and trace.hoverinfo == "skip"
    return trace.visible is not False and not hidden


def _series(trace: Any) -> str:
    if trace.type == "heatmap" and trace.z is not None:
        values = np.asarray(trace.z, dtype=np.float64)
        return f"{trace.name}: {_span(values)}"
    if trace.type == "scatter" and trace.y is not None and "lines" in (trace.mode or ""):
        values = _numbers(trace.y)
        values = values[np.isfinite(values)]
        if values.size > 1:
            return f"{trace.name}: from {values[0]:.3g} to {values[-1]:.3g}, {_span(values)}"
    if trace.type == "bar":
        return f"{trace.name}: {_bars(trace)}"
    if trace.type == "scatter" and trace.mode == "markers":
        return f"{trace.name}: {_marks(trace)}"
    return str(trace.name)


def _bars(trace: Any) -> str:
    """Return how many bars there are, and the longest one's length and place, or its name."""
    lengths, places = (trace.x, trace.y) if trace.orientation == "h" else (trace.y, trace.x)
    values, names = _numbers(lengths), _names(trace)
    if not np.isfinite(values).any():
        return "no bars"
    longest = int(np.nanargmax(values))
    where = f"({names[longest]})" if len(names) == values.size else f"at {places[longest]}"
    return f"{np.isfinite(values).sum()} bars, the longest {values[longest]:.3g} {where}"


def _marks(trace: Any) -> str:
    """Return how many marks there are, where they lie across, and the names of the outermost."""
    across, names = _numbers(trace.x), _names(trace)
    seen = np.flatnonzero(np.isfinite(across))
    if not seen.size:
        return "no marks"
    ends = [int(seen[across[seen].argmin()]), int(seen[across[seen].argmax()])]
    told = [f"{across[end]:.6g}" for end in ends]
    if len(names) == across.size:
        told = [f"{across[end]:.3g} ({names[end]})" for end in ends]
    marks = f"{seen.size} mark{'s' if seen.size > 1 else ''}"
    return f"{marks}, across {' to '.join(dict.fromkeys(told))}"


def _names(trace: Any) -> list[str]:
    """Return the words that the mouse shows for each point, where they are no longer than a name."""
    text = trace.text
    names = [] if text is None or isinstance(text, str) else [str(word) for word in text]
    return names if all(len(name) < 60 for name in names) else []


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
