"""What removing a part does to the loss, beside removing as many random others."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError, nearest
from grokscope.figures.declare import figure
from grokscope.figures.series import curve, has, plain, with_units
from grokscope.figures.theme import BLUE, GREEN, GREY, ROW_NAMES, VERMILLION, dress
from grokscope.transitions.transition import Transitions

STYLE = {
    "zero": (BLUE, "circle"),
    "mean": (VERMILLION, "diamond"),
    "resample": (GREEN, "square"),
}
PREFERRED = ("test_twin_free", "test", "all", "train")


@figure(
    "Ablations at the final step",
    needs=[("ablation_loss",)],
    uses=["ablation_null_loss", "loss"],
)
def ablations(
    ds: xr.Dataset, transitions: Transitions | None = None, *, rows: str | None = None
) -> go.Figure:
    """The loss after removing each part, by zero, mean and resample ablation (logarithmic).

    Pale bars span the loss after removing the same number of random others, with a tick at their
    median: a part matters by as much as its mark lies beyond its bar. The vertical lines are the
    whole model's loss (solid) and chance (dotted).

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows one step.
    rows
        On which rows (default: twin-free test rows, or the nearest to them that there are).

    Raises
    ------
    RequestError
        When there are no such rows.
    """
    rows = _rows(ds) if rows is None else rows
    if rows not in ds["rows"].values:
        known = [str(row) for row in ds["rows"].values]
        raise RequestError(f"rows '{rows}'", ", ".join(known), nearest(rows, known))
    loss = ds["ablation_loss"].sel(rows=rows).transpose("component", "mode")
    modes = [str(mode) for mode in loss["mode"].values]
    seen = np.isfinite(loss.values).any(axis=1)
    names = [str(name) for name in loss["component"].values[seen]]
    fig = go.Figure()
    for number, mode in enumerate(modes):
        colour, symbol = STYLE.get(mode, (GREY, "x"))
        shift = (number - (len(modes) - 1) / 2) * 0.24
        _null(fig, ds, rows, mode, names, shift, colour)
        values = np.asarray(loss.sel(mode=mode).values[seen], dtype=np.float64)
        there = np.isfinite(values)
        if there.any():
            fig.add_scatter(
                x=values[there], y=np.arange(len(names))[there] + shift, mode="markers",
                name=plain(mode), marker=dict(color=colour, symbol=symbol, size=6),
                text=[plain(name) for name, t in zip(names, there, strict=True) if t],
                hovertemplate="%{text}<br>loss %{x:.4g}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    _references(fig, ds, rows)
    words = f"loss, {ROW_NAMES.get(rows, rows)}"
    title = with_units(ds, "ablation_loss", plain(words))
    fig.update_xaxes(type="log", title_text=title, nticks=6, range=_range(ds, rows))
    fig.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[plain(name) for name in names],
        range=[len(names) - 0.4, -0.6], showgrid=False, ticks="",
    )  # fmt: skip
    dress(fig, height=110 + 30 * len(names), single=45 + 17 * len(names))
    return fig


def _rows(ds: xr.Dataset) -> str:
    for row in PREFERRED:
        if row in ds["rows"].values:
            if np.isfinite(ds["ablation_loss"].sel(rows=row).values).any():
                return row
    return str(ds["rows"].values[0])


def _null(
    fig: go.Figure, ds: xr.Dataset, rows: str, mode: str, names: list[str], shift: float,
    colour: str,
) -> None:  # fmt: skip
    """Draw, for one mode, each component's null as a bar from its lowest to its highest draw."""
    if not has(ds, "ablation_null_loss") or mode not in ds["ablation_null_loss"]["mode"].values:
        return
    null = ds["ablation_null_loss"].sel(rows=rows, mode=mode).transpose("component", "draw")
    place = {str(name): i for i, name in enumerate(null["component"].values)}
    x: list[float | None] = []
    y: list[float | None] = []
    middle: list[tuple[float, float]] = []
    for number, name in enumerate(names):
        draws = null.values[place[name]] if name in place else np.empty(0)
        draws = draws[np.isfinite(draws)]
        if draws.size:
            x += [float(draws.min()), float(draws.max()), None]
            y += [number + shift, number + shift, None]
            middle.append((float(np.median(draws)), number + shift))
    if not x:
        return
    fig.add_scatter(
        x=x, y=y, mode="lines", line=dict(color=colour, width=5), opacity=0.3, hoverinfo="skip",
        name=f"{plain(mode)}, random others", showlegend=False,
    )  # fmt: skip
    fig.add_scatter(
        x=[m for m, _ in middle], y=[p for _, p in middle], mode="markers", showlegend=False,
        marker=dict(symbol="line-ns", size=4, line=dict(color=colour, width=1.2)),
        name=f"{plain(mode)}, random others, median",
        hovertemplate="median of random others %{x:.4g}<extra></extra>",
    )  # fmt: skip


def _range(ds: xr.Dataset, rows: str) -> list[float] | None:
    """Return the logarithms of the axis' ends: every value, the whole model's and chance."""
    found = [
        ds["ablation_loss"].sel(rows=rows).values.ravel(),
        curve(ds, "loss", rows=rows)[1][-1:],
    ]
    if has(ds, "ablation_null_loss"):
        found.append(ds["ablation_null_loss"].sel(rows=rows).values.ravel())
    found.append(np.array([float(ds.attrs.get("chance_loss", np.nan))]))
    values = np.concatenate(found)
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return None
    low, high = np.log10(values.min()), np.log10(values.max())
    margin = 0.04 * max(high - low, 1.0)
    return [float(low - margin), float(high + margin)]


def _references(fig: go.Figure, ds: xr.Dataset, rows: str) -> None:
    _, whole = curve(ds, "loss", rows=rows)
    lines = [("whole model", float(whole[-1]), "solid")] if len(whole) else []
    if "chance_loss" in ds.attrs:
        lines.append(("chance, ln(classes)", float(ds.attrs["chance_loss"]), "dot"))
    for name, at, dash in lines:
        fig.add_shape(
            type="line", xref="x", yref="y domain", x0=at, x1=at, y0=0, y1=1, layer="below",
            line=dict(color=GREY, width=1.2, dash=dash), name=name, showlegend=True,
        )  # fmt: skip
