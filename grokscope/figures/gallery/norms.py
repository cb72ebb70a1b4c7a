"""The sum of squared weights, per group of parameters and in all."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import plain, step_range, with_units
from grokscope.figures.theme import BLACK, COLOURS, DASHES, dress
from grokscope.transitions.transition import Transitions

#: Group -> what a weight's name contains, asked in this order.
GROUPS = {
    "layer norms": (".ln1.", ".ln2.", "ln_final."),
    "attention": (".attn.",),
    "MLP": (".mlp.",),
    "embedding": ("embed.W_E", "embed_left.", "embed_right."),
    "positions": ("pos_embed.",),
    "unembedding": ("unembed.",),
}
ORDER = ("embedding", "positions", "attention", "MLP", "layer norms", "unembedding", "other")


def group_of(param: str) -> str:
    """Return the group of a weight by its name ("blocks.0.attn.W_Q" is attention)."""
    for group, marks in GROUPS.items():
        if any(mark in param for mark in marks) and not (
            group == "embedding" and param.startswith("unembed")
        ):
            return group
    return "other"


@figure("Squared weight norms over training", needs=[("weight_norm_squared",)])
def norms(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """The sum of squares of each group of weights, and of all weights together.

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    fig = go.Figure()
    squares = ds["weight_norm_squared"].transpose("param", "step")
    grouped: dict[str, list[int]] = {}
    for position, param in enumerate(squares["param"].values.tolist()):
        grouped.setdefault("all" if param == "all" else group_of(str(param)), []).append(position)
    values = np.asarray(squares.values, dtype=np.float64)
    for number, group in enumerate(name for name in ORDER if name in grouped):
        _line(fig, ds, values[grouped[group]].sum(axis=0), group, COLOURS[number % 6],
              DASHES[number % 6], 1.5)  # fmt: skip
    if "all" in grouped:
        _line(fig, ds, values[grouped["all"][0]], "all weights", BLACK, "solid", 2.2)
    words = "sum of squared weights"
    fig.update_yaxes(type="log", title_text=with_units(ds, "weight_norm_squared", words))
    dress(fig, height=340, single=190)
    mark(fig, transitions, step_range(ds, ["weight_norm_squared"]), log_steps=log_steps)
    return fig


def _line(
    fig: go.Figure, ds: xr.Dataset, y: np.ndarray, name: str, colour: str, dash: str, width: float
) -> None:
    seen = np.isfinite(y)
    if seen.any():
        fig.add_scatter(
            x=ds["step"].values[seen], y=y[seen], name=plain(name),
            mode="lines" if seen.sum() > 1 else "markers",
            line=dict(color=colour, dash=dash, width=width),
            hovertemplate="step %{x:,}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
