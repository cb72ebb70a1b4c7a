"""What single neurons compute, by (a, b)."""

import math

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.errors import RequestError
from grokscope.figures.declare import figure
from grokscope.figures.gallery.attention import square, square_heights
from grokscope.figures.series import has, input_grid
from grokscope.figures.theme import COLOUR_SCALE, colour_bar, dress
from grokscope.transitions.transition import Transitions

MOST = 6
#: As in `attention`, with titles of two lines.
ROW_GAP = 0.36


@figure(
    "Neuron activations by (a, b)",
    needs=[("neuron_activation",)],
    uses=["neuron_frequency", "neuron_fraction_explained"],
)
def neuron_activations(
    ds: xr.Dataset, transitions: Transitions | None = None, *, neurons: list[int] | None = None
) -> go.Figure:
    """The activation of example neurons at the final step, for every input.

    A neuron of the circuit is a wave in a and in b of one frequency k; the percentage is how much
    of its variance that frequency explains. Each neuron's colours are relative to its own largest
    activation.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows one step.
    neurons
        Which of the example neurons (default: the first six).

    Raises
    ------
    RequestError
        When a neuron is not among the examples.
    """
    activation = ds["neuron_activation"].transpose("example_neuron", "input")
    kept = [int(n) for n in activation["example_neuron"].values]
    chosen = kept[:MOST] if neurons is None else list(neurons)
    strange = [n for n in chosen if n not in kept]
    if strange or not chosen:
        raise RequestError(f"neurons {strange}", f"examples {', '.join(map(str, kept))}")
    columns = 2 if len(chosen) in (2, 4) else min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    fig = make_subplots(
        rows=rows, cols=columns, shared_xaxes=True, shared_yaxes=True,
        subplot_titles=[neuron_title(ds, n) for n in chosen],
        horizontal_spacing=0.05, vertical_spacing=ROW_GAP / rows,
    )  # fmt: skip
    for number, neuron in enumerate(chosen):
        a, b, grid = input_grid(ds, activation.isel(example_neuron=kept.index(neuron)))
        largest = float(np.nanmax(np.abs(grid))) if np.isfinite(grid).any() else 0.0
        fig.add_heatmap(
            x=a, y=b, z=grid / (largest or 1.0), coloraxis="coloraxis",
            name=f"neuron {neuron}, largest {largest:.3g}",
            row=number // columns + 1, col=number % columns + 1,
            hovertemplate="a = %{x}, b = %{y}<br>%{z:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    square(fig, rows, columns, "a (token)", "b (token)")
    dress(fig, height=60 + 240 * rows, **square_heights(rows, columns, ROW_GAP / rows))
    bar = colour_bar("activation / its largest")
    fig.update_layout(coloraxis=dict(colorscale=COLOUR_SCALE, colorbar=bar), margin_t=40)
    return fig


def neuron_title(ds: xr.Dataset, neuron: int) -> str:
    """Return "neuron 12" and below it, where known, "k = 14, 97 %"."""
    words = f"neuron {neuron}"
    names = ("neuron_frequency", "neuron_fraction_explained")
    if not all(has(ds, name) and neuron in ds[name]["neuron"].values for name in names):
        return words
    k, share = (float(ds[name].sel(neuron=neuron).values.ravel()[-1]) for name in names)
    if k == 0:
        return f"{words}<br>dead"
    return f"{words}<br>k = {k:.0f}, {100 * share:.0f} %" if np.isfinite(share) else words
