"""The task itself: the answer of every (a, b), with the cells that were held out."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.gallery.attention import square, square_heights
from grokscope.figures.series import has, input_grid
from grokscope.figures.theme import BLACK, COLOUR_SCALE, colour_bar, dress
from grokscope.transitions.transition import Transitions

#: Tables up to this many rows and columns have their answers written out.
MOST_WRITTEN = 16
#: Lighter than any colour of the scale.
HELD_OUT = "#F2F2F2"


@figure("Operation table with held-out cells", needs=[("answer",)], uses=["train"])
def operation_table(ds: xr.Dataset, transitions: Transitions | None = None) -> go.Figure:
    """The answer to every (a, b), as trained; pale cells were held out.

    A small table has its answers written out, with a star for held-out ones. Where the split is not
    known, no cell is marked.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the table does not change.
    """
    fig = make_subplots(rows=1, cols=1)
    a, b, answers = input_grid(ds, ds["answer"])
    trained = input_grid(ds, ds["train"])[2] if has(ds, "train") else np.ones_like(answers)
    shown = np.where(trained == 1, answers, np.nan)
    held_out = np.where(trained == 0, answers, np.nan)
    small = max(len(a), len(b)) <= MOST_WRITTEN
    hover = "a = %{x}, b = %{y}<br>answer %{z}<extra>%{fullData.name}</extra>"
    fig.add_heatmap(
        x=a, y=b, z=shown, name="train" if has(ds, "train") else "answer", coloraxis="coloraxis",
        hovertemplate=hover, hoverongaps=False, **_written(shown, "", small),
    )  # fmt: skip
    if np.isfinite(held_out).any():
        fig.add_heatmap(
            x=a, y=b, z=held_out, name="held out", showscale=False,
            colorscale=[[0, HELD_OUT], [1, HELD_OUT]],
            hovertemplate=hover, hoverongaps=False, **_written(held_out, "*", small),
        )  # fmt: skip
    square(fig, 1, 1, "a (token)", "b (token)")
    dress(fig, height=460, **square_heights(1, 1, 0.0))
    fig.update_layout(coloraxis=dict(colorscale=COLOUR_SCALE, colorbar=colour_bar("answer")))
    return fig


def _written(cells: np.ndarray, mark: str, small: bool) -> dict[str, object]:
    """Return the options that write the numbers of `cells` out, each followed by `mark`."""
    if not small:
        return {}
    text = [[f"{c:.0f}{mark}" if np.isfinite(c) else "" for c in row] for row in cells]
    return dict(text=text, texttemplate="%{text}", textfont_color=BLACK if mark else None)
