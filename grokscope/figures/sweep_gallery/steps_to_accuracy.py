"""Steps until generalisation and until memorisation, against a field that varies."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.errors import RequestError
from grokscope.figures.declare import sweep_figure
from grokscope.figures.notes import add_notes
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.sweep_marks import (
    Style,
    event_definitions,
    event_label,
    field_across,
    legend_only,
    scale_of,
    set_field_axis,
    spread_sideways,
    styles,
)
from grokscope.figures.sweep_numbers.censored import event_bounds, median_steps
from grokscope.figures.sweep_numbers.growth import FIELD, Growth, growth_per_point
from grokscope.figures.sweep_numbers.settings import Line, lines
from grokscope.figures.theme import BLUE, GREY, VERMILLION
from grokscope.figures.ticks import log_ticks

MEMORISED = "memorised"


@sweep_figure(
    "Steps to generalise and to memorise, median over seeds",
    needs=[("event_low",)],
)
def steps_to_accuracy(
    ds: xr.Dataset,
    *,
    against: str | None = None,
    event: str = "grokked_99",
    fit: tuple[float, float] | None = None,
    color_by: str | None = None,
) -> go.Figure:
    """Training steps (logarithmic) until an event was first seen: validation accuracy of 99 %, and memorised.

    Each seed is a small mark, set a little sideways so that none hides another; lines join the medians over seeds.
    An open triangle that points up is a seed that had not got there by the last step looked at. Such seeds count as
    later in the median; where it lies beyond the last step itself, an arrow stands in place of the line. The dashed
    line is the fit of ln(median steps), linear in the share of training data, that gives the growth above the figure;
    its interval is a bootstrap over seeds.

    Parameters
    ----------
    ds
        A sweep's Dataset.
    against
        The field to draw across (default: `frac_train`, or the first number that varies).
    event
        The event beside "memorised", for example "grokked_90".
    fit
        Smallest and largest share of training data in the fit (default: all).
    color_by
        The field, or "case", that gives lines their colour, where more than one sets them apart.

    Raises
    ------
    RequestError
        For an unknown event, a field that does not vary, or too many lines.
    """
    across = field_across(ds, against)
    shown = lines(ds, across)
    looks = styles(shown, color_by)
    events = [name for name in dict.fromkeys((event, MEMORISED))
              if name == event or name in ds["event"].values]  # fmt: skip
    fig = go.Figure()
    values = np.concatenate([line.x for line in shown]) * scale_of(across)
    set_field_axis(fig, across, values)
    for number, look in enumerate(looks):
        for name in events:
            _draw(fig, ds, shown, number, look, name, across, event)
    if not fig.data:
        raise RequestError("no seed was looked at for these events", "runs that were trained")
    growths = _growths(ds, across, event, fit)
    _draw_fits(fig, growths, shown, looks)
    _legend(fig, events, event, alone=len(shown) == 1)
    _step_axis(fig, ds, shown, events)
    several = len(shown) > 1
    add_notes(fig, [_note(g, shown, looks, several=several) for g in growths])
    dress_for(fig, screen=360, single=225)
    meta = dict(fig.layout.meta or {})
    told = [*event_definitions(ds, events), *map(_told, growths)]
    fig.layout.meta = meta | {"told": told}
    return fig


def _draw(
    fig: go.Figure, ds: xr.Dataset, shown: Sequence[Line], number: int, look: Style, name: str,
    across: str, event: str,
) -> None:  # fmt: skip
    """Draw one event of one line: its seeds, its censored seeds, its medians, arrows for censored medians."""
    line, alone = shown[number], len(shown) == 1
    colour = look.colour
    if alone:
        colour = VERMILLION if name == event else BLUE
    symbol = look.symbol if name == event else f"{look.symbol}-open"
    low, high = (bounds[line.runs] for bounds in event_bounds(ds, name))
    if not np.isfinite(low).any():
        return
    log_x = fig.layout.xaxis.type == "log"
    x = line.x * scale_of(across)
    places = spread_sideways(x, ds.sizes["seed"], log_x, number, len(shown))
    seen, censored = np.isfinite(high), np.isinf(high)
    group = plain(line.name) if not alone else name
    for chosen, steps, mark, words in (
        (seen, high, dict(symbol=symbol, size=4 if name == event else 3.5), "first seen"),
        (censored, low, dict(symbol="triangle-up-open", size=6), "not seen by"),
    ):
        if chosen.any():
            fig.add_scatter(
                x=places[chosen], y=_on_axis(steps[chosen]), mode="markers", showlegend=False,
                meta=words, marker=dict(color=colour, opacity=0.75, **mark), legendgroup=group,
                cliponaxis=False, hovertemplate=f"{words} step %{{y:,}}<extra></extra>",
            )  # fmt: skip
    found = median_steps(ds, name)
    middle, least = found.high[line.runs], found.low[line.runs]
    known = np.isfinite(middle)
    fig.add_scatter(
        x=x, y=np.where(known, _on_axis(middle), np.nan), mode="lines+markers", legendgroup=group,
        name=plain(f"{line.name}, {event_label(name)}") if line.name else event_label(name),
        showlegend=False, connectgaps=False, marker=dict(color=colour, symbol=symbol, size=7),
        line=dict(color=colour, dash="solid" if name == event else "dot", width=1.6),
        hovertemplate="median step %{y:,}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
    for position in np.flatnonzero(np.isinf(middle)):
        fig.add_annotation(
            name="beyond", text="", showarrow=True, ax=0, ay=15, yshift=21, arrowhead=2,
            x=float((np.log10(places) if log_x else places)[position].mean()),
            y=np.log10(max(least[position], 1.0)), arrowcolor=colour, arrowwidth=1.6, arrowsize=0.8,
        )  # fmt: skip


def _on_axis(steps: np.ndarray) -> np.ndarray:
    """Return steps for a logarithmic axis: what was there at step 0 stands at step 1."""
    return np.maximum(steps, 1.0)


def _legend(fig: go.Figure, events: Sequence[str], event: str, *, alone: bool) -> None:
    """Name the lines by their own look, the events by line and filling, the triangle and the fit."""
    drawn = list(fig.data)
    if not alone:
        for trace in drawn:
            if trace.mode == "lines+markers" and trace.line.dash == "solid":
                name = str(trace.name).removesuffix(f", {event_label(event)}")
                legend_only(fig, name, line=dict(color=trace.line.color, width=1.6),
                            marker=trace.marker.to_plotly_json(), group=trace.legendgroup)  # fmt: skip
    for name in events:
        own = VERMILLION if name == event else BLUE
        colour, solid = own if alone else GREY, name == event
        legend_only(
            fig, f"{event_label(name)}, median",
            line=dict(color=colour, width=1.6, dash="solid" if solid else "dot"),
            marker=dict(color=colour, size=7, symbol="circle" if solid else "circle-open"),
            group=name if alone else "",
        )  # fmt: skip
    if any(trace.meta == "not seen by" for trace in drawn):
        legend_only(fig, "seed: not by the last step looked at",
                    marker=dict(symbol="triangle-up-open", size=6, color=GREY))  # fmt: skip
    if any(trace.name == "fit" for trace in drawn):
        legend_only(fig, "fit", line=dict(color="#333333", width=1, dash="dash"))


def _step_axis(
    fig: go.Figure, ds: xr.Dataset, shown: Sequence[Line], events: Sequence[str]
) -> None:
    runs = np.concatenate([line.runs for line in shown])
    found: list[float] = []
    for name in events:
        low, high = event_bounds(ds, name)
        ends = np.where(np.isinf(high), low, high)[runs]
        found += ends[np.isfinite(ends)].tolist()
    low_end, high_end = max(min(found), 1.0), max(max(found), 10.0)
    span = max(np.log10(high_end / low_end), 0.5)
    arrows = any(note.name == "beyond" for note in fig.layout.annotations)
    above = 0.2 if arrows else 0.06  # room for the arrows
    places, ticks = log_ticks(low_end, high_end)
    fig.update_yaxes(
        type="log", title_text="training steps (log scale)", tickvals=places, ticktext=ticks,
        range=[np.log10(low_end) - 0.06 * span, np.log10(high_end) + above * span],
    )  # fmt: skip


def _growths(
    ds: xr.Dataset, across: str, event: str, fit: tuple[float, float] | None
) -> list[Growth]:
    if across != FIELD:
        if fit is not None:
            raise RequestError(f"fit = {fit} across '{across}'", f"a fit across {FIELD}")
        return []
    try:
        return growth_per_point(ds, event, fit)
    except RequestError:
        if fit is not None:
            raise
        return []  # a sweep in which too little was learned still has its seeds to show


def _draw_fits(
    fig: go.Figure, growths: Sequence[Growth], shown: Sequence[Line], looks: Sequence[Style]
) -> None:
    for growth in growths:
        ends = np.array([growth.fractions.min(), growth.fractions.max()])
        colour = "#333333"
        if len(shown) > 1:
            colour = looks[[line.name for line in shown].index(growth.setting)].colour
        fig.add_scatter(
            x=100 * ends, y=growth.steps(ends), mode="lines", name="fit", showlegend=False,
            line=dict(color=colour, width=1, dash="dash"), hoverinfo="skip",
        )  # fmt: skip


def _note(
    growth: Growth, shown: Sequence[Line], looks: Sequence[Style], *, several: bool
) -> tuple[str, str]:
    ends = f"{100 * growth.fractions.min():g}\u2013{100 * growth.fractions.max():g} %"
    interval = f" [{growth.low:.3g}, {growth.high:.3g}]" if np.isfinite(growth.low) else ""
    text = f"{growth.percent:+.3g} % steps per point less data{interval}, {ends}"
    if not several:
        return text, ""
    look = looks[[line.name for line in shown].index(growth.setting)]
    return f"{growth.setting}: {text}", look.colour


def _told(growth: Growth) -> str:
    name = f"{growth.setting}: " if growth.setting else ""
    low, high = 100 * growth.fractions.min(), 100 * growth.fractions.max()
    told = (
        f"{name}{growth.percent:.1f} % more steps to {event_label(growth.event)} for one percentage "
        f"point less training data, {len(growth.fractions)} settings from {low:g} to {high:g} %"
    )
    if np.isfinite(growth.low):
        told += (
            f"; {100 * growth.confidence:g} % interval {growth.low:.1f} to {growth.high:.1f} %, "
            f"percentile bootstrap over {growth.n_seeds} seeds drawn together for all settings"
        )
    if growth.share_censored:
        told += (
            f"; in {growth.share_censored:.1%} of the draws a median lay beyond the last step and "
            "went in with that step"
        )
    return f"{told}."
