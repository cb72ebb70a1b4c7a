"""Figure 2: train and test accuracy and loss of the run, and of other seeds."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.marks import set_step_axis
from grokscope.figures.theme import BLUE, VERMILLION
from nanda2023_parts.drawing import Scene, finish

TITLE = "Accuracy and loss over training"
ROWS = {"train": (BLUE, "solid"), "test": (VERMILLION, "dash")}


def figure_2(scene: Scene) -> go.Figure:
    """Draw accuracy above and loss below; this run's lines thick, those of other seeds thin."""
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    last = float(scene.model.snap.step)
    for number, run in enumerate(scene.seeds):
        last = max(last, float(run.last_step))
        _add(fig, run.curve["step"], run.curve, "other seeds", 0.8, number == 0)
    ds = scene.ds
    own = {
        f"{quantity}_{row}": ds[f"metric_{quantity}"].sel(rows=row).values.tolist()
        for quantity in ("accuracy", "loss")
        for row in ROWS
    }
    _add(fig, ds["metric_step"].values.tolist(), own, "this run", 1.8, True)
    fig.update_yaxes(title_text="accuracy (share)", range=[-0.03, 1.03], row=1, col=1)
    fig.update_yaxes(title_text="loss (nat)", type="log", row=2, col=1)
    seeds = ", ".join(str(run.seed) for run in scene.seeds)
    told = f"Thin: seeds {seeds}." if seeds else "One seed: no other is at hand."
    told = f"Train and test rows; loss on a logarithmic axis. {told}"
    finish(fig, scene, "figure-2", TITLE, told, height=480, single=260)
    set_step_axis(fig, (0.0, last), log_steps=False, bottom=2)
    return fig


def _add(
    fig: go.Figure,
    steps: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    whose: str,
    width: float,
    legend: bool,
) -> None:
    for panel, quantity in enumerate(("accuracy", "loss"), start=1):
        for row, (colour, dash) in ROWS.items():
            name = f"{row}, {whose}"
            fig.add_scatter(
                x=steps, y=curves[f"{quantity}_{row}"], name=name, legendgroup=name, mode="lines",
                showlegend=legend and panel == 1, line=dict(color=colour, dash=dash, width=width),
                opacity=1.0 if width > 1 else 0.6, row=panel, col=1,
                hovertemplate=f"step %{{x:,}}<br>{quantity} %{{y:.4g}}<extra>{name}</extra>",
            )  # fmt: skip
