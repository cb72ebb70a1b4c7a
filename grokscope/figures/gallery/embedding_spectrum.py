"""The embedding's Fourier spectrum over training, as a heat map."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import parts, step_range, with_units
from grokscope.figures.theme import BLACK, COLOUR_SCALE, GREY, colour_bar, dress
from grokscope.transitions.transition import Transitions


@figure(
    "Fourier spectrum of the embedding over training",
    needs=[("embedding_spectrum",)],
    uses=["key_frequency"],
)
def embedding_spectrum(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """The norm of the embedding's Fourier coefficients, by frequency and step.

    A bright line is a frequency that the embedding has come to use; triangles at the right mark
    the key frequencies.

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    along = parts(ds, "embedding_spectrum")
    spectrum = ds["embedding_spectrum"].transpose(along.dim, "step")
    fig = go.Figure(
        go.Heatmap(
            x=ds["step"].values, y=along.labels, z=np.asarray(spectrum.values, np.float32),
            colorscale=COLOUR_SCALE, zmin=0, name="norm",
            colorbar=colour_bar(with_units(ds, "embedding_spectrum", "norm")),
            hovertemplate=f"step %{{x:,}}<br>{along.one} %{{y}}<br>norm %{{z:.3g}}<extra></extra>",
        )
    )  # fmt: skip
    fig.update_yaxes(title_text=along.axis, showgrid=False)
    fig.update_xaxes(showgrid=False)
    steps, keys = step_range(ds, ["embedding_spectrum"]), along.keys
    if keys:
        fig.add_scatter(
            x=[steps[1]] * len(keys), y=keys, mode="markers", cliponaxis=False, showlegend=True,
            marker=dict(symbol="triangle-left", size=7, color=BLACK),
            name=f"key {along.many}" + (f" {', '.join(map(str, keys))}" if len(keys) < 9 else ""),
            hovertemplate=f"key {along.one} %{{y}}<extra></extra>",
        )  # fmt: skip
    if transitions is not None:
        fig.add_scatter(
            x=[None], y=[None], mode="lines", line=dict(color=GREY, dash="dot", width=1),
            name="event", showlegend=True,
        )  # fmt: skip
    dress(fig, height=420, single=215)
    mark(fig, transitions, steps, log_steps=log_steps, bands=False)
    return fig
