"""The stack that a run was trained in: its siblings, and who of them was still in it at a step.

A batched computation rounds as its batch is large, so a member repeats its bits only among those it was trained with.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.config import RunConfig
from grokscope.errors import GrokscopeError, RequestError
from grokscope.runs.run import Run, open_run
from grokscope.tasks import Split
from grokscope.training.engine import Engine, recorded_engine
from grokscope.training.machine_then import continuations
from grokscope.training.past import Past, is_evaluated, read_past, usable_frames
from grokscope.training.stack import Stack
from grokscope.training.state import load_state

STACK = "stack"
"""In config.json: [{"run": name of the directory, "config_hash": ...}, ...] of all members in their order."""


def stack_record(configs: Sequence[RunConfig], outs: Sequence[Path]) -> dict[str, Any]:
    """Return what config.json says of a stack; its members are named where their directories lie side by side."""
    found: dict[str, Any] = {"stacked": len(configs)}
    if len({out.absolute().parent for out in outs}) == 1:
        found[STACK] = [
            {"run": out.name, "config_hash": config.hash()}
            for config, out in zip(configs, outs, strict=True)
        ]
    return found


def is_stacked(run: Run) -> bool:
    """Return whether a run was trained in a stack, and did not go on alone."""
    return bool(run.info.get("stacked")) and not _went_on_alone(run.info)


def alone_now(run: Run) -> dict[str, tuple[str, str]]:
    """Return what config.json is to say of a member that goes on alone."""
    return {STACK: (f"{run.info['stacked']} runs", "alone")}


@dataclass(frozen=True)
class Sibling:
    """A member of a stack, on the disk.

    Attributes
    ----------
    run
        The member.
    past
        Its metrics so far.
    """

    run: Run
    past: Past

    @property
    def end(self) -> int | None:
        """The step of its last evaluation where it is at its end, None elsewhere."""
        return int(self.past.lines[-1]["step"]) if self.past.is_at_end else None

    def was_in(self, step: int) -> bool:
        """Return whether it was in the stack at `step`; one that ends there is, up to its evaluation."""
        return self.end is None or self.end >= step

    def left_at(self, step: int, is_finite: bool, metrics: Mapping[str, float]) -> bool:
        """Return whether it left at `step` after its evaluation, and not in the update that followed.

        `is_finite` and `metrics` are what it was there: whether its weights are finite numbers, loss and accuracy.
        """
        if self.end != step or not is_evaluated(self.run.config.schedule, step):
            return False
        finite = is_finite and all(map(math.isfinite, metrics.values()))
        return not self.past.lines[-1].get("diverged") or not finite

    def has_frame(self, step: int) -> bool:
        """Return whether it can go on from `step`."""
        return step == 0 or step in usable_frames(self.run, self.past)


def open_siblings(run: Run) -> list[Run]:
    """Return all members of a run's stack, itself among them, in their order.

    Raises
    ------
    RequestError
        Where one is missing, cannot be opened, is another run than the one it was, or went on alone.
    """
    record: Any = run.info.get(STACK)
    if not _is_record(record):
        raise _no_stack(run, "whose members config.json does not name")
    found = []
    for member in record:
        path = run.path.absolute().parent / member["run"]
        try:
            sibling = run if member["run"] == run.path.absolute().name else open_run(path)
        except GrokscopeError as error:
            raise _no_stack(
                run, f"of which {member['run']} cannot be opened ({error.given})"
            ) from None
        if sibling.config_hash != member["config_hash"] or sibling.info.get(STACK) != record:
            raise _no_stack(run, f"of which {member['run']} is another run now")
        if _went_on_alone(sibling.info):
            raise _no_stack(run, f"of which {member['run']} went on alone")
        found.append(sibling)
    if run not in found:
        raise _no_stack(run, "in which it had another name")
    return found


def read_siblings(runs: Sequence[Run]) -> list[Sibling]:
    """Return members with what stands in their metrics."""
    return [Sibling(run, read_past(run)) for run in runs]


def common_frames(siblings: Sequence[Sibling]) -> list[int]:
    """Return the steps at which a stack can be put together again, the last first; 0, the beginning, is the last."""
    steps = {step for each in siblings for step in usable_frames(each.run, each.past)}
    return [step for step in sorted(steps | {0}, reverse=True) if can_begin(siblings, step)]


def can_begin(siblings: Sequence[Sibling], step: int) -> bool:
    """Return whether all who were in the stack at `step` have a key frame of it."""
    inside = [each for each in siblings if each.was_in(step)]
    return bool(inside) and all(each.has_frame(step) for each in inside)


def rebuild(siblings: Sequence[Sibling], step: int, engine: Engine | None = None) -> Stack:
    """Return the stack of those who were in it at `step`, there.

    Raises
    ------
    UnsoundError
        Where a key frame is damaged.
    """
    inside = [each.run for each in siblings if each.was_in(step)]
    stack = Stack(
        [run.config for run in inside],
        inside[0].task,
        [_split(run) for run in inside],
        engine or recorded_engine(inside[0].info),
    )
    if step:
        for run, member in zip(inside, stack.members, strict=True):
            load_state(run, member, step)
        stack.take_states()
    if stack.engine.device != "cpu":
        stack.capture()
    return stack


def _split(run: Run) -> Split:
    assert run.split is not None
    return run.split


def _no_stack(run: Run, why: str) -> RequestError:
    return RequestError(
        f"{run.path} was trained in a stack of {run.info.get('stacked')} runs, {why}",
        "all of them side by side, as they were trained",
        "put it back; or --anyway: it goes on alone, equal up to rounding, and config.json says so",
    )


def _is_record(record: Any) -> bool:
    """Return whether config.json names the members by names of folders, each once."""
    if not isinstance(record, list) or not record:
        return False
    names = [entry.get("run") if isinstance(entry, dict) else None for entry in record]
    plain = all(isinstance(n, str) and n not in ("", ".", "..") and "/" not in n for n in names)
    hashes = all(isinstance(e, dict) and isinstance(e.get("config_hash"), str) for e in record)
    return plain and hashes and len(set(names)) == len(names)


def _went_on_alone(info: Mapping[str, Any]) -> bool:
    return any(STACK in entry["changed"] for entry in continuations(info))
