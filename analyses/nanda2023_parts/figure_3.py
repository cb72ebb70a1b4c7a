"""Figure 3: norms of the Fourier components of W_E along the numbers, and of W_L along the answers."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.theme import BLUE, ORANGE
from grokscope.harmonics.fourier import spectrum
from nanda2023_parts.drawing import Scene, finish

TITLE = "Norms of the Fourier components of the embedding and of the neuron-logit map"

PHASES = {"cos": BLUE, "sin": ORANGE}


def figure_3(scene: Scene) -> go.Figure:
    """Draw both spectra as bars, cosine and sine side by side."""
    model = scene.model
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    tables = {"norm of W<sub>E</sub>": model.snap.W_E, "norm of W<sub>L</sub>": model.snap.W_L.T}
    k = np.arange(1, model.n // 2 + 1)
    for row, (title, values) in enumerate(tables.items(), start=1):
        both = zip(PHASES.items(), spectrum(values), strict=True)
        for (phase, colour), norms in both:
            fig.add_bar(
                x=k, y=norms, name=phase, legendgroup=phase, showlegend=row == 1,
                marker=dict(color=colour, line_width=0), row=row, col=1,
                hovertemplate=f"frequency %{{x}}<br>{phase}: %{{y:.3g}}<extra></extra>",
            )  # fmt: skip
        fig.update_yaxes(title_text=title, rangemode="tozero", row=row, col=1)
    fig.update_xaxes(range=[0.3, model.n // 2 + 0.7], showgrid=False)
    fig.update_xaxes(title_text="frequency k", row=2, col=1)
    fig.update_layout(barmode="group", bargap=0.15)
    told = "Norm over the width, and over the neurons, of the coefficients of cos and sin 2 pi k x / p (orthonormal)."
    return finish(fig, scene, "figure-3", TITLE, told, height=460, single=250)
