"""The Fourier spectra of the embedding and of the neuron-logit map at one step."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.series import (
    Parts,
    has,
    last_steps,
    parts,
    position_of_step,
    rounded,
    with_units,
)
from grokscope.figures.sliders import add_slider
from grokscope.figures.theme import BLUE, ORANGE, PALE, VERMILLION, dress
from grokscope.transitions.transition import Transitions

PANELS = {
    "embedding_spectrum": "norm, embedding",
    "neuron_logit_spectrum": "norm, logit map",
}
PHASES = {"cos": BLUE, "sin": ORANGE}
OFFSET = {"cos": -0.4, "sin": 0.0}


@figure(
    "Fourier spectra at one step",
    needs=[tuple(PANELS)],
    uses=["embedding_spectrum_phase", "key_frequency"],
)
def final_spectrum(
    ds: xr.Dataset, transitions: Transitions | None = None, *, step: int | None = None
) -> go.Figure:
    """The norm at each frequency, key frequencies in colour; a slider moves through training.

    Where cosine and sine were kept apart, the embedding is shown as one bar for each.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows one step.
    step
        The step to show (the nearest checkpoint); the last one by default.
    """
    names = [name for name in PANELS if has(ds, name)]
    fig = make_subplots(rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    bars, along = [], parts(ds, names[0])
    at = position_of_step(ds, step)
    for row, name in enumerate(names, start=1):
        for label, values, colour in _bars(ds, name, along):
            bars.append(values)
            first = all(trace.name != label for trace in fig.data)
            fig.add_bar(
                x=along.labels, y=values[at], name=label, marker=dict(color=colour, line_width=0),
                showlegend=first, legendgroup=label, row=row, col=1,
                offset=OFFSET.get(label, -0.4), width=0.4 if label in OFFSET else 0.8,
                hovertemplate=f"{along.one} %{{x}}<br>norm %{{y:.3g}}"
                "<extra>%{fullData.name}</extra>",
            )  # fmt: skip
        finite = ds[name].values[np.isfinite(ds[name].values)]
        top = float(finite.max()) or 1.0
        fig.update_yaxes(range=[0, 1.05 * top], row=row, col=1,
                         title_text=with_units(ds, name, PANELS[name]))  # fmt: skip
    fig.update_xaxes(title_text=along.axis, row=len(names), col=1)
    # Names stand at 0, 1, 2, ... of their axis.
    low, high = (
        (along.labels.min(), along.labels.max())
        if along.dim == "freq"
        else (0, len(along.labels) - 1)
    )
    fig.update_xaxes(range=[low - 0.7, high + 0.7], showgrid=False)
    fig.update_layout(barmode="overlay")
    dress(
        fig,
        height=230 * len(names) + 90,
        single=92 * len(names) + (42 if along.dim == "freq" else 80),
    )
    fig.update_layout(margin_t=22)
    fig.add_annotation(
        name="step", text=_at_step(ds, at), xref="x domain", yref="y domain", x=0, y=1,
        yanchor="bottom", xanchor="left", showarrow=False,
    )  # fmt: skip
    shown = sorted({*last_steps(ds, names[0]), at})
    changes: list[dict[str, Any]] = [{"y": [rounded(b[i]) for b in bars]} for i in shown]
    labels = [f"{int(ds['step'].values[i])}" for i in shown]
    add_slider(fig, labels, changes, what="training step", active=shown.index(at))
    for slider_step, i in zip(fig.layout.sliders[0].steps if fig.layout.sliders else (), shown,
                              strict=False):  # fmt: skip
        slider_step.method = "update"
        change, traces = slider_step.args
        slider_step.args = [change, {"annotations[0].text": _at_step(ds, i)}, traces]
    return fig


def _at_step(ds: xr.Dataset, position: int) -> str:
    return f"at step {int(ds['step'].values[position]):,}"


def _bars(ds: xr.Dataset, name: str, along: Parts) -> list[tuple[str, np.ndarray, str]]:
    """Return (label, [step part], colour) of each set of bars; what a set leaves out is NaN."""
    total = np.asarray(ds[name].transpose("step", along.dim).values, dtype=np.float64)
    keys, many = along.keys, along.many
    is_key = np.isin(along.labels, keys)
    if name == "embedding_spectrum" and has(ds, "embedding_spectrum_phase"):
        phases = ds["embedding_spectrum_phase"].transpose("phase", "step", "freq")
        found = {
            str(phase): np.asarray(values, dtype=np.float64)
            for phase, values in zip(phases["phase"].values, phases.values, strict=True)
        }
        if set(found) == set(PHASES):
            return [(phase, found[phase], PHASES[phase]) for phase in PHASES]
    others = (f"other {many}", np.where(is_key, np.nan, total), PALE)
    if not keys:
        return [(f"all {many}", total, BLUE)]
    listed = f"key {many} " + ", ".join(map(str, keys)) if len(keys) < 9 else f"key {many}"
    return [(listed, np.where(is_key, total, np.nan), VERMILLION), others]
