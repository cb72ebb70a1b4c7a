"""How constant each neuron is on the cosets of a subgroup, all neurons in order."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.latest import latest
from grokscope.figures.notes import add_notes
from grokscope.figures.room import dress_for
from grokscope.figures.series import has
from grokscope.figures.theme import BLUE, GREY, PALE, VERMILLION
from grokscope.transitions.transition import Transitions

OPERANDS = {
    "coset_concentration_first": ("first operand, right cosets", BLUE, "solid"),
    "coset_concentration_second": ("second operand, left cosets", VERMILLION, "dot"),
}
#: Below it the measure `coset_order` counts a neuron as constant on the cosets.
CONCENTRATED = 0.1


@figure(
    "Neurons on cosets",
    needs=[tuple(OPERANDS)],
    uses=["coset_concentration_null", "neurons_concentrated"],
)
def coset_concentration(ds: xr.Dataset, transitions: Transitions | None = None) -> go.Figure:
    """The variance of each neuron within cosets over its variance, at the best subgroup; neurons in ascending order.

    0 is a neuron that sees only in which coset an operand lies. The best of all subgroups is below 1 by chance, too:
    the grey band spans the mean over neurons for each of the random relabellings of the elements. The dashed line is
    the value below which a neuron counts as constant on the cosets of a subgroup. The number above compares each
    neuron with its own relabellings.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows the last step.
    """
    fig = go.Figure()
    drawn = {name: _ascending(ds, name) for name in OPERANDS if has(ds, name)}
    most = max(len(values) for values in drawn.values())
    _null(fig, ds, most)
    for name, values in drawn.items():
        words, colour, dash = OPERANDS[name]
        fig.add_scatter(
            x=np.arange(1, len(values) + 1), y=values, name=words, mode="lines",
            line=dict(color=colour, dash=dash, width=1.8),
            hovertemplate="neuron %{x} in order<br>concentration %{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.add_shape(
        type="line", xref="x domain", yref="y", x0=0, x1=1, y0=CONCENTRATED, y1=CONCENTRATED,
        line=dict(color=GREY, width=1.2, dash="dash"), name=f"counted below {CONCENTRATED:g}",
        showlegend=True,
    )  # fmt: skip
    top = max([1.0, *(float(values[-1]) for values in drawn.values())])
    fig.update_yaxes(range=[0, 1.02 * top], title_text="coset concentration (ratio)")
    fig.update_xaxes(range=[0, most + 1], title_text="live neurons, each curve in its own order")
    if has(ds, "neurons_concentrated"):
        below = int(ds["neurons_concentrated"].values)
        add_notes(fig, [(f"{below} of {ds.sizes['neuron']} neurons below every relabelling", "")])
    dress_for(fig, screen=290, single=215)
    return fig


def _ascending(ds: xr.Dataset, name: str) -> np.ndarray:
    values = np.asarray(latest(ds, name).values, dtype=np.float64)
    return np.sort(values[np.isfinite(values)])


def _null(fig: go.Figure, ds: xr.Dataset, most: int) -> None:
    if not has(ds, "coset_concentration_null"):
        return
    draws = ds["coset_concentration_null"].values
    low, high = float(np.nanmin(draws)), float(np.nanmax(draws))
    ends = [0, most + 1]
    fig.add_scatter(
        x=[*ends, *reversed(ends)], y=[low, low, high, high], mode="lines", fill="toself",
        fillcolor=PALE, line=dict(color=PALE, width=1.5), hoverinfo="skip",
        name="relabelled elements, mean over neurons",
    )  # fmt: skip
