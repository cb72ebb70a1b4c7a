"""Phases as shaded, named bands and events as thin lines with their interval, on any step axis."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.header import set_header
from grokscope.figures.sheet import SCREEN
from grokscope.transitions.transition import Transition, Transitions

#: Events that are drawn as lines unless a figure is told otherwise.
MAIN_EVENTS = (
    "memorised", "circuit_onset", "off_chance", "circuit_formed", "grokked_99", "cleanup",
    "collapsed", "diverged",
)  # fmt: skip

TINTS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#0072B2")
#: Strong and weak in turn: neighbours differ in lightness, so in grey, and to a deuteranope.
OPACITIES = (0.35, 0.14, 0.28, 0.12, 0.25)


def event_words(name: str) -> str:
    """Return an event's name for reading: `grokked_99` is "grokked 99 %"."""
    words = name.removesuffix("_current").replace("_", " ")
    head, _, tail = words.rpartition(" ")
    words = f"{head} {tail} %" if tail.isdigit() else words
    return f"{words} (current keys)" if name.endswith("_current") else words


def interval_words(event: Transition) -> str:
    """Return where the event lies: "1,800 < step ≤ 1,900", or that it was not seen."""
    if event.censored:
        return "never looked at" if event.low is None else f"not seen up to step {event.low:,}"
    if event.low is None:
        return f"seen at the first evaluation, step {event.high:,}"
    return f"{event.low:,} < step ≤ {event.high:,}"


def set_step_axis(
    fig: go.Figure, steps: tuple[float, float], *, log_steps: bool, bottom: int = 1
) -> None:
    """Fix the step axes' range and put their title under panel number `bottom`."""
    low, high = steps
    if log_steps:
        low = max(low, min(1.0, high)) if low <= 0 else low
        fig.update_xaxes(type="log", range=[math.log10(low), math.log10(high)], dtick=1)
    else:
        fig.update_xaxes(range=[low, high], separatethousands=True, exponentformat="none", nticks=6)
    words = "training step (log scale)" if log_steps else "training step"
    fig.update_xaxes(title_text=words, selector=lambda axis: axis.plotly_name == _axis(bottom))


def mark(
    fig: go.Figure,
    transitions: Transitions | None,
    steps: tuple[float, float],
    *,
    panels: int = 1,
    log_steps: bool = False,
    events: Sequence[str] = MAIN_EVENTS,
    bands: bool = True,
) -> None:
    """Draw phases and events on `panels` stacked panels that share one step axis.

    `bands=False` draws lines only, no phases and no intervals, for heat maps, where a tint would change what is read.
    """
    set_step_axis(fig, steps, log_steps=log_steps, bottom=panels)
    if transitions is None:
        return
    axis = _Axis(steps, log_steps)
    meta: dict[str, Any] = dict(fig.layout.meta or {})
    meta["phases"] = _draw_phases(fig, transitions.phases(), axis, panels) if bands else []
    chosen = [event for event in transitions if event.name in events]
    colour = "#333333" if bands else "#FFFFFF"
    meta["events"] = _draw_events(fig, chosen, axis, panels, colour, intervals=bands)
    fig.layout.meta = meta
    set_header(fig, SCREEN)


class _Axis:
    """Where a step lies along the axis, 0 (left) to 1 (right)."""

    def __init__(self, steps: tuple[float, float], log: bool) -> None:
        self.low, self.high, self.log = steps[0], steps[1], log
        if log and self.low <= 0:
            self.low = min(1.0, self.high)

    def inside(self, step: float) -> float:
        return min(max(step, self.low), self.high)

    def share(self, step: float) -> float:
        if self.log:
            low, high, step = (math.log10(x) for x in (self.low, self.high, self.inside(step)))
        else:
            low, high, step = self.low, self.high, self.inside(step)
        return (step - low) / (high - low) if high > low else 0.0


def _axis(panel: int) -> str:
    return "xaxis" if panel == 1 else f"xaxis{panel}"


def _letters(panel: int) -> tuple[str, str]:
    number = "" if panel == 1 else str(panel)
    return f"x{number}", f"y{number} domain"


def _draw_phases(
    fig: go.Figure, phases: Sequence[tuple[str, int, int]], axis: _Axis, panels: int
) -> list[tuple[str, float, str]]:
    """Shade the phases; return the name, place (share of the axis) and colour of each."""
    drawn: list[tuple[str, float, str]] = []
    for name, start, end in phases:
        left, right = axis.inside(float(start)), axis.inside(float(end))
        if right <= left:
            continue
        colour, opacity = TINTS[len(drawn) % len(TINTS)], OPACITIES[len(drawn) % len(TINTS)]
        for panel in range(1, panels + 1):
            x, y = _letters(panel)
            fig.add_shape(
                name=f"phase {name}", type="rect", xref=x, yref=y, x0=left, x1=right, y0=0, y1=1,
                layer="below", line_width=0, fillcolor=colour, opacity=opacity,
            )  # fmt: skip
        drawn.append((name, axis.share(left), colour))
    return drawn


def _draw_events(
    fig: go.Figure,
    events: Sequence[Transition],
    axis: _Axis,
    panels: int,
    colour: str,
    intervals: bool,
) -> list[tuple[int, str, float]]:
    """Draw a line where each event was first seen; return each one's number, name and place."""
    drawn: list[tuple[int, str, float]] = []
    for event in sorted((e for e in events if e.high is not None), key=lambda e: e.high or 0):
        high = float(event.high or 0)
        low = axis.inside(high if event.low is None else float(event.low))
        if not axis.low <= high <= axis.high:
            continue
        for panel in range(1, panels + 1):
            x, y = _letters(panel)
            fig.add_shape(
                name=event.name, type="line", xref=x, yref=y, x0=high, x1=high, y0=0, y1=1,
                line=dict(color=colour, width=0.8, dash="dot"),
            )  # fmt: skip
            if intervals and low < high:
                fig.add_shape(
                    name=f"interval {event.name}", type="rect", xref=x, yref=y, x0=low, x1=high,
                    y0=0, y1=1, line_width=0, fillcolor=colour, opacity=0.12,
                )  # fmt: skip
        drawn.append((len(drawn) + 1, event_words(event.name), axis.share(high)))
    return drawn
