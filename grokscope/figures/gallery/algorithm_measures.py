"""Which algorithm the model runs: clock, pizza, or neither yet."""

import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.marks import mark
from grokscope.figures.series import curve, has, step_range, with_units
from grokscope.figures.theme import BLACK, BLUE, GREEN, VERMILLION, dress
from grokscope.transitions.transition import Transitions

SHARES = {
    "gradient_symmetricity": ("gradient symmetricity", BLUE, "solid"),
    "distance_irrelevance": ("distance irrelevance", VERMILLION, "dash"),
    "circularity": ("circularity", GREEN, "dot"),
}


@figure("Which algorithm: symmetry and circularity", needs=[(*SHARES, "commutativity")])
def algorithm_measures(
    ds: xr.Dataset, transitions: Transitions | None = None, *, log_steps: bool = False
) -> go.Figure:
    """Above, three measures that tell the clock from the pizza algorithm; below, commutativity.

    A pizza has gradient symmetricity near 1 and low distance irrelevance, a clock the reverse of
    both; commutativity is the divergence between the answers to (a, b) and to (b, a), 0 when the
    order does not matter.

    Parameters
    ----------
    ds, transitions, log_steps
        As for `progress`.
    """
    shares = [name for name in SHARES if has(ds, name)]
    panels = int(bool(shares)) + int(has(ds, "commutativity"))
    fig = make_subplots(rows=panels, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    lowest = 0.0
    for name in shares:
        words, colour, dash = SHARES[name]
        lowest = min(lowest, _line(fig, ds, name, words, colour, dash, 1))
    if shares:
        fig.update_yaxes(title_text="measure (−1 to 1)" if lowest < 0 else "measure (0 to 1)",
                         range=[1.05 * lowest - 0.02, 1.05], row=1, col=1)  # fmt: skip
    if has(ds, "commutativity"):
        _line(fig, ds, "commutativity", "commutativity", BLACK, "solid", panels)
        title = with_units(ds, "commutativity", "commutativity")
        fig.update_yaxes(type="log", title_text=title, row=panels, col=1)
    dress(fig, height=100 + 190 * panels, single=42 + 98 * panels)
    steps = step_range(ds, (*SHARES, "commutativity"))
    mark(fig, transitions, steps, panels=panels, log_steps=log_steps)
    return fig


def _line(
    fig: go.Figure, ds: xr.Dataset, name: str, words: str, colour: str, dash: str, row: int
) -> float:
    x, y = curve(ds, name)
    if not len(x):
        return 0.0
    fig.add_scatter(
        x=x, y=y, name=words, mode="lines" if len(x) > 1 else "markers", row=row, col=1,
        line=dict(color=colour, dash=dash, width=1.6),
        hovertemplate="step %{x:,}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
    return float(y.min())
