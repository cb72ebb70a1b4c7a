"""Figure 6: the loss without each frequency, and with the key frequencies alone."""

import numpy as np
import plotly.graph_objects as go

from grokscope.figures.theme import BLACK, GREEN, PALE, VERMILLION
from nanda2023_parts.drawing import Scene, finish
from nanda2023_parts.quantities import losses_without_each

TITLE = "Loss when one frequency is removed from the logits"


def figure_6(scene: Scene) -> go.Figure:
    """Draw a bar a frequency, the loss as it is, and the restricted loss."""
    model = scene.model
    losses = losses_without_each(model)
    k = np.arange(1, len(losses) + 1)
    is_key = np.isin(k, model.key)
    fig = go.Figure()
    for name, chosen, colour in (
        ("key frequency removed", is_key, VERMILLION),
        ("other frequency removed", ~is_key, PALE),
    ):
        fig.add_bar(
            x=k[chosen], y=losses[chosen], name=name, width=0.8,
            marker=dict(color=colour, line_width=0),
            hovertemplate="without frequency %{x}<br>loss %{y:.3g}<extra></extra>",
        )  # fmt: skip
    restricted = float(scene.ds["restricted_loss"].sel(rows="all").isel(step=-1))
    for name, value, colour, dash in (
        ("nothing removed", model.loss(model.logits), BLACK, "dot"),
        ("key frequencies alone (restricted)", restricted, GREEN, "dash"),
    ):
        fig.add_scatter(
            x=[0.3, len(losses) + 0.7], y=[value, value], name=name, mode="lines",
            line=dict(color=colour, dash=dash, width=1.5), hovertemplate="%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    low = np.log10(min(restricted, float(losses.min()))) - 0.5
    fig.update_yaxes(type="log", title_text="loss (nat)", range=[low, np.log10(losses.max()) + 0.3])
    fig.update_xaxes(title_text="frequency k", range=[0.3, len(losses) + 0.7], showgrid=False)
    told = (
        "Removed: the projections on cos w(a+b), sin w(a+b) over all pairs; kept alone: those of the key "
        "frequencies and the mean. All pairs."
    )
    return finish(fig, scene, "figure-6", TITLE, told, height=380, single=210)
