"""How far a run came: done, stopped early, diverged or interrupted."""

from typing import Literal

from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.run import Run

Status = Literal["done", "stopped early", "diverged", "interrupted"]


def run_status(run: Run) -> Status:
    """Return how far a run that was trained here came.

    done: its last step was evaluated and has a checkpoint; stopped early: it reached its `stop_accuracy`; diverged: a
    loss or weight was no finite number; interrupted: anything else, whether it is in training now or was cut off.

    Raises
    ------
    UnsoundError
        Where metrics.jsonl is damaged.
    """
    lines = run.metrics()
    if not lines:
        return "interrupted"
    last = lines[-1]
    if last.get("diverged"):
        return "diverged"
    if not checkpoint_path(run.checkpoints, last["step"]).is_file():
        return "interrupted"
    if last.get("stopped"):
        return "stopped early"
    return "done" if last["step"] >= run.config.schedule.steps else "interrupted"
