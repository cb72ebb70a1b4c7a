"""A number per run against a field: a line through the mean or median over seeds, the range, and each seed."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from jaxtyping import Float
from numpy import ndarray

from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import Style, add_band, legend_only, spread_sideways
from grokscope.figures.sweep_numbers.data_needed import over_seeds
from grokscope.figures.sweep_numbers.settings import Line, ended, per_run
from grokscope.figures.theme import GREY

#: With more lines than this their bands would hide each other: the range is drawn as bars.
MOST_BANDS = 4


def draw_over_seeds(
    fig: go.Figure,
    ds: xr.Dataset,
    line: Line,
    x: Float[ndarray, " setting"],
    look: Style,
    name: str,
    *,
    variable: str,
    rows: str,
    statistic: str,
    bands: bool,
    width: float = 1.6,
    log_x: bool = False,
    **trace: Any,
) -> None:
    """Draw one line of settings at the places `x`.

    Seeds whose run did not come to its end have a lower bound only: an open triangle that points up; they enter
    neither the line nor the range.

    Parameters
    ----------
    fig, ds, line
        To draw on, from, and which settings.
    x
        Place across of each setting.
    look, name
        Style and plain name of the line.
    variable, rows
        What is drawn: a variable with one number per rows, run and seed.
    statistic
        "mean" or "median" over seeds.
    bands
        Whether the range is a band (else a bar at each setting).
    width, log_x
        Of the line; whether the axis across is logarithmic.
    **trace
        Further attributes of every trace (legendgroup).
    """
    values = per_run(ds, variable, rows=rows)[line.runs]
    whole = ended(ds)[line.runs] & np.isfinite(values)
    middle = over_seeds(ds, variable, rows, statistic)[line.runs]
    known = np.isfinite(middle)
    low = np.where(known, np.where(whole, values, np.inf).min(1), np.nan)
    high = np.where(known, np.where(whole, values, -np.inf).max(1), np.nan)
    if bands:
        add_band(fig, x, low, high, look.colour, **trace)
    elif (high > low).any():
        fig.add_scatter(
            x=np.column_stack([x, x, x]).ravel(), y=np.column_stack([low, high, low * np.nan]).ravel(),
            mode="lines", line=dict(color=look.colour, width=1), opacity=0.5, hoverinfo="skip",
            showlegend=False, **trace,
        )  # fmt: skip
    places = spread_sideways(x, values.shape[1], log_x)
    part = ~whole & np.isfinite(values)
    for chosen, mark, words in (
        (whole, dict(symbol=look.symbol, size=3), "seed"),
        (part, dict(symbol="triangle-up-open", size=6), "seed, at least"),
    ):
        if chosen.any():
            fig.add_scatter(
                x=places[chosen], y=values[chosen], mode="markers", showlegend=False,
                meta=words, marker=dict(color=look.colour, opacity=0.6, **mark),
                hovertemplate=f"{words} %{{y:.4g}}<extra></extra>", cliponaxis=False, **trace,
            )  # fmt: skip
    fig.add_scatter(
        x=x[known], y=middle[known], mode="lines+markers", name=plain(name), showlegend=False,
        line=dict(color=look.colour, dash=look.dash, width=width), cliponaxis=False,
        marker=dict(color=look.colour, symbol=look.symbol, size=5.5 if width > 1 else 4),
        hovertemplate=f"{statistic} %{{y:.4g}}<extra>%{{fullData.name}}</extra>", **trace,
    )  # fmt: skip


def name_lines(fig: go.Figure, lines: list[tuple[str, Style]]) -> None:
    """Put each line's name and look into the legend."""
    for name, look in lines:
        legend_only(
            fig, plain(name), line=dict(color=look.colour, dash=look.dash, width=1.6), group=plain(name),
            marker=dict(color=look.colour, symbol=look.symbol, size=5.5),
        )  # fmt: skip


def name_unfinished(fig: go.Figure) -> None:
    """Explain the triangles in the legend, where there are any."""
    if any(trace.meta == "seed, at least" for trace in fig.data):
        mark = dict(symbol="triangle-up-open", size=6, color=GREY)
        legend_only(fig, "seed of an unfinished run: at least", marker=mark)
