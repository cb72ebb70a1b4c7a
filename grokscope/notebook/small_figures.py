"""Small figures as inline SVG: curves with events, and the intervals of events along the steps.

They take their text's colour from the page around them, and the curves' colours are readable on light and on dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num
from markupsafe import Markup
from numpy import ndarray

from grokscope.transitions.transition import Transition

WIDTH, HEIGHT, GAP, LEFT = 300, 92, 24, 44
TOP, BOTTOM = 16, 18
MOST_POINTS = 240
COLOURS = {"train": "#2F8FD0", "test": "#E0701F", "test_twin_free": "#10A27B", "all": "#8C8C8C"}
WORDS = {"train": "train", "test": "test", "test_twin_free": "test, twin-free", "all": "all"}


@dataclass(frozen=True)
class Panel:
    """One panel of curves.

    Attributes
    ----------
    title
        Above it.
    steps
        Of all its curves.
    curves
        Name of the set of rows -> values.
    log
        Whether the vertical axis is logarithmic.
    """

    title: str
    steps: Num[ndarray, " step"]
    curves: dict[str, Num[ndarray, " step"]]
    log: bool = False


def curves(panels: Sequence[Panel], events: Sequence[tuple[str, int]], alternative: str) -> Markup:
    """Return panels side by side over the same steps, with a dotted line at each event, and a legend below."""
    shown = [panel for panel in panels if any(np.isfinite(v).any() for v in panel.curves.values())]
    if not shown:
        return Markup("")
    width = len(shown) * (LEFT + WIDTH + GAP)
    parts = [
        _panel(panel, number * (LEFT + WIDTH + GAP) + LEFT, events)
        for number, panel in enumerate(shown)
    ]
    names = list(dict.fromkeys(name for panel in shown for name in panel.curves))
    legend = Markup("").join(
        Markup('<tspan fill="{}" font-weight="600">{}</tspan><tspan>  </tspan>').format(
            COLOURS.get(name, COLOURS["all"]), WORDS.get(name, name)
        )
        for name in names
    )
    marks = "; ".join(f"{number} {name}" for number, (name, _) in enumerate(events, start=1))
    below = HEIGHT + TOP + BOTTOM
    parts.append(Markup('<text x="{}" y="{}">{}</text>').format(LEFT, below + 12, legend))
    if marks:
        parts.append(Markup('<text x="{}" y="{}">{}</text>').format(LEFT, below + 27, marks))
    return _svg(width, below + (32 if marks else 17), alternative, parts)


def intervals(events: Sequence[Transition], last: int) -> Markup:
    """Return one row for each event that was seen: a bar over its interval, along the steps from 0 to `last`."""
    seen = [event for event in events if event.high is not None]
    if not seen or last <= 0:
        return Markup("")
    left, row = 150, 15
    parts = [_text(left - 6, 11 + row * i, e.name, "end") for i, e in enumerate(seen)]
    for i, event in enumerate(seen):
        high = event.high or 0
        low = 0 if event.low is None else event.low
        x0, x1 = (left + WIDTH * step / last for step in (low, high))
        parts.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="currentColor" opacity=".2"/>'
                '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="9" fill="{}"><title>{} {}</title></rect>'
            ).format(
                left,
                left + WIDTH,
                x0,
                row * i + 2.5,
                max(x1 - x0, 2.0),
                COLOURS["train"],
                event.name,
                event.when,
                y=row * i + 7,
            )
        )
    bottom = row * len(seen) + 12
    parts += [_text(left, bottom, "0", "start"), _text(left + WIDTH, bottom, f"{last:,}", "end")]
    words = ", ".join(f"{event.name} {event.when}" for event in seen)
    return _svg(left + WIDTH + 10, bottom + 5, f"Events along the steps: {words}", parts)


def _panel(panel: Panel, left: int | float, events: Sequence[tuple[str, int]]) -> Markup:
    finite = np.concatenate(
        [v[np.isfinite(v) & (v > 0 if panel.log else True)] for v in panel.curves.values()]
    )
    if not finite.size:
        return Markup("")
    low, high = (
        (float(finite.min()), float(finite.max()))
        if panel.log
        else (0.0, max(1.0, float(finite.max())))
    )
    if panel.log:
        low, high = math.log10(low), math.log10(high)
    high = high if high > low else low + 1
    first, last = float(panel.steps.min()), float(panel.steps.max())
    last = last if last > first else first + 1

    def x(step: int | float) -> float:
        return left + WIDTH * (step - first) / (last - first)

    def y(value: Float[ndarray, " point"]) -> Float[ndarray, " point"]:
        return TOP + HEIGHT * (1 - (value - low) / (high - low))

    parts = [
        _text(left, TOP - 5, panel.title, "start"),
        Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="none" stroke="currentColor" opacity=".35"/>').format(
            left, TOP, WIDTH, HEIGHT
        ),
    ]  # fmt: skip
    for value, at in ((low, TOP + HEIGHT), (high, TOP + 8)):
        words = f"{10**value:.2g}" if panel.log else f"{value:.2g}"
        parts.append(_text(left - 4, at, words, "end"))
    parts += [
        _text(left, TOP + HEIGHT + 13, f"{first:,.0f}", "start"),
        _text(left + WIDTH, TOP + HEIGHT + 13, f"{last:,.0f} steps", "end"),
    ]
    for number, (_, step) in enumerate(events, start=1):
        if first <= step <= last:
            parts.append(
                Markup(
                    '<line x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}" stroke="currentColor" '
                    'stroke-dasharray="2 2" opacity=".7"/>'
                ).format(TOP, TOP + HEIGHT, x=x(step))
            )
            parts.append(_text(x(step) + 2, TOP + 9 + 9 * ((number - 1) % 3), str(number), "start"))
    for name, values in panel.curves.items():
        kept = np.isfinite(values) & ((values > 0) if panel.log else True)
        steps, values = panel.steps[kept].astype(np.float64), values[kept].astype(np.float64)
        if not len(steps):
            continue
        chosen = np.unique(np.linspace(0, len(steps) - 1, MOST_POINTS).astype(int))
        points = y(np.log10(values[chosen]) if panel.log else values[chosen])
        path = " ".join(
            f"{x(s):.1f},{p:.1f}" for s, p in zip(steps[chosen].tolist(), points, strict=True)
        )
        parts.append(
            Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="1.5"/>').format(
                path, COLOURS.get(name, COLOURS["all"])
            )
        )
    return Markup("").join(parts)


def _text(x: int | float, y: int | float, words: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, words
    )


def _svg(
    width: int | float, height: int | float, alternative: str, parts: Sequence[Markup]
) -> Markup:
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" '
        'style="max-width:100%;height:auto;display:block;margin:.4em 0" '
        'font-family="sans-serif" font-size="11" fill="currentColor">{}</svg>'
    ).format(alternative, width, height, width, Markup("").join(parts))
