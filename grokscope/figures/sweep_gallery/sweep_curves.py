"""Accuracy and loss along training, median and range over seeds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.errors import RequestError, nearest
from grokscope.figures.declare import sweep_figure
from grokscope.figures.marks import set_step_axis
from grokscope.figures.room import dress_for
from grokscope.figures.series import has, plain, with_units
from grokscope.figures.sweep_marks import (
    ROWS_WORDS,
    add_band,
    event_definitions,
    event_label,
    legend_only,
    style,
)
from grokscope.figures.sweep_numbers.censored import median_steps
from grokscope.figures.sweep_numbers.curves import SeedCurve, seed_curve, thinned
from grokscope.figures.sweep_numbers.settings import check_rows, chosen_runs
from grokscope.figures.theme import GREY, ROW_STYLE
from grokscope.figures.ticks import log_ticks

MOST_RUNS = 6
PANELS = ("accuracy", "loss")
#: Event -> its mark at the top of the accuracy panel.
EVENTS = {"memorised": "triangle-down-open", "grokked_99": "triangle-down"}
TOP = 1.08


class Look(NamedTuple):
    """How a curve is drawn."""

    colour: str
    dash: str
    width: float


@sweep_figure(
    "Accuracy and loss over training, median and range over seeds",
    needs=[PANELS],
)
def sweep_curves(
    ds: xr.Dataset,
    *,
    run: str | Sequence[str] | None = None,
    quantity: str | None = None,
    rows: str | Sequence[str] = ("train", "test"),
    log_steps: bool = True,
) -> go.Figure:
    """Accuracy above, loss (logarithmic) below, on training rows and on validation rows.

    Lines are the median over seeds, bands reach from the smallest to the largest seed. Validation rows are all rows
    that are not trained on. Triangles at the top are medians over seeds of the step at which an event was first seen,
    open: memorised, filled: 99 % validation accuracy. A median beyond the last step looked at has no triangle.

    Parameters
    ----------
    ds
        A sweep's Dataset.
    run
        Label or labels of the settings to draw (default: all, at most 6).
    quantity
        "accuracy" or "loss" (default: both).
    rows
        Which rows; "test_twin_free" is known too.
    log_steps
        Whether the step axis is logarithmic (step 0 is then not shown).

    Raises
    ------
    RequestError
        For unknown runs, rows or quantities, or too many runs.
    """
    if quantity is not None and quantity not in PANELS:
        raise RequestError(f"quantity '{quantity}'", ", ".join(PANELS), nearest(quantity, PANELS))
    panels = [name for name in PANELS if quantity in (None, name) and has(ds, name)]
    rows = [check_rows(ds, row) for row in ([rows] if isinstance(rows, str) else rows)]
    if not panels or not rows:
        raise RequestError(
            f"rows {rows} of {quantity or 'nothing'}", "rows and a quantity with values"
        )
    runs = chosen_runs(ds, run, MOST_RUNS)
    fig = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    alone = len(runs) == 1
    steps: list[float] = []
    told: list[str] = []
    for panel, name in enumerate(panels, start=1):
        for number, position in enumerate(runs):
            for row in rows:
                curve = seed_curve(ds, name, row, position)
                words = ROWS_WORDS.get(row, row)
                group = words if alone else str(ds["run"].values[position])
                look = _look(number, row, rows, alone=alone)
                _draw(fig, curve, look, name, plain(group), plain(words), panel, alone=alone)
                steps += curve.steps.tolist()
            if panel == 1:
                told.append(_told(ds, position, curve))
        _value_axis(fig, ds, name, panel)
    positive = [step for step in steps if step > 0]
    if not positive:
        raise RequestError(
            "no evaluation of the chosen runs after step 0", "runs that were trained"
        )
    told += _mark_events(fig, ds, runs, panels)
    told += event_definitions(ds, list(EVENTS))
    _legend(fig, ds, runs, rows)
    first, last = min(positive) if log_steps else min(steps), max(steps)
    set_step_axis(fig, (first, last), log_steps=log_steps, bottom=len(panels))
    if log_steps:
        places, ticks = log_ticks(first, last)
        fig.update_xaxes(tickvals=places, ticktext=ticks, ticklabeloverflow="allow")
    dress_for(fig, screen=230 * len(panels) + 40, single=145 * len(panels) + 45)
    fig.layout.meta = dict(fig.layout.meta or {}) | {"told": told}
    return fig


def _look(number: int, row: str, rows: Sequence[str], *, alone: bool) -> Look:
    """Return the look of a curve: by rows where there is one setting, else by setting, training rows being thin."""
    if alone:
        return Look(*ROW_STYLE[row], 1.6)
    own = style(number)
    return Look(own.colour, own.dash, 1.8 if row == rows[-1] else 0.8)


def _draw(
    fig: go.Figure, curve: SeedCurve, look: Look, quantity: str, group: str, words: str, panel: int,
    *, alone: bool,
) -> None:  # fmt: skip
    keep = thinned(curve)
    steps, low, high, median = (
        values[keep] for values in (curve.steps, curve.low, curve.high, curve.median)
    )
    if (
        quantity == "loss"
    ):  # a logarithmic axis has no place for 0, nor for the loss of a diverged run
        low = np.where(low > 0, low, np.nan)
        median = np.where((median > 0) & np.isfinite(median), median, np.nan)
    if curve.seeds > 1:
        add_band(fig, steps, low, high, look.colour, legendgroup=group, row=panel, col=1)
    fig.add_scatter(
        x=steps, y=median, name=words if alone else f"{group}, {words}", legendgroup=group,
        showlegend=alone and panel == 1, mode="lines" if keep.sum() > 1 else "markers",
        line=dict(color=look.colour, dash=look.dash, width=look.width, simplify=False),
        hovertemplate=f"step %{{x:,}}<br>{quantity} %{{y:.4g}}<extra>%{{fullData.name}}</extra>",
        row=panel, col=1,
    )  # fmt: skip


def _value_axis(fig: go.Figure, ds: xr.Dataset, quantity: str, panel: int) -> None:
    if quantity == "accuracy":
        fig.update_yaxes(
            range=[-0.03, 1.14], tickvals=[0, 0.25, 0.5, 0.75, 1], row=panel, col=1,
            title_text="accuracy (share)",
        )  # fmt: skip
        return
    drawn = [t.y for t in fig.data if t.yaxis == ("y" if panel == 1 else f"y{panel}")]
    values = np.concatenate([np.asarray(y, dtype=np.float64) for y in drawn])
    values = values[np.isfinite(values) & (values > 0)]
    fig.update_yaxes(type="log", title_text=with_units(ds, "loss", "loss"), row=panel, col=1)
    if values.size:
        low, high = float(values.min()), float(values.max())
        margin = 0.04 * max(np.log10(high / low), 0.3)
        places, ticks = log_ticks(low, high)
        ends = [np.log10(low) - margin, np.log10(high) + margin]
        fig.update_yaxes(tickvals=places, ticktext=ticks, range=ends, row=panel, col=1)


def _legend(fig: go.Figure, ds: xr.Dataset, runs: Sequence[int], rows: Sequence[str]) -> None:
    alone = len(runs) == 1
    for number, position in enumerate(() if alone else runs):
        look = _look(number, rows[-1], rows, alone=False)
        name = plain(str(ds["run"].values[position]))
        line = dict(color=look.colour, dash=look.dash, width=look.width)
        legend_only(fig, name, line=line, group=name)
    for row in () if alone else rows:
        width = _look(0, row, rows, alone=False).width
        legend_only(fig, ROWS_WORDS.get(row, row), line=dict(color=GREY, width=width))
    for event, symbol in EVENTS.items():
        if any(trace.name == event for trace in fig.data):
            mark = dict(symbol=symbol, size=7, color=GREY, line=dict(width=1.2, color=GREY))
            legend_only(fig, f"{event_label(event)}, median", marker=mark)


def _mark_events(
    fig: go.Figure, ds: xr.Dataset, runs: Sequence[int], panels: Sequence[str]
) -> list[str]:
    """Mark the median step of each event that the data set has; return it in words for each run."""
    if "event" not in ds.coords:
        return []
    told = []
    for event, symbol in EVENTS.items():
        if event not in ds["event"].values:
            continue
        found = median_steps(ds, event)
        said = [
            f"{ds['run'].values[run]}: {_interval(found.low[run], found.high[run])}"
            f" ({found.n[run] - found.censored[run]} of {found.n[run]} seeds saw it)"
            for run in runs
        ]
        told.append(f"Median step of {event_label(event)}: {'; '.join(said)}.")
        seen = [(n, float(found.high[run])) for n, run in enumerate(runs)
                if np.isfinite(found.high[run])]  # fmt: skip
        alone = len(runs) == 1
        colours = [GREY if alone else style(n).colour for n, _ in seen]
        if seen and panels[0] == "accuracy":
            fig.add_scatter(
                x=[step for _, step in seen], y=[TOP] * len(seen), mode="markers", row=1, col=1,
                name=event, showlegend=False,
                marker=dict(symbol=symbol, size=7, color=colours, line=dict(width=1.2, color=colours)),
                hovertemplate="median step %{x:,}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
        for panel in range(1, len(panels) + 1) if seen and alone else ():
            fig.add_vline(
                x=seen[0][1], line=dict(color=GREY, width=0.8, dash="dot"), row=panel, col=1,
                layer="below",
            )  # fmt: skip
    return told


def _interval(low: float, high: float) -> str:
    if np.isnan(low):
        return "not looked at"
    if np.isinf(high):
        return f"beyond {low:,.10g}"
    return f"({low:,.10g}, {high:,.10g}]" if low >= 0 else f"at the first evaluation, {high:,.10g}"


def _told(ds: xr.Dataset, position: int, curve: SeedCurve) -> str:
    label = str(ds["run"].values[position])
    told = f"{label}: {curve.seeds} seed{'s' * (curve.seeds != 1)}"
    if curve.held:
        steps = ", ".join(f"{seed} at step {step:,}" for seed, step in curve.held.items())
        told += f"; stopped early, their last value held from there: seed {steps}"
    if curve.left:
        steps = ", ".join(f"{seed} after step {step:,}" for seed, step in curve.left.items())
        told += f"; not in any more: seed {steps}"
    return f"{told}."
