"""Figures: coset concentration against its null, neurons by subgroup over the networks."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from grokscope.figures.theme import BLUE, COLOURS, GREY, PALE, VERMILLION, dress
from stander2024_parts.concentration import DRAWS, NONE
from stander2024_parts.tables import Network

FLOOR = 1e-7
"""Concentrations below this are drawn at it: a logarithmic axis has no place for 0."""


MOST_KINDS = 7


def against_chance(network: Network) -> go.Figure:
    """Draw every neuron's coset concentration, sorted, for both operands, and the range of relabelled elements."""
    fig = go.Figure()
    found = network.neurons
    place = np.arange(1, found.n_neurons + 1)
    looks = {"first": (BLUE, "circle"), "second": (VERMILLION, "diamond-open")}
    for operand, (colour, symbol) in looks.items():
        values = np.sort(np.maximum(found.least[operand], FLOOR))
        fig.add_scatter(
            x=place, y=values, mode="markers", name=f"{operand} operand",
            marker=dict(color=colour, symbol=symbol, size=5),
            hovertemplate="%{x}: %{y:.3g}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    chance = np.sort(np.concatenate(list(found.chance.values())), axis=1)
    low, high = np.nanmin(chance, axis=0), np.nanmax(chance, axis=0)
    fig.add_scatter(
        x=[*place, *place[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines",
        line=dict(width=0),
        fillcolor=GREY, opacity=0.35, name=f"relabelled elements, range of {DRAWS} draws",
        hoverinfo="skip",
    )  # fmt: skip
    fig.update_yaxes(
        type="log",
        title_text="coset concentration (1: by chance)",
        range=[np.log10(FLOOR) - 0.1, 0.2],
    )
    fig.update_xaxes(title_text=f"neurons of {network.group}, {network.name}, sorted")
    return dress(fig, height=360, single=290)


def by_subgroup(networks: Sequence[Network]) -> go.Figure:
    """Draw how many neurons of each network have which kind of subgroup, first operand."""
    fig = go.Figure()
    counts = [n.neurons.counts("first") for n in networks]
    total: Counter[str] = sum(counts, Counter())
    common = [k for k, _ in total.most_common() if k != NONE][:MOST_KINDS]
    rest = set(total) - {*common, NONE}
    drawn = [(k, [c[k] for c in counts], COLOURS[i]) for i, k in enumerate(common)]
    drawn.append(("other subgroups", [sum(c[k] for k in rest) for c in counts], GREY))
    drawn.append((NONE, [c[NONE] for c in counts], PALE))
    for kind, neurons, colour in drawn:
        fig.add_bar(
            y=[n.name for n in networks], x=neurons, name=kind, orientation="h",
            marker=dict(color=colour, line=dict(color="white", width=0.5)),
            hovertemplate="%{x} neurons<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.update_layout(barmode="stack", legend_traceorder="normal")
    fig.update_xaxes(title_text=f"neurons of {networks[0].group}, by subgroup, first operand")
    fig.update_yaxes(autorange="reversed")
    return dress(fig, height=150 + 34 * len(networks), single=150 + 30 * len(networks))
