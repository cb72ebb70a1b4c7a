"""Figure 7: the progress measures over training, phases located here and as the paper put them by hand."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.marks import mark
from grokscope.figures.theme import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION
from nanda2023_parts.drawing import Scene, finish
from nanda2023_parts.numbers import PHASES

TITLE = "Progress measures over training"
EVENTS = ("memorised", "circuit_onset", "cleanup", "grokked_99")

#: Panel -> axis title, whether logarithmic, and its lines: (variable, selection, name, colour, dash).
PANELS: tuple[tuple[str, bool, tuple[tuple[str, dict[str, str], str, str, str], ...]], ...] = (
    (
        "loss (nat)",
        True,
        (
            ("excluded_loss", {}, "excluded, train", GREEN, "solid"),
            ("loss", {"rows": "train"}, "train", BLUE, "dot"),
            ("loss", {"rows": "test"}, "test", VERMILLION, "dash"),
        ),
    ),
    (
        "loss (nat)",
        True,
        (
            ("restricted_loss", {"rows": "all"}, "restricted", PURPLE, "solid"),
            ("loss", {"rows": "train"}, "train", BLUE, "dot"),
            ("loss", {"rows": "test"}, "test", VERMILLION, "dash"),
        ),
    ),
    (
        "Gini coefficient",
        False,
        (
            ("gini_embedding", {}, "Gini, W<sub>E</sub>", BLACK, "solid"),
            ("gini_neuron_logit_map", {}, "Gini, W<sub>L</sub>", ORANGE, "dash"),
        ),
    ),
    (
        "squared weights",
        False,
        (("weight_norm_squared", {"param": "all"}, "sum of squared weights", GREY, "solid"),),
    ),
)


def figure_7(scene: Scene) -> go.Figure:
    """Draw excluded loss, restricted loss, Gini coefficients and squared weights, one below the other."""
    ds = scene.ds
    fig = make_subplots(rows=len(PANELS), cols=1, shared_xaxes=True, vertical_spacing=0.035)
    steps = ds["step"].values
    for row, (title, log, lines) in enumerate(PANELS, start=1):
        for variable, chosen, name, colour, dash in lines:
            fig.add_scatter(
                x=steps, y=ds[variable].sel(chosen).values, name=name, legendgroup=name, mode="lines+markers",
                showlegend=all(trace.name != name for trace in fig.data), row=row, col=1,
                line=dict(color=colour, dash=dash, width=1.6), marker=dict(size=2.5, color=colour),
                hovertemplate="step %{x:,}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
        fig.update_yaxes(title_text=title, type="log" if log else "linear", row=row, col=1)
        top = max(float(ds[v].sel(c).max()) for v, c, *_ in lines)
        low = min(float(ds[v].sel(c).min()) for v, c, *_ in lines)
        for phase, (end, _) in PHASES.items():
            fig.add_scatter(
                x=[end, end], y=[low, top], mode="lines", name="phase ends in the paper",
                legendgroup="paper", hovertemplate=f"end of {phase}, paper<extra></extra>",
                showlegend=row == 1 and phase == "memorisation", row=row, col=1,
                line=dict(color=BLACK, dash="longdashdot", width=0.9),
            )  # fmt: skip
    told = (
        "From above: loss on the training rows without the key frequencies; loss with them alone, all pairs; Gini "
        "coefficients of the Fourier norms of W_E and W_L; sum of all squared weights. Shaded: phases as located "
        "in this run, events as lines; the paper's were put by hand, for its own run."
    )
    finish(fig, scene, "figure-7", TITLE, told, height=860, single=460)
    mark(fig, scene.events, (0.0, float(steps[-1])), panels=len(PANELS), events=EVENTS)
    return fig
