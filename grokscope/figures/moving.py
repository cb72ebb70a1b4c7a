"""Moving a laid out figure into a box of a larger one: its axes, marks, legends and colour bars get new names there."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from grokscope.figures.data import series_name
from grokscope.figures.legend_rows import entries

REFERENCE = re.compile(r"(x|y)(\d*)( domain)?")
#: Of a colour bar, where plotly has it without being told: beside the panels, or above.
BESIDE, ABOVE = (1.02, 0.5), (0.5, 1.02)


@dataclass(frozen=True)
class Box:
    """Where a figure's panels stand in the whole, in pixels from its left and bottom.

    Attributes
    ----------
    left, bottom, across, high
        The panels.
    size
        The whole, across and high.
    """

    left: float
    bottom: float
    across: float
    high: float
    size: tuple[float, float]

    def x(self, share: float) -> float:
        """Return a share of the panels' width as one of the whole's."""
        return (self.left + share * self.across) / self.size[0]

    def y(self, share: float) -> float:
        """Return a share of the panels' height as one of the whole's."""
        return (self.bottom + share * self.high) / self.size[1]


@dataclass
class Moved:
    """What figures have become in the whole: traces, and the layout's parts."""

    traces: list[dict[str, Any]] = field(default_factory=list)
    layout: dict[str, Any] = field(default_factory=lambda: {"annotations": [], "shapes": []})
    taken: Counter[str] = field(default_factory=Counter)
    letters: dict[str, str] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """Return a new name: x, x2, x3, ... for axes, coloraxis, coloraxis2, ..., legend, legend2, ..."""
        self.taken[kind] += 1
        return kind if self.taken[kind] == 1 else f"{kind}{self.taken[kind]}"


def move(
    into: Moved, fig: go.Figure, letter: str, box: Box, legends: Mapping[str, dict[str, Any]],
    *, group: bool,
) -> None:  # fmt: skip
    """Add a figure.

    Parameters
    ----------
    into
        The whole.
    fig
        The figure, laid out, its panels at 0 to 1 across and up.
    letter
        Its letter, which keeps apart what groups of the legend switch.
    box
        Where its panels go.
    legends
        Its legends by name, with their places in the whole.
    group
        Whether a legend is shared: entries then switch what has their name in all figures.
    """
    known = fig.layout.to_plotly_json()
    axes = _axes(into, fig, known)
    into.letters |= {new: letter for old, new in axes.items() if old[0] == "y"}
    for old, new in axes.items():
        key = f"{old[0]}axis{old[1:]}"
        moved = _axis(dict(known.get(key, {})), old[0], axes, box)
        into.layout[f"{new[0]}axis{new[1:]}"] = moved
    scales = {old: into.name("coloraxis") for old in _scales(fig)}
    for old, new in scales.items():
        scale = dict(known.get(old, {}))
        into.layout[new] = scale | {"colorbar": _bar(scale.get("colorbar"), box)}
    named = {old: into.name("legend") for old in legends}
    into.layout |= {named[old]: legend for old, legend in legends.items()}
    shown = {id(item) for item in entries(fig)}
    for trace in fig.data:
        if trace.visible is not False:
            moved = _trace(trace, letter, axes, scales, box, group=group)
            moved["showlegend"] = id(trace) in shown and bool(legends)
            moved["legend"] = named.get(trace.legend or "legend", "legend")
            into.traces.append(moved)
    for kind in ("annotations", "shapes"):
        for item, mark in zip(fig.layout[kind], known.get(kind, ()), strict=True):
            mark = _mark(dict(mark), axes, box)
            if kind == "shapes" and mark.get("showlegend"):
                mark["showlegend"] = id(item) in shown and bool(legends)
                mark["legend"] = named.get(item.legend or "legend", "legend")
            into.layout[kind].append(mark)


