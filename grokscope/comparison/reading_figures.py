"""A figure of one run taken apart: its panels, and in each its curves, its bands and its constant lines.

Read from the plotly figure itself, so that any figure of a run can be compared, one that somebody adds too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from numpy import ndarray

from grokscope.comparison.seed_band import Curve

Kind = Literal["curve", "band", "constant"]
_STEPS = re.compile(r"\bsteps?\b", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Series:
    """What one trace draws.

    Attributes
    ----------
    name
        As in the legend.
    kind
        A curve; a band, filled between two curves; or a constant, such as chance.
    lower, upper
        (x, y), x ascending; the same for what is no band.
    colour, dash
        How it is drawn.
    """

    name: str
    kind: Kind
    lower: Curve
    upper: Curve
    colour: str | None
    dash: str


@dataclass(frozen=True, eq=False)
class Panel:
    """One panel: the title of its axis upwards, that axis, and what is drawn."""

    title: str
    axis: dict[str, Any]
    series: list[Series] = field(default_factory=list)


def is_over_steps(fig: go.Figure) -> bool:
    """Whether every panel of a figure has the training step across."""
    axes = {axis.plotly_name.replace("axis", ""): axis for axis in fig.select_xaxes()}
    used = {_x(trace) for trace in fig.data if _is_drawn(trace)}
    return bool(used) and all(_title_of(name, axes) for name in used)


def _title_of(name: str, axes: dict[str, Any]) -> bool:
    """Whether an axis, or one that it is matched with, has the step in its title."""
    root = axes[name].matches or name if name in axes else name
    family = [a for n, a in axes.items() if n in (name, root) or a.matches == root]
    return any(_STEPS.search(str(a.title.text or "")) for a in family)


def curves_of(fig: go.Figure) -> list[Panel] | None:
    """Return the panels of a figure that has curves over steps and nothing else, from the top; None for any other."""
    if not is_over_steps(fig):
        return None
    panels: dict[str, Panel] = {}
    named = {t.legendgroup for t in fig.data if t.legendgroup and t.showlegend is not False}
    axes = {axis.plotly_name.replace("axis", ""): axis for axis in fig.select_yaxes()}
    before: Series | None = None
    for trace in fig.data:
        if not _is_drawn(trace):
            continue
        series = _series(trace, before)
        if series is None:
            return None
        y = trace.yaxis or "y"
        axis = axes[y].to_plotly_json() if y in axes else {}
        title = (axis.get("title") or {}).get("text") or ""
        panel = panels.setdefault(y, Panel(title, axis))
        if trace.fill == "tonexty" and before is not None and before in panel.series:
            panel.series.remove(before)  # it was drawn to be filled to
        before = series
        # A band that the legend does not name belongs to one curve of one run.
        if series.kind != "band" or trace.showlegend is not False or trace.legendgroup in named:
            panel.series.append(series)
    top = {y: (axes[y].domain or (0, 1))[1] if y in axes else 1 for y in panels}
    return [panels[y] for y in sorted(panels, key=lambda y: -top[y])]


def _is_drawn(trace: Any) -> bool:
    """Whether a trace draws anything: not one that only stands in the legend, nor one that is switched off."""
    if trace.visible in (False, "legendonly"):
        return False
    x = getattr(trace, "x", None)
    return not (x is not None and all(value is None for value in x))


def _x(trace: Any) -> str:
    return getattr(trace, "xaxis", None) or "x"


def _series(trace: Any, before: Series | None) -> Series | None:
    if trace.type not in ("scatter", "scattergl") or trace.x is None or trace.y is None:
        return None
    x, y = _numbers(trace.x), _numbers(trace.y)
    if x is None or y is None or len(x) != len(y):
        return None
    name = str(trace.name or "")
    look = (
        trace.fillcolor if trace.fill else trace.line.color or trace.marker.color,
        trace.line.dash or "solid",
    )
    seen = np.isfinite(x) & np.isfinite(y)
    if trace.fill == "toself":
        lower, upper = _edges(x[seen], y[seen])
        return Series(name, "band", lower, upper, *look)
    if (np.diff(x[np.isfinite(x)]) <= 0).any() or not np.isfinite(x).all():
        return None
    own = x[seen], y[seen]
    if trace.fill == "tonexty" and before is not None:
        return Series(name, "band", before.lower, own, *look)
    if trace.fill not in (None, "none"):
        return None
    constant = len(x) == 2 and y[0] == y[1] and trace.hoverinfo == "skip"
    return Series(name, "constant" if constant else "curve", own, own, *look)


def _numbers(values: Iterable[Any]) -> Float[ndarray, " value"] | None:
    try:
        return np.asarray([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _edges(x: Float[ndarray, " point"], y: Float[ndarray, " point"]) -> tuple[Curve, Curve]:
    """Return the lower and the upper edge of a filled outline."""
    places, at = np.unique(x, return_inverse=True)
    low, high = np.full(len(places), np.inf), np.full(len(places), -np.inf)
    np.minimum.at(low, at, y)
    np.maximum.at(high, at, y)
    return (places, low), (places, high)
