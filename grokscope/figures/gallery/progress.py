"""Loss and accuracy over training, with the phases marked."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import curve, step_range, thin, with_units
from grokscope.figures.theme import GREY, ROW_NAMES, ROW_STYLE, dress
from grokscope.transitions.transition import Transitions

SEEN = ("train", "test", "test_twin_free")


@figure(
    "Loss and accuracy over training",
    needs=[("loss", "accuracy", "metric_loss", "metric_accuracy")],
)
def progress(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """Loss (logarithmic) above, accuracy below, on training, test and twin-free test rows.

    The trainer's denser metrics are drawn where they were recorded, the checkpoints' values
    elsewhere. Dotted grey is chance: ln(classes) for the loss, 1/classes for the accuracy.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Its events, for phases and event lines.
    log_steps
        Whether the step axis is logarithmic (step 0 is then not shown).
    """
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    steps = step_range(ds, ("loss", "accuracy", "metric_loss", "metric_accuracy"))
    for panel, quantity in enumerate(("loss", "accuracy"), start=1):
        rows = [row for row in SEEN if best_curve(ds, quantity, row)[0].size] or ["all"]
        for row in rows:
            x, y = thin(*best_curve(ds, quantity, row))
            colour, dash = ROW_STYLE[row]
            fig.add_scatter(
                x=x, y=y, name=ROW_NAMES[row], legendgroup=row, showlegend=_first(fig, row),
                mode="lines" if len(x) > 1 else "markers", line=dict(color=colour, dash=dash),
                row=panel, col=1,
                hovertemplate=f"step %{{x:,}}<br>{quantity} %{{y:.4g}}<extra>%{{fullData.name}}</extra>",
            )  # fmt: skip
        if f"chance_{quantity}" in ds.attrs:
            chance = float(ds.attrs[f"chance_{quantity}"])
            fig.add_scatter(
                x=list(steps), y=[chance, chance], name="chance", legendgroup="chance",
                showlegend=_first(fig, "chance"), mode="lines", hoverinfo="skip",
                line=dict(color=GREY, dash="dot", width=1), row=panel, col=1,
            )  # fmt: skip
    unit = "loss" if "loss" in ds.variables else "metric_loss"
    fig.update_yaxes(type="log", title_text=with_units(ds, unit, "loss"), row=1, col=1)
    fig.update_yaxes(range=[-0.03, 1.03], title_text="accuracy (share)", row=2, col=1)
    dress(fig, height=480, single=250, double=320)
    mark(fig, transitions, steps, panels=2, log_steps=log_steps)
    return fig


def best_curve(ds: xr.Dataset, quantity: str, row: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the denser of the trainer's metric and the checkpoints' values."""
    metric = curve(ds, f"metric_{quantity}", rows=row)
    kept = curve(ds, quantity, rows=row)
    return metric if len(metric[0]) > len(kept[0]) else kept


def _first(fig: go.Figure, group: str) -> bool:
    return all(trace.legendgroup != group for trace in fig.data)
