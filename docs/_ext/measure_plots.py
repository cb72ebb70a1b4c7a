"""The small plots of the catalogue: a run that groks beside its control, drawn by matplotlib as SVG within the page.

Text and axes have the page's own colour, so that dark mode is readable; lines have colours of Okabe and
Ito 2008 that differ for the colour-blind and stand out from white and from black, and dashes of their own.
"""

import html
import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measure_rows import RUNS, Line, Row, pair_of, rows_of, stored

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("solid", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
PAGE = "#123456"
"""Stands for the page's own colour of text until the file is written."""
EVENTS = {
    "memorised": ("M", "memorised"),
    "circuit_onset": ("O", "circuit onset"),
    "circuit_formed": ("F", "circuit formed"),
    "grokked_99": ("G", "grokked (99 %)"),
}
STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8,
    "text.color": PAGE,
    "axes.edgecolor": PAGE,
    "axes.labelcolor": PAGE,
    "xtick.color": PAGE,
    "ytick.color": PAGE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "mathtext.default": "regular",
}
INCHES = (3.4, 1.6)
ROUNDED = re.compile(r"-?\d+\.\d{2,}")


def titles(measure: Any) -> dict[str, str]:
    """Return what each of the two runs does."""
    told = stored()[1][pair_of(measure)]
    decay = told["control"]["weight_decay"]
    return {"groks": "groks", "control": f"does not grok (weight decay {decay:g})"}


def plot_html(measure: Any) -> str:
    """Return all rows of a measure's plot as html; nothing where it has none."""
    rows, _ = rows_of(measure)
    parts = []
    for number, row in enumerate(rows):
        axis, limits = scale_of(row)
        drawn = [
            svg(measure, row, run, axis, limits, f"{measure.name}-{number}-{run}") for run in RUNS
        ]
        keys = "".join(key(line, place) for place, line in enumerate(row.lines))
        parts.append(
            f'<div class="measure-key">{keys}</div><div class="measure-pair">{"".join(drawn)}</div>'
        )
    return f'<div class="measure-plot">{"".join(parts)}</div>' if parts else ""


def key(line: Line, place: int) -> str:
    """Return one entry of the legend: a piece of the line, and what it is."""
    dash = {0: "", 1: "5 2", 2: "1.5 1.5", 3: "5 1.5 1.5 1.5"}[place % 4]
    colour = COLOURS[place % 4]
    sample = (
        f'<svg width="26" height="8" aria-hidden="true"><path d="M0 4H26" stroke="{colour}" '
        f'stroke-width="2" stroke-dasharray="{dash}"/></svg>'
    )
    return f"<span>{sample} {html.escape(line.label)}</span>"


def scale_of(row: Row) -> tuple[str, tuple[float, float]]:
    """Return which axis the values of both runs ask for, log where they are positive over two decades, and its ends."""
    every = [v for line in row.lines for run in RUNS for v in _edges(line, run)]
    values = np.concatenate([np.ravel(v) for v in every])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > 100:
        return "log", (low / 1.5, high * 1.5)
    room = 0.06 * (high - low) or max(0.05 * abs(high), 1e-6)
    return "linear", (low - room, high + room)


def svg(measure: Any, row: Row, run: str, axis: str, limits: tuple[float, float], name: str) -> str:
    """Return one axis as an SVG element with its own words for who cannot see it."""
    arrays, told = stored()
    pair = pair_of(measure)
    steps = arrays[f"{pair}/{run}/step"]
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.subplots()
        for place, line in enumerate(row.lines):
            _draw(axes, steps, line, run, place)
        axes.set_yscale(axis)
        axes.set_ylim(limits)
        axes.set_xlim(0, max(steps))
        axes.set_xlabel("step")
        axes.set_ylabel({"1": "value (1)", "": "value"}.get(row.units, row.units))
        axes.set_title(titles(measure)[run], loc="left", fontsize=8, pad=18)
        _mark_events(axes, told[pair][run]["events"])
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return cleaned(out.getvalue(), alternative(measure, row, run, steps))


def _draw(axes: Axes, steps: np.ndarray, line: Line, run: str, place: int) -> None:
    look = {"color": COLOURS[place % 4], "linestyle": DASHES[place % 4], "linewidth": 1.2}
    if run in line.low:
        axes.fill_between(
            steps, line.low[run], line.high[run], color=look["color"], alpha=0.25, linewidth=0
        )
    there = np.isfinite(line.middle[run])  # what is measured at few steps is joined over the gaps
    axes.plot(steps[there], line.middle[run][there], **look)


def _mark_events(axes: Axes, events: dict[str, list[int | None]]) -> None:
    """Draw a thin line at each event, and its letter above; a second row of letters where two would touch."""
    span = axes.get_xlim()[1]
    taken: list[float] = []
    for name, (_, high) in sorted(events.items(), key=lambda item: item[1][1] or 0):
        if high is None:
            continue
        axes.axvline(high, color=PAGE, linewidth=0.6, linestyle=(0, (2, 2)), alpha=0.8)
        lift = 9 if taken and high - taken[-1] < 0.04 * span else 1
        place = (high, 1.0)
        axes.annotate(
            EVENTS[name][0],
            place,
            xycoords=("data", "axes fraction"),
            xytext=(0, lift),
            textcoords="offset points",
            ha="center",
            fontsize=7,
        )
        taken = [*taken, high] if lift == 1 else []


def alternative(measure: Any, row: Row, run: str, steps: np.ndarray) -> str:
    """Return in words what the axis shows: each line's beginning and end, and when it was greatest."""
    told = []
    for line in row.lines:
        values = line.middle[run]
        there = np.flatnonzero(np.isfinite(values))
        if not len(there):
            told.append(f"{line.label}: not known")
            continue
        first, last, top = there[0], there[-1], there[np.nanargmax(values[there])]
        told.append(
            f"{line.label}: {values[first]:.3g} at step {steps[first]}, {values[last]:.3g} at step "
            f"{steps[last]}, at most {values[top]:.3g} at step {steps[top]}"
        )
    return f"{measure.name} of a run that {titles(measure)[run]}. {'; '.join(told)}."


def cleaned(text: str, words: str) -> str:
    """Return the SVG for a page: the page's colour, no fixed size, one decimal, and its words."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace(PAGE, "currentColor")
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would hold for the page
    body = re.sub(r'<g id="[^"]*">', "<g>", body)
    body = re.sub(r"<[^>]*>", lambda tag: ROUNDED.sub(_one_decimal, tag.group()), body)
    body = re.sub(r"font-family: [^;\"]*", "font-family: inherit", body)
    view = re.search(r'viewBox="([^"]*)"', body)
    assert view
    shown = html.escape(words, quote=True)
    head = f'<svg class="measure-svg" viewBox="{view[1]}" role="img" aria-label="{shown}">'
    inner = body[body.index(">") + 1 :]
    return re.sub(r"\s*\n\s*", " ", f"{head}<title>{shown}</title>{inner}")


def _one_decimal(number: re.Match[str]) -> str:
    return f"{float(number.group()):.1f}".removesuffix(".0")


def _edges(line: Line, run: str) -> list[np.ndarray]:
    return [part[run] for part in (line.middle, line.low, line.high) if run in part]
