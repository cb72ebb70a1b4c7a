"""How much of the logits is the circuit's own form, per key frequency, over training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import curve, parts, plain, step_range
from grokscope.figures.theme import BLACK, COLOURS, DASHES, PALE, dress
from grokscope.transitions.transition import Transitions

MOST_OTHERS = 5
#: Key frequencies that have a line of their own look; more than these cannot be told apart.
MOST_NAMED = 10


@figure(
    "Share of the logits on cos w(a + b − c) over training",
    needs=[("logit_trig_share",)],
    uses=["logit_trig_share_key", "key_frequency"],
)
def logit_shares(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """The share of row-centred logit energy at each key frequency, and their sum.

    Grey is the largest share of any other frequency. Without key frequencies, the frequencies with
    the largest final shares are drawn; of more than ten key ones, these are named.

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    fig = go.Figure()
    along = parts(ds, "logit_trig_share")
    shares = ds["logit_trig_share"].transpose(along.dim, "step")
    drawn = along.keys or _largest(shares, along.labels.tolist())
    others = ~np.isin(along.labels, drawn)
    if others.any():
        rest = np.fmax.reduce(np.asarray(shares.values, dtype=np.float64)[others], axis=0)
        seen = np.isfinite(rest)
        _line(fig, ds["step"].values[seen], rest[seen], "largest other", PALE, "solid", 1.5)
    named = drawn if len(drawn) <= MOST_NAMED else _largest(shares.sel({along.dim: drawn}), drawn)
    unnamed = [k for k in drawn if k not in named]
    words = f"{len(unnamed)} other keys"
    for k in unnamed:
        _line(fig, *curve(ds, "logit_trig_share", **{along.dim: k}), words, BLACK, "dot", 0.8)
    for number, trace in enumerate(t for t in fig.data if t.name == words):
        trace.update(legendgroup=words, showlegend=number == 0)
    for number, k in enumerate(named):
        x, y = curve(ds, "logit_trig_share", **{along.dim: k})
        label = f"k = {k}" if along.dim == "freq" else plain(k)
        look = COLOURS[number % 6], DASHES[(number + number // 6) % len(DASHES)]
        _line(fig, x, y, label, *look, 1.5)
    _line(fig, *curve(ds, "logit_trig_share_key"), "sum over keys", BLACK, "solid", 2.2)
    fig.update_yaxes(rangemode="tozero", title_text="share of logit energy (0 to 1)")
    dress(fig, height=340, single=185)
    mark(fig, transitions, step_range(ds, ["logit_trig_share"]), log_steps=log_steps)
    return fig


def _largest(shares: xr.DataArray, labels: Sequence[Any]) -> list[Any]:
    final = np.nan_to_num(shares.values[:, -1], nan=-1.0)
    return sorted(np.asarray(labels)[np.argsort(final)[::-1][:MOST_OTHERS]].tolist())


def _line(
    fig: go.Figure, x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str, width: float
) -> None:
    if len(x):
        fig.add_scatter(
            x=x, y=y, name=name, mode="lines" if len(x) > 1 else "markers",
            line=dict(color=colour, dash=dash, width=width),
            hovertemplate="step %{x:,}<br>share %{y:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
