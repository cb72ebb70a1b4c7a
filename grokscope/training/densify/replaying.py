"""densify: from a request to checkpoints in their place."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grokscope.errors import RequestError, UnsoundError
from grokscope.files import clear_leftovers
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.lock import only_writer
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import Run
from grokscope.training.densify.aside import Aside, clear_aside, finish_moving
from grokscope.training.densify.passage import Passage, frame_weights, other_way
from grokscope.training.densify.plan import Plan, plan_densify
from grokscope.training.replay import replayer
from grokscope.training.same_bits import weights_apart


@dataclass(frozen=True)
class Densification:
    """What was added to a run.

    Attributes
    ----------
    run
        The run, which has the new checkpoints now.
    plan
        What was to be done.
    added
        The steps of the checkpoints that were added.
    """

    run: Run
    plan: Plan
    added: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `grokscope densify --json` prints."""
        plan = self.plan
        return {
            "run": str(self.run.path),
            "low": plan.low,
            "high": plan.high,
            "every": plan.every,
            "from": plan.start,
            "replayed": plan.updates,
            "proved_at": plan.end,
            "added": list(self.added),
        }


def densify(
    run: Run,
    between: tuple[int, int],
    every: int = 1,
    start: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Densification:
    """Add the checkpoints of a run at low, low + every, ... up to high, each with its line of metrics.

    The run is replayed from a key frame on. Every stored checkpoint, and line of metrics, that the replay passes is
    compared with it; what is replayed is added once it has met the next stored checkpoint bit for bit.

    Parameters
    ----------
    run
        A run that was trained here.
    between, every, start
        See `plan_densify`.
    on_step
        Called with (updates done, updates in all).

    Raises
    ------
    RequestError
        For steps that make no sense, a run that cannot be replayed, or a disk without room for the checkpoints.
    UnsoundError
        Where the replay does not meet what is stored, or the key frame is damaged: nothing after the last checkpoint
        that it met is added.
    """
    with only_writer(run.path):
        moved = finish_moving(run)
        clear_aside(run)
        for folder in (run.path, run.checkpoints):
            clear_leftovers(folder)
        plan = plan_densify(run, between, every, start)
        if not plan.missing:
            return Densification(run, plan, moved)
        _check_room(run, plan)
        _check_frame(run, plan)
        with Aside(run, plan) as aside, replayer(run, plan.start) as replay:
            Passage(run, plan, replay, aside).go(on_step)
        return Densification(run, plan, moved + aside.added)


def _check_room(run: Run, plan: Plan) -> None:
    """Raise RequestError where the disk has no room for the new checkpoints."""
    file = run.path / METRICS_FILE
    needed = plan.bytes + 2 * (file.stat().st_size if file.is_file() else 0)
    free = shutil.disk_usage(run.path).free
    if needed > free:
        raise RequestError(
            f"{len(plan.missing)} checkpoints take {needed / 1e6:.1f} MB, and the disk has {free / 1e6:.1f} MB",
            todo="make room, or take fewer: a larger --every, or a shorter stretch",
        )


def _check_frame(run: Run, plan: Plan) -> None:
    """Raise UnsoundError where the key frame is damaged, or is not the checkpoint of its step."""
    if not plan.start:
        return
    path = checkpoint_path(run.state, plan.start)
    try:
        weights = frame_weights(run, plan.start)
    except UnsoundError as error:
        raise UnsoundError(error.given, todo=other_way(run, plan.start)) from error
    if plan.start not in run.steps:
        return
    apart = weights_apart(weights, run.weights(plan.start))
    if apart:
        raise UnsoundError(
            f"{path} is not the checkpoint of step {plan.start}: {apart}; one of the two was changed",
            todo=other_way(run, plan.start),
        )
