"""Figures: symmetricity and irrelevance over the attention rate, and against each other."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.figures.theme import BLUE, COLOUR_SCALE, GREY, VERMILLION, colour_bar, dress
from zhong2023_parts.networks import Network
from zhong2023_parts.numbers import BANDS, CIRCULAR, MODELS

RATE_WORDS = "attention rate (0: both operands read alike, 1: plain attention)"
PANELS = {"gradient_symmetricity": "gradient symmetricity", "distance_irrelevance": "distance irrelevance"}  # fmt: skip


def over_rates(networks: Sequence[Network]) -> go.Figure:
    """Draw both over the attention rate: each run, the mean of the runs at a rate, the published means.

    Filled marks are runs with a circularity above the published threshold, open ones the others that grokked.
    """
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    grokked = [n for n in networks if n.grokked]
    rates = sorted({n.rate for n in grokked})
    for row, (name, words) in enumerate(PANELS.items(), start=1):
        for band in BANDS:
            value = getattr(band, name)
            fig.add_scatter(
                x=[max(band.low, 0.0), band.high], y=[value, value], mode="lines",
                name="published mean", legendgroup="published",
                showlegend=row == 1 and band is BANDS[0],
                line=dict(color=VERMILLION, dash="dash", width=1.6),
                hovertemplate=f"published {value}<extra>{band.words}</extra>", row=row, col=1,
            )  # fmt: skip
        means = [float(np.mean([n.values[name] for n in grokked if n.rate == r])) for r in rates]
        fig.add_scatter(
            x=rates, y=means, mode="lines", name="mean of the runs here", legendgroup="mean",
            showlegend=row == 1, line=dict(color=BLUE, width=1.6),
            hovertemplate="rate %{x}<br>mean %{y:.3f}<extra></extra>", row=row, col=1,
        )  # fmt: skip
        marks = (("circle", f"circularity > {CIRCULAR}"), ("circle-open", "other run"))
        for circular, (mark, word) in zip((True, False), marks, strict=True):
            own = [n for n in grokked if (n.values["circularity"] > CIRCULAR) is circular]
            fig.add_scatter(
                x=[n.rate for n in own], y=[n.values[name] for n in own], mode="markers", name=word,
                legendgroup=word, showlegend=row == 1, marker=dict(color=BLUE, symbol=mark, size=6),
                hovertemplate="rate %{x}<br>%{y:.3f}<extra></extra>", row=row, col=1,
            )  # fmt: skip
        fig.update_yaxes(title_text=words, range=[-0.03, 1.05], row=row, col=1)
    fig.update_xaxes(title_text=RATE_WORDS, row=2, col=1)
    return dress(fig, height=470, single=380)


def plane(networks: Sequence[Network], theirs: Sequence[Network]) -> go.Figure:
    """Draw gradient symmetricity against distance irrelevance, coloured by the attention rate; A and B as published."""
    fig = go.Figure()
    grokked = [n for n in networks if n.grokked]
    fig.add_scatter(
        x=[n.values["distance_irrelevance"] for n in grokked],
        y=[n.values["gradient_symmetricity"] for n in grokked], mode="markers", name="trained here",
        marker=dict(color=[n.rate for n in grokked], colorscale=COLOUR_SCALE, cmin=0, cmax=1, size=8,
                    line=dict(color="white", width=0.5), colorbar=colour_bar("attention rate")),
        text=[f"rate {n.rate:g}, seed {n.seed}" for n in grokked],
        hovertemplate="%{text}<br>irrelevance %{x:.3f}<br>symmetricity %{y:.3f}<extra></extra>",
    )  # fmt: skip
    for label, values in MODELS.items():
        fig.add_scatter(
            x=[values["distance_irrelevance"]], y=[values["gradient_symmetricity"]],
            mode="markers+text", name=f"model {label}, published", text=[label[0]],
            textposition="top center",
            marker=dict(color=VERMILLION, symbol="x-thin", size=10, line=dict(color=VERMILLION, width=2)),
        )  # fmt: skip
    for model in theirs:
        fig.add_scatter(
            x=[model.values["distance_irrelevance"]], y=[model.values["gradient_symmetricity"]],
            mode="markers", name=f"model {model.label}, recomputed",
            marker=dict(color=GREY, symbol="circle-open", size=14, line=dict(width=1.5)),
        )  # fmt: skip
    fig.update_xaxes(title_text="distance irrelevance", range=[0, 1.05])
    fig.update_yaxes(title_text="gradient symmetricity", range=[0, 1.05])
    return dress(fig, height=430, single=330)
