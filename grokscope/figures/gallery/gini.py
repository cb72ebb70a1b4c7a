"""How sparse the Fourier spectrum is, as a Gini coefficient."""

import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import curve, step_range
from grokscope.figures.theme import BLUE, VERMILLION, dress
from grokscope.transitions.transition import Transitions

LINES = {
    "gini_embedding": ("embedding", BLUE, "solid"),
    "gini_neuron_logit_map": ("neuron-logit map", VERMILLION, "dash"),
}


@figure("Sparsity of the Fourier spectrum over training", needs=[tuple(LINES)])
def gini(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """The Gini coefficient of the Fourier norms: 0 is all frequencies alike, 1 is one alone.

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    fig = go.Figure()
    for name, (words, colour, dash) in LINES.items():
        x, y = curve(ds, name)
        if len(x):
            fig.add_scatter(
                x=x, y=y, name=words, mode="lines" if len(x) > 1 else "markers",
                line=dict(color=colour, dash=dash, width=1.8),
                hovertemplate="step %{x:,}<br>Gini %{y:.3f}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    fig.update_yaxes(range=[0, 1], title_text="Gini coefficient (0 to 1)")
    dress(fig, height=300, single=170)
    mark(fig, transitions, step_range(ds, LINES), log_steps=log_steps)
    return fig
