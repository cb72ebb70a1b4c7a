"""Figure 5: how much of each neuron one frequency explains, and what the neurons of one frequency write."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.theme import BLUE, VERMILLION
from grokscope.harmonics.fourier import fourier_basis
from nanda2023_parts.drawing import Scene, finish, panel_title

TITLE = "Neurons are quadratic forms in the waves of one frequency, and write the same frequency"
BINS = 20


def figure_5(scene: Scene) -> go.Figure:
    """Draw the histogram of explained fractions, and W_L along the answers for the first key frequency's neurons."""
    model = scene.model
    k, top = model.key[0], model.fractions.max(0)
    fig = make_subplots(rows=2, cols=1, vertical_spacing=0.2)
    counts, edges = np.histogram(top, bins=BINS, range=(0, 1))
    fig.add_bar(
        x=(edges[:-1] + edges[1:]) / 2, y=counts, name="neurons", showlegend=False, row=1, col=1,
        marker=dict(color=BLUE, line=dict(color="white", width=0.5)),
        hovertemplate="%{x:.2f}<br>%{y} neurons<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=[0.85, 0.85], y=[0, float(counts.max())], mode="lines", name=".85", row=1, col=1,
        showlegend=False, line=dict(color=VERMILLION, dash="dash", width=1.2), hoverinfo="skip",
    )  # fmt: skip
    fig.update_xaxes(title_text="fraction explained by its best frequency", range=[0, 1], row=1, col=1)  # fmt: skip
    fig.update_yaxes(title_text="neurons", row=1, col=1)
    panel_title(fig, f"{int(model.explained.sum())} of {len(top)} above .85", 1)
    own = np.flatnonzero(model.members(k))
    written = fourier_basis(model.n)[0] @ model.w_l[own].T
    bound = float(np.abs(written).max(initial=1e-12))
    fig.add_heatmap(
        z=np.round(written, 4), x=np.arange(1, len(own) + 1), colorscale="RdBu", zmin=-bound, zmax=bound,
        name=f"W_L of the neurons of frequency {k}", row=2, col=1,
        colorbar=dict(thickness=8, len=0.4, y=0.2, outlinewidth=0, nticks=5),
        hovertemplate="neuron %{x}, component %{y}<br>%{z:.3g}<extra></extra>",
    )  # fmt: skip
    fig.update_xaxes(title_text=f"neuron of frequency {k}", showgrid=False, row=2, col=1)
    fig.update_yaxes(title_text="component in c", showgrid=False, row=2, col=1)
    panel_title(fig, f"W<sub>L</sub>: cos {k} is row {2 * k - 1}, sin {k} row {2 * k}", 2)
    told = (
        "Above: of each neuron's energy over all pairs, less its mean, the part in the products of 1, cos, sin "
        "of one frequency. Below: W_L in the Fourier basis of the answer c (constant, cos 1, sin 1, ...) for "
        f"the {len(own)} neurons of frequency {k}."
    )
    return finish(fig, scene, "figure-5", TITLE, told, height=620, single=380)
