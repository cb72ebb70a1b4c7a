"""The slider in the browser: figures are asked for when the slider reaches them, and kept on both sides.

plotly.js comes from the installed plotly package, by way of the kernel: no network is needed. Once in a page it serves
every slider of it.
"""

import json
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from plotly.offline import get_plotlyjs

from grokscope.errors import GrokscopeError
from grokscope.notebook.frames import Frames

PLOTLY_MIMETYPE = "application/vnd.plotly.v1+json"


class Explorer(anywidget.AnyWidget):
    """A slider over the steps of a figure; `position` is where it stands, from either side.

    Parameters
    ----------
    frames
        What it shows.
    position
        Where it begins; at the last step where None.
    """

    _esm = Path(__file__).with_name("explorer.js")
    _css = Path(__file__).with_name("explorer.css")
    name = traitlets.Unicode().tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    position = traitlets.Int().tag(sync=True)

    def __init__(self, frames: Frames, position: int | None = None) -> None:
        self.frames = frames
        last = len(frames.steps) - 1
        super().__init__(
            name=frames.name.replace("_", " "),
            words=[frames.words(i) for i in range(last + 1)],
            position=last if position is None else position,
        )
        self.on_msg(self._answer)

    @traitlets.validate("position")
    def _within(self, proposal: Any) -> int:
        return min(max(int(proposal["value"]), 0), len(self.frames.steps) - 1)

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self.frames.steps[self.position]

    def _answer(self, widget: Any, asked: Any, buffers: Any) -> None:
        """Answer what the browser asks for: plotly.js, or the figure at a position."""
        if asked.get("ask") == "plotly":
            self.send({"plotly": get_plotlyjs()})
        elif asked.get("ask") == "figure":
            position = min(max(int(asked["position"]), 0), len(self.frames.steps) - 1)
            try:
                self.send({"position": position, "figure": self.frames.figure(position)})
            except GrokscopeError as error:
                self.send({"position": position, "error": str(error)})
            except Exception as error:  # of the researcher's own function: it is told in the page
                self.send({"position": position, "error": f"{type(error).__name__}: {error}"})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add the figure as it stands, for readers of the notebook without a kernel or without widgets."""
        made = super()._repr_mimebundle_(**options)
        data, metadata = made if made else ({}, {})
        try:
            picture = {PLOTLY_MIMETYPE: json.loads(self.frames.figure(self.position))}
        except Exception:  # the slider itself tells what is wrong
            picture = {}
        return data | picture | {"text/plain": repr(self)}, metadata

    def __repr__(self) -> str:
        steps = self.frames.steps
        words = self.words[self.position]
        return f"Explorer of {self.frames.name}: {len(steps)} steps, {steps[0]} to {steps[-1]}; at {words}"
