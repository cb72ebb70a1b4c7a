"""Progress of a sweep on the terminal: all runs in one bar, and a line for each run in training."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grokscope.cli.progress import training_note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from grokscope.sweeps.start import Update


@contextlib.contextmanager
def sweep_progress(quiet: bool = False) -> "Iterator[Callable[[Update], None]]":
    """Yield a listener for `grokscope.sweeps.sweep` that draws what it hears; nothing is shown when quiet."""
    if quiet:
        yield lambda update: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        try:
            yield _Bars(bar)
        except BaseException:
            # The error is one line: no stopped bar above it, nor the blank line that rich prints into a file.
            bar.live.transient = True
            console.quiet = not console.is_terminal
            raise


@dataclass
class _Bars:
    """One bar for all runs and one for each in training."""

    bar: "Progress"
    total: "TaskID | None" = None
    shown: "dict[int, TaskID]" = field(default_factory=dict)
    work: "Work" = field(default_factory=lambda: Work())

    def __call__(self, update: "Update") -> None:
        self.work.hear(update)
        if self.total is None:
            self.total = self.bar.add_task("runs", total=update.of, note="")
        if update.kind == "started":
            self.shown[update.index] = self.bar.add_task(
                f"  {update.run.label}, seed {update.run.seed}", total=update.steps, note=""
            )
        elif update.kind == "metrics":
            note = training_note(update.metrics)
            self.bar.update(self.shown[update.index], completed=update.step, note=note)
        elif update.index in self.shown:
            self.bar.remove_task(self.shown.pop(update.index))
        self.bar.update(self.total, completed=self.work.ended, note=self.work.words(update.of))


@dataclass
class Work:
    """How much of a sweep's work is done, in runs, and how long the rest may take.

    A run in training counts by its share of the steps that it had still to do; one that was there already, or that
    stopped early, took no time that says anything about the others.
    """

    clock: Callable[[], float] = time.monotonic
    ended: int = 0
    trained: int = 0
    began: float | None = None
    first: dict[int, int] = field(default_factory=dict)
    shares: dict[int, float] = field(default_factory=dict)

    def hear(self, update: "Update") -> None:
        """Take note of what happened."""
        if update.kind == "ended":
            trained = self.shares.pop(update.index, None) is not None
            if update.run.status != "interrupted":
                self.ended += 1
                self.trained += trained
            return
        if self.began is None:
            self.began = self.clock()
        if update.kind == "started":
            self.shares[update.index] = 0.0
            return
        begin = self.first.setdefault(update.index, update.step)
        self.shares[update.index] = (update.step - begin) / max(1, update.steps - begin)

    def words(self, total: int) -> str:
        """Return "12:34 so far, about 1:23:45 left"."""
        if self.began is None:
            return ""
        elapsed = self.clock() - self.began
        done = self.trained + sum(self.shares.values())
        left = total - self.ended - sum(self.shares.values())
        if self.ended == total or done < 0.01:
            return f"{_clock(elapsed)} so far"
        return f"{_clock(elapsed)} so far, about {_clock(elapsed * left / done)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
