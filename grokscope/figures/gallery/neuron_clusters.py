"""Which frequency each neuron serves, and how purely."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.series import has, key_frequencies, last_steps, position_of_step
from grokscope.figures.sliders import add_slider
from grokscope.figures.theme import BLUE, PALE, VERMILLION, dress
from grokscope.transitions.transition import Transitions

EDGES = np.linspace(0, 1, 41)
THRESHOLD = 0.85


@figure(
    "Neurons by frequency",
    needs=[("neurons_per_frequency", "neuron_fraction_explained")],
    uses=["neuron_frequency", "neurons_explained", "neurons_dead", "key_frequency"],
)
def neuron_clusters(
    ds: xr.Dataset, transitions: Transitions | None = None, *, step: int | None = None
) -> go.Figure:
    """Above, neurons explained (over 85 %) per frequency; below, how much is explained, all neurons.

    The dashed line is the threshold of 0.85. A slider moves through training.

    Parameters
    ----------
    ds, step
        As for `final_spectrum`.
    transitions
        Not drawn: the figure shows one step.
    """
    panels = [_counts, _shares]
    names = ("neurons_per_frequency", "neuron_fraction_explained")
    panels = [panel for panel, name in zip(panels, names, strict=True) if has(ds, name)]
    fig = make_subplots(rows=len(panels), cols=1, vertical_spacing=0.24)
    at = position_of_step(ds, step)
    series = [panel(fig, ds, row, at) for row, panel in enumerate(panels, start=1)]
    moving = [values for rows in series for values in rows]
    dress(fig, height=210 * len(panels) + 110, single=125 * len(panels))
    fig.update_layout(margin_t=22, bargap=0.1, barmode="overlay")
    fig.add_annotation(
        name="step", text=_words(ds, at), xref="x domain", yref="y domain", x=0, y=1,
        xanchor="left", yanchor="bottom", showarrow=False,
    )  # fmt: skip
    index = next(i for i, note in enumerate(fig.layout.annotations) if note.name == "step")
    shown = sorted({*last_steps(ds, names[0] if names[0] in ds else names[1]), at})
    changes: list[dict[str, Any]] = [
        {"y": [[None if np.isnan(v) else int(v) for v in m[i]] for m in moving]} for i in shown
    ]
    labels = [f"{int(ds['step'].values[i])}" for i in shown]
    add_slider(fig, labels, changes, what="training step", active=shown.index(at))
    for slider_step, i in zip(fig.layout.sliders[0].steps if fig.layout.sliders else (), shown,
                              strict=False):  # fmt: skip
        change, traces = slider_step.args
        slider_step.method = "update"
        slider_step.args = [change, {f"annotations[{index}].text": _words(ds, i)}, traces]
    return fig


def _words(ds: xr.Dataset, position: int) -> str:
    words = [f"at step {int(ds['step'].values[position]):,}"]
    for name, what in (("neurons_explained", "explained"), ("neurons_dead", "dead")):
        if has(ds, name) and np.isfinite(ds[name].values[position]):
            words.append(f"{int(ds[name].values[position])} {what}")
    if "neuron" in ds.sizes and len(words) > 1:
        words[-1] += f" of {ds.sizes['neuron']} neurons"
    return ", ".join(words)


def _counts(fig: go.Figure, ds: xr.Dataset, row: int, at: int) -> list[np.ndarray]:
    counts = ds["neurons_per_frequency"].transpose("step", "freq").values.astype(np.float64)
    freq, keys = ds["freq"].values, key_frequencies(ds)
    is_key = np.isin(freq, keys)
    sets = [("other frequencies", np.where(is_key, np.nan, counts), PALE)]
    if keys:
        listed = ": " + ", ".join(map(str, keys)) if len(keys) < 9 else ""
        sets.append((f"key frequencies{listed}", np.where(is_key, counts, np.nan), VERMILLION))
    for name, values, colour in sets:
        fig.add_bar(
            x=freq, y=values[at], name=name, marker=dict(color=colour, line_width=0), row=row,
            col=1, hovertemplate="frequency %{x}<br>%{y} neurons<extra></extra>",
        )  # fmt: skip
    top = np.nanmax(counts) if np.isfinite(counts).any() else 1.0
    fig.update_yaxes(title_text="neurons (count)", range=[0, 1.05 * max(top, 1)], row=row, col=1)
    fig.update_xaxes(title_text="frequency k (cycles per n)", showgrid=False, row=row, col=1)
    return [values for _, values, _ in sets]


def _shares(fig: go.Figure, ds: xr.Dataset, row: int, at: int) -> list[np.ndarray]:
    shares = ds["neuron_fraction_explained"].transpose("step", "neuron").values
    counts = np.array(
        [np.histogram(s[np.isfinite(s)], bins=EDGES)[0] for s in shares], dtype=np.float64
    )
    fig.add_bar(
        x=(EDGES[1:] + EDGES[:-1]) / 2, y=counts[at], name="all neurons", showlegend=False,
        marker=dict(color=BLUE, line_width=0), row=row, col=1,
        hovertemplate="share about %{x:.3f}<br>%{y} neurons<extra></extra>",
    )  # fmt: skip
    fig.add_shape(
        type="line", x0=THRESHOLD, x1=THRESHOLD, y0=0, y1=1, xref="x" if row == 1 else f"x{row}",
        yref="y domain" if row == 1 else f"y{row} domain",
        line=dict(color="#333", width=1, dash="dash"),
    )  # fmt: skip
    fig.update_xaxes(
        title_text="variance explained by one frequency (share)", range=[0, 1], row=row, col=1
    )
    top = max(float(counts.max()), 1.0)
    fig.update_yaxes(title_text="neurons (count)", range=[0, 1.05 * top], row=row, col=1)
    return [counts]
