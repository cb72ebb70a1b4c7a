"""Restricted and excluded loss: the circuit alone, and everything but the circuit."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import curve, has, step_range, with_units
from grokscope.figures.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    VERMILLION,
    dress,
)
from grokscope.transitions.transition import Transitions

MEASURES = ("restricted_loss_held_out", "restricted_loss", "excluded_loss")
HOVER = "step %{x:,}<br>%{y:.4g}<extra>%{fullData.name}</extra>"


@figure(
    "Restricted and excluded loss",
    needs=[MEASURES],
    uses=["restricted_loss_null", "excluded_loss_null", "loss"],
)
def restricted_excluded(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """Above, the loss of the key frequencies alone; below, the training loss without them.

    The held-out restricted loss is fitted and evaluated on twin-free test rows (its band: one
    standard error); the published variant is fitted on all rows, memorised ones included. Grey
    bands span the same quantity for random sets of other frequencies. Thin lines are the full model
    on the same rows; dotted grey is chance, ln(classes).

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    panels = [p for p in (_restricted, _excluded) if p is _restricted or has(ds, "excluded_loss")]
    if not has(ds, "restricted_loss_held_out") and not has(ds, "restricted_loss"):
        panels = [_excluded]
    fig = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    steps = step_range(ds, MEASURES)
    for number, panel in enumerate(panels, start=1):
        panel(fig, ds, number)
        if "chance_loss" in ds.attrs:
            chance = float(ds.attrs["chance_loss"])
            fig.add_scatter(
                x=list(steps), y=[chance, chance], mode="lines", name="chance, ln(classes)",
                showlegend=number == 1, legendgroup="chance", hoverinfo="skip",
                line=dict(color=GREY, dash="dot", width=1), row=number, col=1,
            )  # fmt: skip
    fig.update_yaxes(type="log")
    dress(fig, height=120 + 200 * len(panels), single=42 + 108 * len(panels))
    mark(fig, transitions, steps, panels=len(panels), log_steps=log_steps)
    return fig


def _restricted(fig: go.Figure, ds: xr.Dataset, row: int) -> None:
    _null(fig, ds, "restricted_loss_null", row)
    x, y = curve(ds, "restricted_loss_held_out")
    error_at, error = curve(ds, "restricted_loss_held_out_se")
    if len(x) and np.array_equal(x, error_at):
        low = np.maximum(y - error, y / 10)  # a log axis has no place for what is not positive
        _band(fig, x, low, y + error, GREEN, "± one standard error", row, legend=False, opacity=0.4)
    loss_at, loss = curve(ds, "loss", rows="test_twin_free")
    _line(fig, loss_at, loss, "full model, test", ORANGE, "dashdot", row, width=1.0)
    _line(fig, *curve(ds, "restricted_loss", rows="all"), "restricted, published", PURPLE,
          "dash", row)  # fmt: skip
    _line(fig, x, y, "restricted, held out", GREEN, "solid", row)
    unit = "restricted_loss_held_out" if "restricted_loss_held_out" in ds else "restricted_loss"
    fig.update_yaxes(title_text=with_units(ds, unit, "restricted loss"), row=row, col=1)


def _excluded(fig: go.Figure, ds: xr.Dataset, row: int) -> None:
    _null(fig, ds, "excluded_loss_null", row)
    x, y = curve(ds, "loss", rows="train")
    _line(fig, x, y, "full model, train", BLUE, "dashdot", row, width=1.0)
    _line(fig, *curve(ds, "excluded_loss"), "excluded, train", VERMILLION, "solid", row)
    fig.update_yaxes(title_text=with_units(ds, "excluded_loss", "excluded loss"), row=row, col=1)


def _line(
    fig: go.Figure, x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str, row: int,
    width: float = 1.8,
) -> None:  # fmt: skip
    if len(x):
        fig.add_scatter(
            x=x, y=y, name=name, mode="lines" if len(x) > 1 else "markers", row=row, col=1,
            line=dict(color=colour, dash=dash, width=width), hovertemplate=HOVER,
        )  # fmt: skip


def _null(fig: go.Figure, ds: xr.Dataset, name: str, row: int) -> None:
    if not has(ds, name):
        return
    draws = ds[name].transpose("step", "draw")
    low = draws.min("draw", skipna=True).values
    high = draws.max("draw", skipna=True).values
    seen = np.isfinite(low)
    first = all(trace.legendgroup != "null" for trace in fig.data)
    words = "relabelled elements" if "key_irrep" in ds.variables else "random frequencies"
    _band(fig, ds["step"].values[seen], low[seen], high[seen], PALE,
          words, row, legend=first, group="null", opacity=0.55)  # fmt: skip


def _band(
    fig: go.Figure, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, name: str,
    row: int, *, legend: bool, group: str = "", opacity: float = 0.25,
) -> None:  # fmt: skip
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    fig.add_scatter(
        x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), mode="lines",
        fill="toself", fillcolor=f"rgba({red},{green},{blue},{opacity})", hoverinfo="skip",
        line=dict(width=0.7, color=f"rgba({red},{green},{blue},{opacity})"), name=name,
        legendgroup=group or name, showlegend=legend, row=row, col=1,
    )  # fmt: skip
