"""What a run that goes on left on the disk: its metrics so far, and from which key frame it can go on."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.config import ScheduleConfig
from grokscope.files import clear_leftovers
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import read_sound_lines
from grokscope.runs.run import Run
from grokscope.training.state import frames


@dataclass(frozen=True)
class Past:
    """What stands in metrics.jsonl of a run that goes on.

    Attributes
    ----------
    lines
        Those up to the first that is damaged, missing, or not where the schedule has it.
    beyond
        Sound lines after those.
    whole
        Whether the file holds `lines` and nothing else.
    reach
        The run can go on from any key frame up to this step: all evaluations before it are in `lines`.
    is_at_end
        Whether the run is complete: the line of its last evaluation is written after all else.
    """

    lines: tuple[Mapping[str, Any], ...] = ()
    beyond: tuple[Mapping[str, Any], ...] = ()
    whole: bool = True
    reach: int = 0
    is_at_end: bool = False


def read_past(run: Run) -> Past:
    """Return what stands in metrics.jsonl; its first damaged line and all after it count as not written."""
    found, beyond, whole = read_sound_lines(run.path / METRICS_FILE)
    lines: list[Mapping[str, Any]] = []
    due = evaluations(run.config.schedule)
    step, ended = next(due), False
    for line in found:
        before = lines[-1]["step"] if lines else -1
        ended = bool(line.get("diverged")) and before <= line["step"] <= step
        if not ended and not before < line["step"] <= step:
            break
        lines.append(line)
        if line["step"] == step and not ended:  # else it was densified, or has diverged
            following = next(due, None)
            ended = bool(line.get("stopped")) or following is None
            step = step if following is None else following
        if ended:
            break
    reach = lines[-1]["step"] if ended else step
    last = lines[-1]["step"] if lines else -1
    after = [line for line in [*found[len(lines) :], *beyond] if line["step"] > last]
    return Past(tuple(lines), tuple(after), whole and len(lines) == len(found), reach, ended)


def evaluations(schedule: ScheduleConfig) -> Iterator[int]:
    """Yield the steps at which a run is evaluated, ascending, if it goes to its end."""
    declared = set(schedule.checkpoints())
    for step in itertools.count():
        if step > schedule.steps:
            return
        if step % schedule.eval_every == 0 or step in declared:
            yield step


def is_evaluated(schedule: ScheduleConfig, step: int) -> bool:
    """Return whether a run that comes to `step` is evaluated there."""
    return step % schedule.eval_every == 0 or step in schedule.checkpoints()


def usable_frames(run: Run, past: Past) -> list[int]:
    """Return the key frames from which a run can go on, the last first; whether they are sound is not looked at."""
    return [step for step in reversed(frames(run)) if step <= past.reach]


def clear_unfinished(path: Path) -> None:
    """Remove what a killed writer of the run was at; to be called by who holds the run's lock."""
    for folder in (path, path / "checkpoints", path / "state"):
        clear_leftovers(folder)
