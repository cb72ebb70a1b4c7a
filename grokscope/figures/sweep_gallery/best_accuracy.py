"""The best accuracy of each setting against how much data it trains on."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import sweep_figure
from grokscope.figures.over_seeds import MOST_BANDS, draw_over_seeds, name_lines, name_unfinished
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import (
    ROWS_WORDS,
    field_across,
    scale_of,
    set_field_axis,
    styles,
)
from grokscope.figures.sweep_numbers.data_needed import DataNeeded, Statistic, data_needed
from grokscope.figures.sweep_numbers.settings import check_rows, lines, words


@sweep_figure("Best validation accuracy of each setting", needs=[("best_accuracy",)])
def best_accuracy(
    ds: xr.Dataset,
    *,
    against: str | None = None,
    color_by: str | None = None,
    rows: str = "test",
    statistic: Statistic = "mean",
    level: float = 0.99,
) -> go.Figure:
    """The largest accuracy at any evaluated step, on rows that are not trained on.

    Lines are the mean over seeds, small dots the seeds, set a little sideways; bands, or bars where there are many
    lines, reach from the smallest to the largest seed. An open triangle that points up is a run that did not come to
    its end: its best accuracy is at least that, and it enters neither mean nor range.

    Parameters
    ----------
    ds
        A sweep's Dataset.
    against
        The field to draw across (default: `frac_train`, or the first number that varies).
    color_by
        The field, or "case", that gives lines their colour, where more than one sets them apart.
    rows
        Which rows' accuracy: "test", "test_twin_free" or "train".
    statistic
        "mean" or "median" over seeds.
    level
        The accuracy for which the caption says how much is needed.

    Raises
    ------
    RequestError
        For a field that does not vary, unknown rows or statistic, or too many lines.
    """
    across = field_across(ds, against)
    shown = lines(ds, across)
    looks = styles(shown, color_by)
    needed = data_needed(ds, level, statistic, across, check_rows(ds, rows))
    shows = f"best {ROWS_WORDS.get(rows, rows)} accuracy"
    fig = go.Figure()
    set_field_axis(fig, across, np.concatenate([line.x for line in shown]) * scale_of(across))
    named = []
    for line, look in zip(shown, looks, strict=True):
        name = line.name or f"{shows}, {statistic}"
        named.append((name, look))
        draw_over_seeds(
            fig, ds, line, line.x * scale_of(across), look, name, variable="best_accuracy", rows=rows,
            statistic=statistic, bands=len(shown) <= MOST_BANDS,
            log_x=fig.layout.xaxis.type == "log", legendgroup=plain(name),
        )  # fmt: skip
    name_lines(fig, named)
    name_unfinished(fig)
    fig.update_yaxes(range=[-0.03, 1.04], dtick=0.25, title_text=f"{shows} (share)")
    dress_for(fig, screen=360, single=225)
    told = [_told(item, level, statistic, across) for item in needed]
    fig.layout.meta = dict(fig.layout.meta or {}) | {"told": told}
    return fig


def _told(item: DataNeeded, level: float, statistic: str, across: str) -> str:
    name = f"{item.setting}: " if item.setting else ""
    if item.high is None:
        if item.low is None:
            return f"{name}no run came to its end."
        return f"{name}a {statistic} of {level:g} is not reached up to {words(across, item.low)}."
    low = "the smallest looked at" if item.low is None else f"above {words(across, item.low)}"
    told = f"{name}a {statistic} of {level:g} takes {words(across, item.high)} ({low})"
    if item.short_of_it_later:
        told += f", but is missed again at {', '.join(words(across, v) for v in item.short_of_it_later)}"
    return f"{told}."
