"""The data behind a figure as a tidy table, one row a point, read from the figure itself: just what is drawn."""

import csv
import html
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

#: The columns in their order; those that a figure does not fill are left out of its table, but the first four.
COLUMNS = (
    "panel", "series", "x", "y", "low", "high", "z", "colour", "text", "x_label", "y_label",
    "position", "shown", "x_title", "y_title", "z_title", "colour_title", "position_title",
)  # fmt: skip
ALWAYS = 4
#: A figure with more rows over all positions of its slider has those of the shown position only.
MOST_ROWS = 100_000
TAG = re.compile(r"</?(?:b|i|sub|sup|span|br|extra)\b[^>]*>")
DATA = ("x", "y", "z", "visible")

Row = dict[str, Any]


def table(fig: go.Figure) -> list[Row]:
    """Return what is drawn as rows, each a dict of the `COLUMNS` that it fills.

    panel
        Number of the panel, in the order of its axes; in a figure made by `panel`, its letter.
    series, x, y
        The legend's name of a line, bar or set of marks, and one point; a point that interrupts a
        line has empty numbers.
    low, high
        Of a band, in place of y.
    z
        The value of a cell of a heat map.
    colour
        The value that a mark's colour stands for.
    x_label, y_label
        What is written at a place on an axis that has words for numbers.
    position, shown
        Of a figure with a slider: the position, and 1 for the one that is drawn on paper.
    x_title, y_title, z_title, colour_title, position_title
        What these columns are, in the axes' own words, with units.
    """
    rows = [row for trace in fig.data for row in _rows(fig, trace)]
    return _positions(fig, rows) if fig.layout.sliders else rows


