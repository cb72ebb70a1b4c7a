"""densified.json: which checkpoints `densify` added to a run, from where it replayed, and where that was proved.

{"added": [{"low", "high", "every", "from", "proved_at", "steps"}, ...], "digest": of all that}, oldest first.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.errors import UnsoundError
from grokscope.files import write_json
from grokscope.reading import read_json_bounded
from grokscope.runs.metrics import MAX_STEP
from grokscope.runs.run import Run
from grokscope.runs.seal import object_digest

FILE = "densified.json"
_WHOLE = ("low", "high", "every", "from", "proved_at")


@dataclass(frozen=True)
class Densified:
    """Checkpoints that one replay added.

    Attributes
    ----------
    low, high, every
        What was asked for: steps low, low + every, ... up to high.
    start
        The key frame, or step 0, that the replay began from; "from" in the file.
    proved_at
        The last stored checkpoint, or key frame, that it met bit for bit: at or after every one of `steps`.
    steps
        The steps whose checkpoints were added, ascending.
    moving
        Whether they were being moved to their place when this was written. Where that still holds `densify` was cut
        off: some checkpoints, or their lines of metrics, may not be there before it runs again.
    """

    low: int
    high: int
    every: int
    start: int
    proved_at: int
    steps: tuple[int, ...]
    moving: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        found = dataclasses.asdict(self) | {"from": self.start, "steps": list(self.steps)}
        del found["start"]
        if not self.moving:
            del found["moving"]
        return found


def read_densified(path: Path) -> list[Densified]:
    """Return what was added to the run in the directory `path`, the oldest first; [] where nothing was.

    Raises
    ------
    UnsoundError
        Where densified.json is damaged.
    """
    file = path / FILE
    if not file.exists() and not file.is_symlink():
        return []
    value = read_json_bounded(file, inside=path)
    if not isinstance(value, dict) or not isinstance(value.get("added"), list):
        raise UnsoundError(f"{file} does not list what was added", todo="restore it")
    try:
        is_whole = value.get("digest") == _digest(value["added"])
    except (ValueError, RecursionError):  # 1e999, or nested too deep to be written
        is_whole = False
    if not is_whole:
        raise UnsoundError(f"{file} was changed: its digest is another", todo="restore it")
    return [_entry(file, entry) for entry in value["added"]]


def write_densified(path: Path, entries: Sequence[Densified]) -> None:
    """Write densified.json of the run in the directory `path`, whole or not at all."""
    added = [entry.to_json() for entry in entries]
    write_json(path / FILE, {"added": added, "digest": _digest(added)})


def forget_densified(path: Path, since: int) -> None:
    """Strike the steps from `since` on: the run is trained anew from there, and what was added is no part of it."""
    entries = read_densified(path)
    kept = [
        dataclasses.replace(entry, steps=tuple(s for s in entry.steps if s < since))
        for entry in entries
    ]
    if kept != entries:
        write_densified(path, [entry for entry in kept if entry.steps])


def densified_levels(run: Run, steps: Sequence[int]) -> Int[ndarray, " checkpoint"]:
    """Return for each checkpoint 0 where the run's schedule has it, n where the n-th densifying added it."""
    return _levels(run, steps, set(run.config.schedule.checkpoints()))


def densified_metric_levels(run: Run, steps: Sequence[int]) -> Int[ndarray, " evaluation"]:
    """Return for each line of metrics 0 where the run's schedule has it, n where the n-th densifying added it."""
    schedule = run.config.schedule
    scheduled = set(schedule.checkpoints())
    return _levels(run, steps, scheduled | {s for s in steps if s % schedule.eval_every == 0})


def _levels(run: Run, steps: Sequence[int], scheduled: set[int]) -> Int[ndarray, " step"]:
    level: dict[int, int] = {}
    for number, entry in enumerate(read_densified(run.path), start=1):
        for step in entry.steps:
            level.setdefault(step, number)
    return np.array([0 if s in scheduled else level.get(s, 0) for s in steps], dtype=np.int64)


def _digest(added: list[Any]) -> str:
    return object_digest({"added": added})


def _entry(file: Path, entry: Any) -> Densified:
    """Return one entry, checked; UnsoundError for anything else."""
    if not isinstance(entry, Mapping) or not all(_is_step(entry.get(name)) for name in _WHOLE):
        raise UnsoundError(
            f"{file} has an entry that is none", f"{', '.join(_WHOLE)} and steps", "restore it"
        )
    steps = entry.get("steps")
    if not isinstance(steps, list) or not all(map(_is_step, steps)):
        raise UnsoundError(
            f"{file} has an entry without steps", "a list of whole numbers", "restore it"
        )
    low, high, every, start, proved_at = (entry[name] for name in _WHOLE)
    moving = entry.get("moving") is True
    return Densified(low, high, every, start, proved_at, tuple(sorted(set(steps))), moving)


def _is_step(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_STEP
