"""What the figures of a sweep draw in common: a style for each line, bands and dots over seeds, axes of fields."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from jaxtyping import Bool, Float
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.figures.marks import event_words
from grokscope.figures.series import plain
from grokscope.figures.sweep_numbers.settings import Line, numeric_fields, varied_fields
from grokscope.figures.theme import COLOURS, DASHES
from grokscope.figures.ticks import log_ticks

#: Filled marks with an open form of the same name; the triangle that points up is kept for "at least".
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-down", "star", "hexagon")
MOST_LINES = 16
ROWS_WORDS = {"train": "training", "test": "validation", "test_twin_free": "twin-free validation"}
BAND_OPACITY = 0.16


@dataclass(frozen=True)
class Style:
    """How one line is told apart: by colour, and in grey by dash and symbol."""

    colour: str
    dash: str
    symbol: str


def style(number: int) -> Style:
    """Return the style of line `number`; the first 24 differ in colour or dash."""
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    return Style(colour, dash, SYMBOLS[number % len(SYMBOLS)])


def styles(lines: Sequence[Line], color_by: str | None) -> list[Style]:
    """Return a style for each line: each its own, or one colour for each value of `color_by`.

    Raises
    ------
    RequestError
        For too many lines, or a `color_by` that does not set lines apart.
    """
    if len(lines) > MOST_LINES:
        fields = ", ".join(lines[0].values)
        raise RequestError(
            f"{len(lines)} lines, one for each {fields}", f"at most {MOST_LINES}",
            "draw a part, ds.sel(run=[...])",
        )  # fmt: skip
    if color_by is None:
        return [style(number) for number in range(len(lines))]
    known = list(lines[0].values)
    if color_by not in known:
        raise RequestError(
            f"color_by = '{color_by}'", ", ".join(known) or "nothing: there is one line",
            nearest(color_by, known),
        )  # fmt: skip
    colours = list(dict.fromkeys(line.values[color_by] for line in lines))
    rest = [tuple(v for k, v in line.values.items() if k != color_by) for line in lines]
    others = list(dict.fromkeys(rest))
    if len(colours) > len(COLOURS) or len(others) > len(DASHES):
        raise RequestError(
            f"{len(colours)} values of {color_by} and {len(others)} of what else varies",
            f"at most {len(COLOURS)} colours and {len(DASHES)} line styles",
        )
    return [
        Style(
            COLOURS[colours.index(line.values[color_by])],
            DASHES[others.index(other)],
            SYMBOLS[others.index(other)],
        )
        for line, other in zip(lines, rest, strict=True)
    ]


def field_across(ds: xr.Dataset, against: str | None) -> str:
    """Return the field to draw across: the one asked for, else `frac_train`, else the first number that varies.

    Raises
    ------
    RequestError
        Where no number varies.
    """
    if against is not None:
        return against
    fields = numeric_fields(ds)
    if not fields:
        varied = ", ".join(varied_fields(ds)) or "nothing"
        raise RequestError(f"a sweep in which {varied} varies", "one in which a number varies")
    return "frac_train" if "frac_train" in fields else fields[0]


def scale_of(field: str) -> float:
    """Return the factor from a field's value to the axis: shares of training rows are shown in percent."""
    return 100.0 if field == "frac_train" else 1.0


def set_field_axis(fig: go.Figure, field: str, values: Float[ndarray, " x"]) -> None:
    """Set the axis across to a field: its words, and a logarithmic scale where values span two decades."""
    if field == "frac_train":
        fig.update_xaxes(title_text="training data (% of all rows)")
    else:
        fig.update_xaxes(title_text=plain(field.replace("_", " ")))
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low >= 100:
        places, ticks = log_ticks(low, high)
        margin = 0.04 * np.log10(high / low)
        fig.update_xaxes(
            type="log", tickvals=places, ticktext=ticks,
            range=[np.log10(low) - margin, np.log10(high) + margin],
        )  # fmt: skip
        title = fig.layout.xaxis.title.text
        fig.update_xaxes(title_text=f"{title} (log scale)")
    else:
        margin = 0.04 * (high - low) or 0.5
        fig.update_xaxes(range=[low - margin, high + margin], nticks=8)


def spread_sideways(
    x: Float[ndarray, " setting"], seeds: int, log: bool = False, line: int = 0, of: int = 1
) -> Float[ndarray, "setting seed"]:
    """Return a place across for each seed's dot, a little beside the setting's, so that none hides another.

    With several lines (`line` of `of`), each has places of its own beside those of the others.
    """
    place, count = (np.log10(x) if log else x), seeds * of
    gaps = np.diff(np.unique(place))
    width = min(0.4 * gaps.min(), 0.009 * count * np.ptp(place)) if len(gaps) else 0.05
    slots = np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)
    places = place[:, None] + width * slots[line * seeds : (line + 1) * seeds]
    return 10**places if log else places


def event_label(name: str) -> str:
    """Return what was reached, in words for an axis or a legend: "99 % validation accuracy"."""
    head, _, tail = name.rpartition("_")
    return f"{tail} % validation accuracy" if head == "grokked" else event_words(name)


def event_definitions(ds: xr.Dataset, events: Sequence[str]) -> list[str]:
    """Return what each event is, in the data set's own words, for a caption."""
    known = json.loads(ds.attrs.get("event_definitions", "{}"))
    return [f"{event.replace('_', ' ')}: {known[event]}" for event in events if event in known]


def legend_only(
    fig: go.Figure, name: str, *, line: Any = None, marker: Any = None, group: str = ""
) -> None:
    """Add an entry to the legend that stands for marks drawn elsewhere, and switches those of its `group`."""
    mode = "lines+markers" if line and marker else "lines" if line else "markers"
    fig.add_scatter(
        x=[None], y=[None], mode=mode, name=name, line=line, marker=marker, showlegend=True,
        hoverinfo="skip", legendgroup=group or f"legend {name}",  # without one, plotly stacks them
    )  # fmt: skip


def add_band(
    fig: go.Figure,
    x: Float[ndarray, " x"],
    low: Float[ndarray, " x"],
    high: Float[ndarray, " x"],
    colour: str,
    **place: Any,
) -> None:
    """Fill from `low` to `high`; where one is not finite the band is interrupted."""
    seen = np.isfinite(low) & np.isfinite(high)
    edges_x: list[float | None] = []
    edges_y: list[float | None] = []
    for part in _stretches(seen):
        if len(part) > 1:
            edges_x += [*x[part].tolist(), *x[part][::-1].tolist(), None]
            edges_y += [*high[part].tolist(), *low[part][::-1].tolist(), None]
    if edges_x:
        fig.add_scatter(
            x=edges_x[:-1], y=edges_y[:-1], mode="lines", line_width=0, fill="toself",
            fillcolor=colour, opacity=BAND_OPACITY, hoverinfo="skip", showlegend=False,
            **place,
        )  # fmt: skip


def _stretches(seen: Bool[ndarray, " x"]) -> list[ndarray]:
    """Return the positions of each unbroken stretch of True."""
    positions = np.flatnonzero(seen)
    return np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1) if len(positions) else []
