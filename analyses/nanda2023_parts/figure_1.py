"""Figure 1: the algorithm, here not as a drawing but as measured: a circle, a product, a sum of waves."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.theme import BLUE, COLOUR_SCALE, GREEN, ORANGE, VERMILLION, colour_bar
from nanda2023_parts.drawing import Scene, finish, panel_title
from nanda2023_parts.quantities import embedding_share, trig_form

TITLE = "The algorithm, measured: numbers on a circle, their sum on a circle, the answer where waves meet"

TOLD = (
    "Top: the embedding of each number in the plane of its waves of the strongest key frequency. Middle: "
    "what W_L's directions of that frequency read from the neurons, mean over the pairs of each sum; above "
    "it, how much of what all key directions read is explained by cos, sin w(a+b). Bottom: logits, "
    "row-centred, by the answer's distance from the sum, and their least-squares fit by cos w(a+b-c) of "
    "the key frequencies; above it, how much that explains."
)


def figure_1(scene: Scene) -> go.Figure:
    """Draw the three steps of the algorithm with how much of what the network does each explains."""
    model = scene.model
    n, k = model.n, _strongest(scene)
    at = model.key.index(k)
    number = np.arange(n)
    fig = make_subplots(rows=3, cols=1, vertical_spacing=0.13, row_heights=[0.4, 0.3, 0.3])

    cos, sin = model.basis((k,)) @ model.snap.W_E
    plane, _ = np.linalg.qr(np.stack([cos, sin]).T)
    x, y = ((model.snap.W_E - model.snap.W_E.mean(0)) @ plane).T
    fig.add_scatter(
        x=x, y=y, mode="markers", name=f"numbers 0 to {n - 1}", showlegend=False,
        marker=dict(size=5, color=number * k % n, colorscale=COLOUR_SCALE,
                    colorbar=colour_bar(f"{k} a mod {n}") | dict(len=0.36, y=1, yanchor="top")),
        text=[f"a = {a}" for a in number], hovertemplate="%{text}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    reach = 1.1 * float(np.abs([x, y]).max())
    fig.update_xaxes(title_text="along the first direction", range=[-reach, reach], row=1, col=1)
    fig.update_yaxes(title_text="along the second", range=[-reach, reach], scaleanchor="x", row=1, col=1)  # fmt: skip
    fig.update_xaxes(constrain="domain", row=1, col=1)
    panel_title(fig, f"embedding: key frequencies hold {embedding_share(model):.1%}", 1)

    for phase, colour, dash in (("cos", BLUE, "solid"), ("sin", ORANGE, "dash")):
        read = _read(scene, at, phase)
        by_sum = np.array([read[model.sums == s].mean() for s in number])
        order = np.argsort(number * k % n)
        fig.add_scatter(
            x=(number * k % n)[order], y=by_sum[order], name=f"read by W<sub>L</sub>'s {phase}",
            mode="lines", line=dict(color=colour, dash=dash, width=1.6), row=2, col=1,
            hovertemplate="%{x}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_xaxes(title_text=f"{k} (a + b) mod {n}", row=2, col=1)
    fig.update_yaxes(title_text="read from the neurons", row=2, col=1)
    shares = [_share(scene, i, phase) for i in range(len(model.key)) for phase in ("cos", "sin")]
    panel_title(fig, f"neurons: {min(shares):.1%} to {max(shares):.1%} explained", 2)

    form, _, share = trig_form(model)
    centred = model.logits - model.logits.mean(1, keepdims=True)
    distance = (number[None] - model.sums[:, None]) % n
    for values, name, colour, dash in (
        (centred, "logits, mean over all pairs", GREEN, "solid"),
        (form, "sum of a cos w(a + b - c)", VERMILLION, "dot"),
    ):
        mean = np.bincount(distance.ravel(), values.ravel(), n) / len(model.sums)
        shifted = (number + n // 2 + 1) % n
        fig.add_scatter(
            x=np.where(shifted > n // 2, shifted - n, shifted), y=mean[shifted], name=name, mode="lines",
            line=dict(color=colour, dash=dash, width=1.6), row=3, col=1,
            hovertemplate="%{x}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_xaxes(title_text="answer c less a + b", row=3, col=1)
    fig.update_yaxes(title_text="logit", row=3, col=1)
    panel_title(fig, f"logits: {share:.1%} explained", 3)
    return finish(
        fig, scene, "figure-1", TITLE,
        TOLD,
        height=900, single=520,
    )  # fmt: skip


def _strongest(scene: Scene) -> int:
    """Return the key frequency with the largest coefficient in the logits."""
    return scene.model.key[int(np.argmax(trig_form(scene.model)[1]))]


def _read(scene: Scene, at: int, phase: str) -> np.ndarray:
    direction = scene.model.directions[2 * at + (phase == "sin")]
    read = scene.model.neurons @ (direction / np.linalg.norm(direction))
    return read - read.mean()


def _share(scene: Scene, at: int, phase: str) -> float:
    model = scene.model
    wave = getattr(np, phase)(2 * np.pi * model.key[at] * model.sums / model.n)
    read = _read(scene, at, phase)
    return float(wave @ read) ** 2 / float((wave @ wave) * (read @ read))
