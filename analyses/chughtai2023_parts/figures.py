"""Figures: one network over training, and when each representation was learned over the seeds."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import xarray as xr

import grokscope as gs
from grokscope.figures.theme import COLOURS, dress
from grokscope.transitions import learning_order, transitions
from grokscope.transitions.transition import Transition
from published.measured import Measured

CURVES = (
    "loss",
    "restricted_loss",
    "restricted_loss_held_out",
    "excluded_loss",
    "logit_trig_share",
    "character_similarity",
    "irrep_weight_shares",
)
TICKS = tuple(m * 10**e for e in range(6) for m in (1, 2, 5))
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")


def over_training(ds: xr.Dataset, label: str) -> dict[str, go.Figure]:
    """Draw losses and representation shares of one network over training."""
    located = transitions(ds)
    return {
        f"losses-{label}": gs.figures.restricted_excluded(ds, located),
        f"shares-{label}": gs.figures.logit_shares(ds, located),
    }


def learned(measured: Measured) -> go.Figure:
    """Draw when each key representation was learned, one mark a seed, its interval as a bar.

    Parameters
    ----------
    measured
        Runs of one group, every step of them measured.
    """
    fig = go.Figure()
    seen = [(record.seed, t) for record, _, ds in measured for t in learning_order(ds)]
    names = _by_first_step(seen)
    seeds = list(dict.fromkeys(seed for seed, _ in seen))
    for number, seed in enumerate(seeds):
        own = {t.name: t for s, t in seen if s == seed and t.high is not None}
        places = [names.index(name) for name in own]
        high = np.array([t.high for t in own.values()], dtype=np.float64)
        low = np.array([t.low if t.low is not None else t.high for t in own.values()], np.float64)
        colour = COLOURS[number % len(COLOURS)]
        fig.add_scatter(
            x=high, y=np.array(places) + _aside(number, len(seeds)), mode="markers",
            name=f"seed {seed}",
            marker=dict(color=colour, symbol=SYMBOLS[number % len(SYMBOLS)], size=7),
            error_x=dict(type="data", symmetric=False, array=0 * high, arrayminus=high - low,
                         color=colour, thickness=1, width=2),
            hovertemplate="learned by step %{x:,}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    words = [name.removeprefix("learned_") for name in names]
    fig.update_yaxes(tickvals=list(range(len(words))), ticktext=words, title_text="representation")
    fig.update_xaxes(
        type="log", tickvals=TICKS, ticktext=[f"{t:,}" for t in TICKS],
        title_text="step at which half of its final share was there",
    )  # fmt: skip
    return dress(fig, height=120 + 34 * max(len(words), 4), single=100 + 30 * max(len(words), 4))


def _by_first_step(seen: Sequence[tuple[int, Transition]]) -> list[str]:
    """Return the events' names, those that come last on the average first: the earliest is drawn on top."""
    steps: dict[str, list[float]] = {}
    for _, t in seen:
        steps.setdefault(t.name, []).append(np.inf if t.high is None else float(t.high))
    return sorted(steps, key=lambda name: -float(np.median(steps[name])))


def _aside(number: int, seeds: int) -> float:
    """Return a small shift, so that marks of several seeds do not hide each other."""
    return 0.5 * ((number + 0.5) / max(seeds, 1) - 0.5)
