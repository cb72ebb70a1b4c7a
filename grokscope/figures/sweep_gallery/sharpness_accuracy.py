"""A number of each run, such as the sharpness of its minimum, against its accuracy."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import sweep_figure
from grokscope.figures.notes import add_notes
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain, with_units
from grokscope.figures.sweep_marks import MOST_LINES, ROWS_WORDS, style
from grokscope.figures.sweep_numbers.rank_correlation import spearman, usable
from grokscope.figures.sweep_numbers.settings import check_rows, per_run
from grokscope.figures.theme import BLUE, dress
from grokscope.figures.ticks import log_ticks


@sweep_figure(
    "Accuracy against the sharpness of the minimum",
    needs=[("final_accuracy",), ("sharpness",)],
    unless={"sharpness": "x"},
)
def sharpness_accuracy(
    ds: xr.Dataset,
    *,
    x: str = "sharpness",
    y: str = "final_accuracy",
    rows: str = "test",
    confidence: float = 0.95,
) -> go.Figure:
    """Each mark is a run, one seed of one setting, at its last step; settings differ in colour and shape.

    Above the figure stands Spearman's rank correlation over all runs shown, with its bootstrap interval. Runs that did
    not come to their end are left out.

    Parameters
    ----------
    ds
        A sweep's Dataset, with a variable `x` of one number per run and seed added to it.
    x, y
        What is drawn across and up.
    rows
        Which rows, for variables that have them.
    confidence
        Of the interval of the correlation.

    Raises
    ------
    RequestError
        For an unknown variable or rows, or fewer than 4 runs that have both numbers.
    """
    check_rows(ds, rows)
    across, up = per_run(ds, x, rows=rows), per_run(ds, y, rows=rows)
    keep = usable(ds, across, up)
    found = spearman(ds, x, y, rows, confidence)
    fig = go.Figure()
    labels = [str(label) for label in ds["run"].values]
    shown = [number for number in range(len(labels)) if keep[number].any()]
    apart = 1 < len(shown) <= MOST_LINES
    for place, number in enumerate(shown):
        look = style(place)
        fig.add_scatter(
            x=across[number][keep[number]], y=up[number][keep[number]], mode="markers",
            name=plain(labels[number]) if apart else "runs", showlegend=apart, cliponaxis=False,
            legendgroup=plain(labels[number]),
            marker=dict(color=look.colour if apart else BLUE, size=6, opacity=0.85,
                        symbol=look.symbol if apart else "circle"),
            text=[plain(f"{labels[number]}, seed {s}") for s in ds["seed"].values[keep[number]]],
            hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        )  # fmt: skip
    _axis_across(fig, across[keep])
    scale = " (log scale)" if fig.layout.xaxis.type == "log" else ""
    fig.update_xaxes(title_text=f"{with_units(ds, x)}{scale}")
    fig.update_yaxes(title_text=_accuracy_words(ds, y, rows))
    interval = f"{100 * confidence:g} % interval [{found.low:.2f}, {found.high:.2f}]"
    note = f"Spearman ρ {found.rho:.2f}, {interval}, n = {found.n}"
    add_notes(fig, [(note.replace("-", "−"), "")])
    dress_for(fig, screen=360, single=225) if apart else dress(fig, height=400, single=260)
    left_out = int(np.isfinite(across).sum() - keep.sum())
    told = (
        f"Spearman's rho {found.rho:.3f}, {100 * confidence:g} % interval {found.low:.3f} to "
        f"{found.high:.3f} (bias-corrected and accelerated bootstrap over runs), {found.n} runs"
    )
    if left_out:
        told += f"; {left_out} more are left out, unfinished or without both numbers"
    fig.layout.meta = dict(fig.layout.meta or {}) | {"told": [f"{told}."]}
    return fig


def _axis_across(fig: go.Figure, values: np.ndarray) -> None:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > 30:
        places, ticks = log_ticks(low, high)
        margin = 0.04 * np.log10(high / low)
        ends = [np.log10(low) - margin, np.log10(high) + margin]
        fig.update_xaxes(type="log", tickvals=places, ticktext=ticks, range=ends)


def _accuracy_words(ds: xr.Dataset, y: str, rows: str) -> str:
    words = y.replace("_", " ")
    if "rows" in ds[y].dims:
        head, _, tail = words.rpartition(" ")
        words = f"{head} {ROWS_WORDS.get(rows, rows)} {tail}".strip()
    return with_units(ds, y, plain(words))
