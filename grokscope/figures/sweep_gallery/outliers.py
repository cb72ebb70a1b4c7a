"""Accuracy against the number of wrong answers in the training set."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError, nearest
from grokscope.figures.declare import sweep_figure
from grokscope.figures.over_seeds import MOST_BANDS, draw_over_seeds, name_lines, name_unfinished
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import ROWS_WORDS, Style, legend_only, styles
from grokscope.figures.sweep_numbers.data_needed import Statistic
from grokscope.figures.sweep_numbers.settings import lines
from grokscope.figures.theme import GREY, ROW_STYLE

QUANTITIES = {"best": "best_accuracy", "final": "final_accuracy"}
ROWS = ("train", "test")


@sweep_figure(
    "Accuracy against the number of outliers",
    needs=[("best_accuracy", "final_accuracy"), ("outliers",)],
)
def outliers(
    ds: xr.Dataset,
    *,
    quantity: str = "best",
    color_by: str | None = None,
    statistic: Statistic = "mean",
) -> go.Figure:
    """Accuracy on the training set, outliers included, and on validation rows with their true answers.

    Outliers are training answers that were replaced by wrong ones, the answers of other training rows. Their numbers
    stand side by side at equal distances. Lines are the mean over seeds, small dots the seeds, bands, or bars where
    there are many lines, the range over seeds. An open triangle is a run that did not come to its end: at least.

    Parameters
    ----------
    ds
        A sweep's Dataset in which `outliers` varies.
    quantity
        "best": the largest accuracy at any evaluated step, each rows' own; "final": at the last.
    color_by
        The field that gives lines their colour, where more than one sets them apart.
    statistic
        "mean" or "median" over seeds.

    Raises
    ------
    RequestError
        For an unknown quantity or statistic, or too many lines.
    """
    if quantity not in QUANTITIES:
        todo = nearest(quantity, QUANTITIES)
        raise RequestError(f"quantity '{quantity}'", ", ".join(QUANTITIES), todo)
    shown = lines(ds, "outliers")
    looks = styles(shown, color_by)
    numbers = np.unique(np.concatenate([line.x for line in shown]))
    alone = len(shown) == 1
    fig = go.Figure()
    named = []
    for line, own in zip(shown, looks, strict=True):
        place = np.searchsorted(numbers, line.x).astype(np.float64)
        if not alone:
            named.append((line.name, own))
        for row in ROWS:
            name = f"{line.name}, {ROWS_WORDS[row]}" if line.name else ROWS_WORDS[row]
            look = Style(*ROW_STYLE[row], "circle" if row == "test" else "square") if alone else own
            if alone:
                named.append((name, look))
            if row == "train" and not alone:
                look = Style(own.colour, own.dash, f"{own.symbol}-open")
            draw_over_seeds(
                fig, ds, line, place, look, name, variable=QUANTITIES[quantity], rows=row,
                statistic=statistic, bands=len(shown) * len(ROWS) <= MOST_BANDS,
                width=1.6 if alone or row == "test" else 0.8,
                legendgroup=plain(line.name or name),
            )  # fmt: skip
    name_lines(fig, named)
    for row in () if alone else ROWS:
        mark = dict(color=GREY, symbol="circle" if row == "test" else "circle-open", size=5.5)
        width = 1.6 if row == "test" else 0.8
        legend_only(fig, ROWS_WORDS[row], line=dict(color=GREY, width=width), marker=mark)
    name_unfinished(fig)
    fig.update_xaxes(
        tickvals=np.arange(len(numbers)), ticktext=[f"{n:,.6g}" for n in numbers],
        range=[-0.3, len(numbers) - 0.7], title_text="outliers among training answers (number)",
    )  # fmt: skip
    fig.update_yaxes(range=[-0.03, 1.04], dtick=0.25, title_text=f"{quantity} accuracy (share)")
    dress_for(fig, screen=360, single=225)
    return fig
