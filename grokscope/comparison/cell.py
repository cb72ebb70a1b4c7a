"""The part of a figure that one of several runs has, and how its axes, traces and notes move there."""

import re
from typing import Any

import numpy as np
import plotly.graph_objects as go

from grokscope.comparison.align import Alignment
from grokscope.comparison.member import Member
from grokscope.figures.series import plain

_AXIS = re.compile(r"^([xy])(\d*)$")
#: Notes of a figure that hold beside others too: panels' titles, and at which step it is.
KEPT_NOTES = ("step", None)


def reference(axis: Any) -> str:
    """Return the name by which traces refer to an axis: "yaxis2" is "y2"."""
    return str(axis.plotly_name).replace("axis", "")


def number_of(reference: str) -> int:
    """Return the number of an axis by that name: of "y2" it is 2, of "y" 1."""
    return int(reference[1:] or 1)


class Cell:
    """A run's part of a figure.

    Parameters
    ----------
    number
        The run's, from 0.
    panels
        How many panels a run may have.
    row, column
        (this one, how many, share of the whole between two).
    titles
        Pixels of the panels' titles above.
    """

    def __init__(
        self,
        number: int,
        panels: int,
        row: tuple[int, int, float],
        column: tuple[int, int, float],
        titles: int,
    ) -> None:
        self.number, self.titles = number, titles
        self.start = number * panels
        at, rows, gap = row
        height = (1 - gap * (rows - 1)) / rows
        self.top = 1 - at * (height + gap)
        self.bottom = self.top - height
        place, columns, between = column
        width = (1 - between * (columns - 1)) / columns
        self.left = place * (width + between)
        self.right = self.left + width
        self.is_left = place == 0

    def axis(self, name: str) -> str:
        """Return the new name of an axis: "y2" of the third run is "y6" where each has two panels."""
        found = _AXIS.match(name)
        if found is None:
            return name
        number = int(found[2] or 1) + self.start
        return found[1] + ("" if number == 1 else str(number))

    def across(self, share: float) -> float:
        """Return where a share of the run's own width lies in the whole figure."""
        return self.left + share * (self.right - self.left)

    def up(self, share: float) -> float:
        """Return where a share of the run's own height lies in the whole figure."""
        return self.bottom + share * (self.top - self.bottom)

    def put(self, fig: go.Figure, one: go.Figure, member: Member, align: Alignment | None) -> None:
        """Add the run's figure `one` to the whole, its steps aligned where an alignment is given."""
        for trace in one.data:
            if trace.visible is False:
                continue
            new = trace.to_plotly_json()
            new["xaxis"], new["yaxis"] = (
                self.axis(new.get("xaxis") or "x"), self.axis(new.get("yaxis") or "y"),
            )  # fmt: skip
            if align is not None and align.event is not None and new.get("x") is not None:
                x = np.array([np.nan if v is None else float(v) for v in trace.x])
                new["x"] = align.place(member, x)
            new["meta"] = {"run": member.name}
            fig.add_trace(new)
        self._put_axes(fig, one)
        self._put_notes(fig, one, member)

    def _put_axes(self, fig: go.Figure, one: go.Figure) -> None:
        for axis in (*one.select_xaxes(), *one.select_yaxes()):
            kind = axis.plotly_name[0]
            new = axis.to_plotly_json()
            low, high = axis.domain or (0.0, 1.0)
            to = self.across if kind == "x" else self.up
            new["domain"] = [min(max(to(float(end)), 0.0), 1.0) for end in (low, high)]
            for key in ("anchor", "matches", "scaleanchor", "overlaying"):
                if isinstance(new.get(key), str):
                    new[key] = self.axis(new[key])
            own = reference(axis)
            new.setdefault("anchor", self.axis(("y" if kind == "x" else "x") + own[1:]))
            if kind == "y" and not self.is_left and not new.get("ticktext"):
                new.pop("title", None)  # the run at the left has it
            fig.layout[self.axis(own).replace(kind, f"{kind}axis", 1)] = new

    def _put_notes(self, fig: go.Figure, one: go.Figure, member: Member) -> None:
        for note in one.layout.annotations:
            if note.name in KEPT_NOTES:
                fig.add_annotation(self._moved(note.to_plotly_json()))
        for shape in one.layout.shapes:
            new = self._moved(shape.to_plotly_json())
            if self.number and new.get("showlegend"):
                new["showlegend"] = False  # the first run's stands there
            fig.add_shape(new)
        fig.add_annotation(
            name="run", text=f"<b>{plain(member.name)}</b>", xref="paper", yref="paper", x=self.left,
            y=self.top, xanchor="left", yanchor="bottom", yshift=2 + self.titles, showarrow=False, borderpad=0,
        )  # fmt: skip

    def _moved(self, item: dict[str, Any]) -> dict[str, Any]:
        for kind, to in (("x", self.across), ("y", self.up)):
            axis_name = str(item.get(f"{kind}ref", "paper"))
            if axis_name == "paper":
                for key in (kind, f"{kind}0", f"{kind}1"):
                    if key in item:
                        item[key] = to(float(item[key]))
            else:
                axis, space, rest = axis_name.partition(" ")
                item[f"{kind}ref"] = self.axis(axis) + space + rest
        return item