def csv_text(fig: go.Figure) -> str:
    """Return `table` as CSV: one line of column names, numbers that read back to the same float64, NaN as nothing."""
    rows = table(fig)
    columns = [
        name
        for number, name in enumerate(COLUMNS)
        if number < ALWAYS or any(row.get(name, "") != "" for row in rows)
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue()


def words(text: object) -> str:
    """Return a label of plotly's as plain text: without its tags, and & for &amp;."""
    broken = str(text).replace("<br>", " ")
    return " ".join(html.unescape(TAG.sub("", broken)).split())


def series_name(trace: Any) -> str:
    """Return the name of what a trace draws; of one without a name, its group and what its points are."""
    if trace.name:
        return words(trace.name)
    kind = trace.meta if isinstance(trace.meta, str) else ""
    return ", ".join(words(text) for text in (trace.legendgroup, kind) if text)


def _rows(fig: go.Figure, trace: Any) -> Iterator[Row]:
    """Return the rows of a trace as it is drawn; none of one that is hidden or only stands in the legend."""
    if trace.visible is False:
        return
    start = {"panel": _panel(fig, trace), "series": series_name(trace)}
    end = _titles(fig, trace)
    if trace.type == "heatmap":
        yield from _cells(fig, trace, start, end)
        return
    y = _values(trace.y)
    x = _values(trace.x) if trace.x is not None else list(range(len(y)))
    if not any(value != "" for value in x) or not any(value != "" for value in y):
        return
    if trace.type == "scatter" and trace.fill == "toself":
        band = _band(x, y)
        if band is not None:
            for place, low, high in band:
                yield start | {"x": place, "low": low, "high": high} | end
            return
    columns = {"x": x, "y": y} | _labels(fig, trace, x, y) | _marks(trace, len(x))
    for values in zip(*columns.values(), strict=True):
        yield start | dict(zip(columns, values, strict=True)) | end


def _cells(fig: go.Figure, trace: Any, start: Row, end: Row) -> Iterator[Row]:
    z = np.asarray(trace.z)
    x = _values(trace.x) if trace.x is not None else list(range(z.shape[1]))
    y = _values(trace.y) if trace.y is not None else list(range(z.shape[0]))
    labels = _labels(fig, trace, x, y)
    for row, values in enumerate(z):
        for column, value in enumerate(_values(values)):
            yield (
                start
                | {"x": x[column], "y": y[row], "z": value}
                | {name: labels[name][row if name[0] == "y" else column] for name in labels}
                | end
            )


def _values(values: Any) -> list[Any]:
    """Return numbers and words as they stand in CSV: NaN as nothing, others to be read back exactly."""
    found = values.tolist() if isinstance(values, np.ndarray) else list(values or ())
    return [_value(value) for value in found]


def _value(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return value if isinstance(value, int) else words(value)


def _band(x: Sequence[Any], y: Sequence[Any]) -> list[tuple[Any, Any, Any]] | None:
    """Return (x, low, high) of an outline that goes along one edge and back along the other; None of other outlines."""
    rows: list[tuple[Any, Any, Any]] = []
    for part in _stretches(x, y):
        half = len(part) // 2
        there, back = part[:half], part[half:][::-1]
        if len(part) % 2 or [x[i] for i in there] != [x[i] for i in back]:
            return None
        for one, other in zip(there, back, strict=True):
            low, high = sorted((y[one], y[other]), key=float)
            rows.append((x[one], low, high))
    return rows


def _stretches(x: Sequence[Any], y: Sequence[Any]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    for number, (across, up) in enumerate(zip(x, y, strict=True)):
        if across == "" or up == "":
            parts.append([])
        else:
            parts[-1].append(number)
    return [part for part in parts if part]


def _labels(fig: go.Figure, trace: Any, x: Sequence[Any], y: Sequence[Any]) -> dict[str, list[str]]:
    """Return the words that stand at the places, for the axes that have words for numbers."""
    found: dict[str, list[str]] = {}
    for name, places in (("x", x), ("y", y)):
        axis = _axis(fig, trace, name)
        if axis.ticktext is None or axis.tickvals is None or axis.type == "log":
            continue
        known = {
            float(at): words(text) for at, text in zip(axis.tickvals, axis.ticktext, strict=True)
        }
        if any(text != _plain_number(at) for at, text in known.items()):
            found[f"{name}_label"] = [
                "" if place == "" else known.get(float(place), "") for place in places
            ]
    return found


def _plain_number(value: float) -> str:
    return f"{value:,g}"


def _marks(trace: Any, count: int) -> dict[str, list[Any]]:
    """Return the columns of what marks say beside their place: colour as a number, text that is written."""
    found: dict[str, list[Any]] = {}
    colour = trace.marker.color if "marker" in trace else None
    if isinstance(colour, (tuple, list, np.ndarray)) and np.asarray(colour).dtype.kind in "iuf":
        found["colour"] = _values(colour)
    if trace.type == "scatter" and "text" in (trace.mode or "") and trace.text is not None:
        text = trace.text
        found["text"] = [words(text)] * count if isinstance(text, str) else _values(text)
    return found


def _titles(fig: go.Figure, trace: Any) -> Row:
    titles = {f"{name}_title": _axis(fig, trace, name).title.text for name in ("x", "y")}
    if trace.type == "heatmap":
        own = trace.colorbar.title.text
        titles["z_title"] = own or fig.layout[trace.coloraxis or "coloraxis"].colorbar.title.text
    elif "marker" in trace and trace.marker.colorbar.title.text:
        titles["colour_title"] = trace.marker.colorbar.title.text
    return {name: words(text) for name, text in titles.items() if text}


def _axis(fig: go.Figure, trace: Any, name: str) -> Any:
    """Return a trace's axis; of panels in line, the one with a title speaks for those without."""
    number = (trace[f"{name}axis"] or name)[1:]
    axis = fig.layout[f"{name}axis{number}"]
    if axis.title.text:
        return axis
    others = fig.select_xaxes() if name == "x" else fig.select_yaxes()
    same = (_letter(fig, axis), axis.domain)
    in_line = (a for a in others if a.title.text and (_letter(fig, a), a.domain) == same)
    return next(in_line, axis)


def _letter(fig: go.Figure, axis: Any) -> str | None:
    """Return the letter of the figure that an axis is of, in a figure of several."""
    letters: Mapping[str, str] = (fig.layout.meta or {}).get("letters", {})
    own = axis.plotly_name.replace("axis", "")
    return letters.get(own if own[0] == "y" else axis.anchor or "y")


def _panel(fig: go.Figure, trace: Any) -> str:
    """Return the panel of a trace: the place of its axes among those that are drawn on."""
    pairs = list(dict.fromkeys((t.xaxis or "x", t.yaxis or "y") for t in fig.data))
    mine = (trace.xaxis or "x", trace.yaxis or "y")
    letters: Mapping[str, str] = (fig.layout.meta or {}).get("letters", {})
    if mine[1] not in letters:
        return str(pairs.index(mine) + 1)
    letter = letters[mine[1]]
    within = [pair for pair in pairs if letters.get(pair[1]) == letter]
    return letter if len(within) == 1 else f"{letter}.{within.index(mine) + 1}"


def _positions(fig: go.Figure, drawn: list[Row]) -> list[Row]:
    """Return the rows over all positions of a slider, the shown one first; of too many, those of the shown one."""
    slider = fig.layout.sliders[0]
    active = slider.active or 0
    told = {"position_title": slider.name} if slider.name else {}
    shown = [
        row | {"position": words(slider.steps[active].label), "shown": 1} | told for row in drawn
    ]
    if len(shown) * len(slider.steps) > MOST_ROWS:
        return shown
    rows, moving = shown, go.Figure(fig)
    moving.layout.sliders = []
    for number, step in enumerate(slider.steps):
        if number != active:
            changed = _move(moving, step)
            place = {"position": words(step.label), "shown": 0} | told
            rows += [row | place for i in changed for row in _rows(moving, moving.data[i])]
    return rows


def _move(fig: go.Figure, step: Any) -> list[int]:
    """Restyle a figure as a step of its slider does; return the positions of the traces that it restyles."""
    where = step.args[-1]
    changed = list(where) if isinstance(where, (list, tuple)) else list(range(len(fig.data)))
    for name, values in step.args[0].items():
        if name in DATA:
            for number, trace in enumerate(changed):
                fig.data[trace][name] = values[number % len(values)]
    if step.method == "update":
        for name, value in step.args[1].items():
            if name.endswith("title.text"):
                fig.layout[name] = value
    return changed
