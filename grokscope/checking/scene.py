"""What lies in a run's directory at one moment, in an order that a run in training cannot confuse."""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grokscope.checking.finding import RESTORE, Finding, refused
from grokscope.errors import GrokscopeError
from grokscope.reading import is_plain_file
from grokscope.runs.checkpoints import NAME, checkpoint_path
from grokscope.runs.densified import FILE as DENSIFIED_FILE
from grokscope.runs.densified import Densified, read_densified
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import read_lines
from grokscope.runs.run import Run
from grokscope.runs.seal import SEALED_FROM
from grokscope.training.past import evaluations

CHECKPOINTS, STATE = "checkpoints", "state"
MOST_EVALUATIONS = 2_000_000
"""More than metrics.jsonl, which is bounded, can hold: a stranger's schedule may have 20 million."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A run and what is in its folders.

    Attributes
    ----------
    run
        The run.
    steps, frames
        Steps with a checkpoint, with a key frame.
    lines
        Lines of metrics, None where they cannot be read. Read after the folders were listed: a run in training writes a
        line before the checkpoint of its step.
    half
        Whether the last line is half written.
    has_sums
        Whether the lines have sums.
    densified
        What `densify` added, None where that cannot be read.
    is_written
        Whether a process writes the run now.
    """

    run: Run
    steps: tuple[int, ...]
    frames: tuple[int, ...]
    lines: tuple[Mapping[str, Any], ...] | None
    half: bool
    has_sums: bool
    densified: tuple[Densified, ...] | None
    is_written: bool

    @property
    def is_ours(self) -> bool:
        """Whether the run was trained here, so that its schedule says what must be there."""
        return "origin" not in self.run.info

    @property
    def is_sealed(self) -> bool:
        """Whether every file that the run began with carries digests."""
        return int(self.run.info["schema"]) >= SEALED_FROM

    @cached_property
    def added(self) -> frozenset[int]:
        """The steps whose checkpoints `densify` added."""
        return frozenset(step for each in self.densified or () for step in each.steps)

    @cached_property
    def declared(self) -> frozenset[int]:
        """The steps of the schedule's checkpoints."""
        return frozenset(self.run.config.schedule.checkpoints())

    @cached_property
    def evaluated(self) -> tuple[int, ...]:
        """The steps at which the schedule evaluates, up to the last that anything in the directory tells of."""
        known = [*self.steps, *self.frames, *(line["step"] for line in self.lines or ())]
        last = max(known, default=0)
        found: list[int] = []
        for step in evaluations(self.run.config.schedule):
            if step > last or len(found) == MOST_EVALUATIONS:
                break
            found.append(step)
        return tuple(found)

    @cached_property
    def by_step(self) -> dict[int, Mapping[str, Any]]:
        """The line of metrics of each step, without those that say that a run diverged."""
        return {line["step"]: line for line in self.lines or () if not line.get("diverged")}

    @property
    def end(self) -> str:
        """How the metrics say that the run ended: done, stopped early, diverged; "" where they do not."""
        if not self.lines:
            return ""
        last = self.lines[-1]
        if last.get("diverged"):
            return "diverged"
        if last.get("stopped"):
            return "stopped early"
        return "done" if last["step"] >= self.run.config.schedule.steps else ""

    def checkpoint(self, step: int) -> Path:
        """Return the path of a checkpoint."""
        return checkpoint_path(self.run.checkpoints, step)

    def frame(self, step: int) -> Path:
        """Return the path of a key frame."""
        return checkpoint_path(self.run.state, step)


def look_at(run: Run) -> tuple[Scene, list[Finding]]:
    """Return what lies in a run's directory, and which of its lists cannot be read."""
    is_written = is_being_written(run.path)
    # Against the order of training, which writes a line, then the checkpoint, then the key frame of a step: what it
    # writes meanwhile can only be more of what is looked at later.
    frames = steps_in(run.state)
    steps = steps_in(run.checkpoints)
    findings: list[Finding] = []
    added: tuple[Densified, ...] | None = None
    lines: list[tuple[dict[str, Any], bool]] | None = None
    half = b""
    try:
        added = tuple(read_densified(run.path))
    except GrokscopeError as error:
        findings.append(refused(DENSIFIED_FILE, error, RESTORE))
    try:
        lines, half = read_lines(run.path / METRICS_FILE)
    except GrokscopeError as error:
        findings.append(refused(METRICS_FILE, error, RESTORE))
    values = None if lines is None else tuple(line for line, _ in lines)
    has_sums = bool(lines) and all(has_sum for _, has_sum in lines or ())
    scene = Scene(run, steps, frames, values, bool(half), has_sums, added, is_written)
    return scene, findings


def name_of(folder: str, step: int) -> str:
    """Return a checkpoint's, or key frame's, name in a finding."""
    return checkpoint_path(Path(folder), step).as_posix()


def steps_in(folder: Path) -> tuple[int, ...]:
    """Return the steps that have a file in a folder, () where it cannot be listed; links and the like count too."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return ()
    found = [int(m.group(1)) for m in map(NAME.fullmatch, names) if m]
    return tuple(sorted({step for step in found if checkpoint_path(folder, step).name in names}))


def is_being_written(path: Path) -> bool:
    """Return whether a process holds the lock of a folder."""
    if not is_plain_file(path / ".lock"):
        return False
    try:
        handle = os.open(path / ".lock", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, and let go at once: a writer that begins in this moment is told at the worst to try again.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
