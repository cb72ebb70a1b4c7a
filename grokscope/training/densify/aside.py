"""Where replayed checkpoints wait for their proof, RUN/.densify, and how they come to their place once they have it.

What is proved is written down before anything is moved: densified.json lists the steps with "moving", then checkpoints
and lines of metrics come to their place, then "moving" goes. Killed in between, the next one finishes what was begun.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from grokscope.errors import RequestError
from grokscope.files import flush_folder, make_folder
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.densified import Densified, read_densified, write_densified
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import read_metrics, write_metrics
from grokscope.runs.run import Run
from grokscope.training.densify.plan import Plan
from grokscope.training.writer import CheckpointWriter

FOLDER = ".densify"


class Aside:
    """Checkpoints of a replay, written aside; a context manager, at whose end those without a proof are gone.

    Parameters
    ----------
    run, plan
        The run, whose only writer this is, and what is added to it.

    Attributes
    ----------
    added
        The steps whose checkpoints were proved and are in their place.
    """

    def __init__(self, run: Run, plan: Plan) -> None:
        self.run, self.plan = run, plan
        self.folder = run.path / FOLDER
        self.added: tuple[int, ...] = ()
        self._waiting: list[int] = []
        self._lines: list[dict[str, Any]] = []
        self._writer = CheckpointWriter()

    def keep(
        self, step: int, weights: Mapping[str, Tensor], metrics: Mapping[str, float] | None
    ) -> None:
        """Write the checkpoint of a step aside, with its metrics where it has no line of them yet."""
        path = checkpoint_path(self.folder, step)
        self._writer.write(path, weights, step, self.run.config_hash)
        self._waiting.append(step)
        if metrics is not None:
            self._lines.append({"step": step, **metrics})

    def move_in(self, proved_at: int) -> None:
        """Put what waits in its place: the replay met what is stored at `proved_at`."""
        if not self._waiting:
            return
        self._writer.wait()
        write_metrics(self.folder / METRICS_FILE, self._lines)
        asked = (self.plan.low, self.plan.high, self.plan.every)
        entries = read_densified(self.run.path)
        own = Densified(*asked, self.plan.start, proved_at, (), moving=True)
        if entries and (entries[-1].low, entries[-1].high, entries[-1].every) == asked:
            # This one goes on with what an earlier one began.
            own = dataclasses.replace(entries.pop(), proved_at=proved_at, moving=True)
        steps = tuple(sorted({*own.steps, *self._waiting}))
        write_densified(self.run.path, [*entries, dataclasses.replace(own, steps=steps)])
        finish_moving(self.run)
        self.added += tuple(self._waiting)
        self._waiting.clear()
        self._lines.clear()

    def __enter__(self) -> "Aside":
        make_folder(self.folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.__exit__(kind, error, trace)
        finally:
            clear_aside(self.run)


def finish_moving(run: Run) -> tuple[int, ...]:
    """Put in place what was proved and is still on its way, and return its steps; nothing where nothing is.

    To be called by the run's only writer.
    """
    entries = read_densified(run.path)
    if not any(entry.moving for entry in entries):
        return ()
    folder, moved = run.path / FOLDER, []
    for entry in entries:
        for step in entry.steps if entry.moving else ():
            path = checkpoint_path(folder, step)
            if path.is_file():
                _move(path, checkpoint_path(run.checkpoints, step))
                moved.append(step)
    flush_folder(run.checkpoints)
    _add_lines(run, folder / METRICS_FILE)
    present = set(run.steps)
    write_densified(
        run.path,
        [
            dataclasses.replace(
                entry, steps=tuple(s for s in entry.steps if s in present), moving=False
            )
            for entry in entries
        ],
    )
    clear_aside(run)
    return tuple(moved)


def clear_aside(run: Run) -> None:
    """Remove what waits for a proof that does not come; what is proved and on its way stays."""
    if not any(entry.moving for entry in read_densified(run.path)):
        with contextlib.suppress(OSError):
            shutil.rmtree(run.path / FOLDER)


def _move(path: Path, to: Path) -> None:
    try:
        os.replace(path, to)
    except OSError as error:
        raise RequestError(
            f"cannot write {to}: {error.strerror or error}", "a run directory that can be written"
        ) from error


def _add_lines(run: Run, path: Path) -> None:
    lines = run.metrics()
    there = {line["step"] for line in lines}
    more = [line for line in read_metrics(path) if line["step"] not in there]
    if more:
        write_metrics(
            run.path / METRICS_FILE, sorted([*lines, *more], key=lambda line: line["step"])
        )