def _axes(into: Moved, fig: go.Figure, known: Mapping[str, Any]) -> dict[str, str]:
    """Return old name -> new name of the axes that are there, x and y in the order of their numbers."""
    found = {key.replace("axis", "") for key in known if re.fullmatch(r"[xy]axis\d*", key)}
    for trace in fig.data:
        found |= {trace.xaxis or "x", trace.yaxis or "y"}
    order = sorted(found, key=lambda name: (name[0], int(name[1:] or 1)))
    return {old: into.name(old[0]) for old in order}


def _scales(fig: go.Figure) -> list[str]:
    """Return the names of the colour axes that are drawn with."""
    holders = [
        h for t in fig.data for h in (t, t.marker if "marker" in t else t) if "coloraxis" in h
    ]
    return sorted({holder.coloraxis for holder in holders if holder.coloraxis})


def _axis(axis: dict[str, Any], letter: str, axes: Mapping[str, str], box: Box) -> dict[str, Any]:
    put = box.x if letter == "x" else box.y
    axis["domain"] = [put(float(end)) for end in axis.get("domain") or (0.0, 1.0)]
    axis.setdefault("anchor", "y" if letter == "x" else "x")
    if axis.get("range"):
        # plotly 4.1 forgets to fit other axes to their data beside such a pair.
        axis.pop("matches", None)
    for name in ("anchor", "matches", "overlaying", "scaleanchor"):
        if axis.get(name) in axes:
            axis[name] = axes[axis[name]]
    if "position" in axis:
        axis["position"] = (box.y if letter == "x" else box.x)(float(axis["position"]))
    return axis | {"automargin": False}


def _bar(bar: Mapping[str, Any] | None, box: Box) -> dict[str, Any]:
    bar = dict(bar or {})
    level = bar.get("orientation") == "h"
    x, y = ABOVE if level else BESIDE
    extent = box.across / box.size[0] if level else box.high / box.size[1]
    bar |= {"x": box.x(float(bar.get("x", x))), "y": box.y(float(bar.get("y", y)))}
    bar |= {"xpad": 0, "ypad": 0}
    if bar.get("lenmode") != "pixels":
        bar["len"] = bar.get("len", 1.0) * extent
    return bar


def _trace(
    trace: Any, letter: str, axes: Mapping[str, str], scales: Mapping[str, str], box: Box, *, group: bool
) -> dict[str, Any]:  # fmt: skip
    moved: dict[str, Any] = trace.to_plotly_json()
    moved["xaxis"], moved["yaxis"] = axes[trace.xaxis or "x"], axes[trace.yaxis or "y"]
    moved["name"] = trace.name or series_name(trace)
    if group:
        moved["legendgroup"] = trace.name or trace.legendgroup
    elif trace.legendgroup:
        moved["legendgroup"] = f"{letter} {trace.legendgroup}"
    for holder in (moved, moved.get("marker", {})):
        if holder.get("coloraxis") in scales:
            holder["coloraxis"] = scales[holder["coloraxis"]]
        elif "colorbar" in holder or (trace.type == "heatmap" and holder is moved):
            holder["colorbar"] = _bar(holder.get("colorbar"), box)
    if trace.type == "bar" and trace.offset is None and trace.offsetgroup is None:
        overlaid = (trace.parent.layout.barmode or "group") != "group"
        moved["offsetgroup"] = f"{letter} {'' if overlaid else moved['name']}"
        moved["alignmentgroup"] = letter
    return moved


def _mark(mark: dict[str, Any], axes: Mapping[str, str], box: Box) -> dict[str, Any]:
    """Move an annotation or a shape: its axes get their new names, shares of the figure become those of the whole."""
    for letter, put in (("x", box.x), ("y", box.y)):
        name = f"{letter}ref"
        reference = mark.get(name, letter)
        found = REFERENCE.fullmatch(reference)
        if found and found[1] + found[2] in axes:
            mark[name] = axes[found[1] + found[2]] + (found[3] or "")
        elif reference == "paper":
            for end in (letter, f"{letter}0", f"{letter}1"):
                if end in mark:
                    mark[end] = put(float(mark[end]))
    return mark
