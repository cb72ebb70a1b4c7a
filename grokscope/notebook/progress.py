"""Long work in a notebook: one output that is drawn anew, with a bar and, in training, the curves so far.

Nothing is shown outside notebooks, where the command line has its own bar.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from grokscope.notebook.card import STYLE, number, share

PERIOD = 0.5
"""Seconds between two drawings: each one travels to the browser."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, which can show HTML."""
    ipython = sys.modules.get("IPython")
    shell = (
        ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    )
    return shell is not None and hasattr(shell, "kernel")


class Bar:
    """A bar in the output of the cell that is running, from the first move on; in the end it says how long it took.

    Parameters
    ----------
    what
        What is being done.
    total
        How much there is to do; 0 where that is not known yet.
    """

    def __init__(self, what: str, total: int = 0) -> None:
        self.what, self.total = what, total
        self.began = self.drawn = time.monotonic()
        self.done, self.note, self.picture = 0, "", Markup("")
        self._handle: Any = None

    def move(self, done: int, note: str = "", picture: Callable[[], Markup] | None = None) -> None:
        """Say how far it is; drawn now and then, and `picture` made only then."""
        self.done, self.note = done, note or self.note
        now = time.monotonic()
        if self._handle is not None and now - self.drawn < PERIOD:
            return
        self.drawn = now
        if picture is not None:
            self.picture = picture()
        self._draw()

    def end(self, note: str = "", picture: Callable[[], Markup] | None = None) -> None:
        """Draw it for the last time."""
        self.note = note or self.note
        self.picture = self.picture if picture is None else picture()
        if self._handle is not None:  # there was something to do
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def __repr__(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        seconds = time.monotonic() - self.began
        return f"{self.what}: {self.done:,}{of} in {seconds:.0f} s {self.note}".rstrip()

    def _repr_html_(self) -> str:
        most = self.total or max(self.done, 1)
        return str(
            Markup(
                '<div style="{}"><progress max="{}" value="{}" style="width:16em;vertical-align:middle" '
                'aria-label="{}"></progress> {}{}</div>'
            ).format(STYLE["card"], most, min(self.done, most), self.what, repr(self), self.picture)
        )


class TrainingBar:
    """Call it as `on_metrics`: a bar over the steps and the curves so far."""

    def __init__(self, steps: int) -> None:
        self.bar = Bar("training", steps)
        self.lines: list[dict[str, Any]] = []

    def __call__(self, step: int, metrics: dict[str, float]) -> None:
        """Take one evaluation."""
        self.lines.append({"step": step, **metrics})
        self.bar.move(step, _words(metrics), self._curves)

    def end(self) -> None:
        """Draw the last state, without the curves: the run that follows shows them."""
        self.bar.end(picture=Markup)

    def _curves(self) -> Markup:
        from grokscope.notebook.of_run import metric_curves

        return metric_curves(self.lines, [])


class SeedsBar:
    """Call it as `on_metrics` of many seeds: a bar over the steps of all of them."""

    def __init__(self, steps: int, seeds: int) -> None:
        self.bar = Bar(f"training {seeds} seeds", steps * seeds)
        self.at: dict[int, int] = {}

    def __call__(self, seed: int, step: int, metrics: dict[str, float]) -> None:
        """Take one evaluation of one seed."""
        self.at[seed] = step
        self.bar.move(sum(self.at.values()), f"seed {seed}: {_words(metrics)}")

    def end(self) -> None:
        """Draw the last state."""
        self.bar.end()


class StepsBar:
    """Call it as `on_step`: (done, total)."""

    def __init__(self, what: str) -> None:
        self.bar = Bar(what)

    def __call__(self, done: int, total: int) -> None:
        """Take how far it is."""
        self.bar.total = total
        self.bar.move(done)

    def end(self) -> None:
        """Draw the last state."""
        self.bar.end()


def _words(metrics: dict[str, float]) -> str:
    names = {"train": "train", "test_twin_free": "twin-free"}
    if "accuracy_test_twin_free" not in metrics:
        names["test"] = "test"
    found = [f"{word} {share(metrics[f'accuracy_{rows}'])}" for rows, word in names.items()
             if f"accuracy_{rows}" in metrics]  # fmt: skip
    loss = f"loss {number(metrics['loss_train'])}, " if "loss_train" in metrics else ""
    return f"– {loss}accuracy {', '.join(found)}" if found else ""
