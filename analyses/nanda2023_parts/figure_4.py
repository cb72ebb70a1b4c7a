"""Figure 4: attention and neurons over the pairs (a, b), and the logits' norm in the 2D Fourier basis."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.theme import COLOUR_SCALE
from grokscope.harmonics.fourier import fourier_basis
from nanda2023_parts.drawing import Scene, finish, panel_title

TITLE = "Attention, a neuron and the logits are periodic in the inputs"
HEAD = NEURON = 0


def figure_4(scene: Scene) -> go.Figure:
    """Draw head 0's attention from = to a, neuron 0, and the norm of the logits on products of waves."""
    model, n = scene.model, scene.model.n
    pattern = model.snap.activations.pattern[:, HEAD, 0].numpy().reshape(n, n)
    panels = (
        (f"head {HEAD}: attention to a", pattern),
        (f"neuron {NEURON}", model.neurons[:, NEURON].reshape(n, n)),
        ("logits: norm on each product of waves", logit_norms(scene)),
    )
    fig = make_subplots(rows=3, cols=1, vertical_spacing=0.09)
    for row, (title, values) in enumerate(panels, start=1):
        inputs = row < 3
        middle = 1 - (row - 0.5) / 3 - (row - 2) * 0.02
        fig.add_heatmap(
            z=np.round(values, 4), colorscale=COLOUR_SCALE, name=title, row=row, col=1,
            colorbar=dict(thickness=8, len=0.28, y=middle, outlinewidth=0, nticks=5),
            hovertemplate="%{x}, %{y}<br>%{z:.3g}<extra></extra>",
        )  # fmt: skip
        words = ("b", "a") if inputs else ("component in b", "component in a")
        fig.update_xaxes(title_text=words[0], constrain="domain", showgrid=False, row=row, col=1)
        fig.update_yaxes(title_text=words[1], scaleanchor="x" if row == 1 else f"x{row}",
                         autorange="reversed", constrain="domain", showgrid=False, row=row, col=1)  # fmt: skip
        panel_title(fig, title, row)
    told = (
        "Rows a, columns b. Components in the order constant, cos 1, sin 1, cos 2, ...; the constant in both "
        "is left out. Key frequencies show as blocks of two by two."
    )
    return finish(fig, scene, "figure-4", TITLE, told, height=1000, single=720)


def logit_norms(scene: Scene) -> np.ndarray:
    """Return the norm over the answers of the logits' coefficients, [component of a, component of b], constant 0."""
    model, n = scene.model, scene.model.n
    basis = fourier_basis(n)[0]
    centred = model.logits - model.logits.mean(1, keepdims=True)
    found = np.einsum("xyz,fx,gy->fgz", centred.reshape(n, n, -1), basis, basis, optimize=True)
    norms = np.linalg.norm(found, axis=2)
    norms[0, 0] = 0.0
    return norms
