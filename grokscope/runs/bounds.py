"""What a configuration may ask for: a stranger's config.json must not fill the memory before a weight is read."""

import math

from grokscope.config import RunConfig, ScheduleConfig
from grokscope.errors import RequestError
from grokscope.models.shapes import weight_shapes
from grokscope.runs.metrics import MAX_STEP
from grokscope.tasks import Task

MAX_SIZES = {
    "n_layers": 64, "n_heads": 256, "d_model": 16384, "d_head": 4096, "d_mlp": 65536,
    "n_ctx": 64, "d_vocab": 1 << 17, "d_vocab_out": 1 << 17,
}  # fmt: skip
"""Of a model; the greatest task has 4,096 values for each of two operands."""
MAX_PARAMETERS = 1 << 30
"""As many float32 as a checkpoint of 4 GiB, the largest that is read, holds."""
MAX_CHECKPOINTS = 1_000_000
"""Declared checkpoints, key frames or evaluations at most: as many files in a folder as a file system bears."""
MAX_EVALUATIONS = 20_000_000


def check_bounds(config: RunConfig, where: str = "the configuration") -> None:
    """Raise RequestError where a configuration asks for more than any real use, or for what has no meaning.

    Only its numbers are looked at: nothing of the size that they say is made.
    """
    model, split, schedule = config.model, config.split, config.schedule
    for name, most in MAX_SIZES.items():
        if getattr(model, name) > most:
            raise RequestError(f"{where}: {name} = {getattr(model, name)}", f"at most {most:,}")
    shapes = weight_shapes(model)
    if any(size < 1 for shape in shapes.values() for size in shape):
        name = next(name for name, shape in shapes.items() if min(shape, default=1) < 1)
        raise RequestError(f"{where}: {name} has shape {shapes[name]}", "sizes above 0")
    parameters = sum(math.prod(shape) for shape in shapes.values())
    if parameters > MAX_PARAMETERS:
        raise RequestError(f"{where}: {parameters:,} parameters", f"at most {MAX_PARAMETERS:,}")
    if not 0 < split.frac_train <= 1:
        raise RequestError(f"{where}: frac_train = {split.frac_train}", "a share in (0, 1]")
    seeds = {k: getattr(split, k) for k in ("split_seed", "label_seed", "outlier_seed", "outliers")}
    for name, value in seeds.items():
        if not 0 <= value < 2**63:
            raise RequestError(f"{where}: {name} = {value}", "a whole number from 0 to 2^63 - 1")
    _check_schedule(schedule, where)


def _check_schedule(schedule: ScheduleConfig, where: str) -> None:
    if not 1 <= schedule.steps < MAX_STEP:
        raise RequestError(f"{where}: steps = {schedule.steps}", f"1 to {MAX_STEP - 1:,}")
    every = {
        name: (getattr(schedule, name), most)
        for name, most in (
            ("checkpoint_every", MAX_CHECKPOINTS),
            ("keyframe_every", MAX_CHECKPOINTS),
            ("eval_every", MAX_EVALUATIONS),
        )
    }
    for name, (value, most) in every.items():
        if value > 0 and schedule.steps // value > most:
            raise RequestError(
                f"{where}: {name} = {value} in {schedule.steps:,} steps", f"{most:,} times at most"
            )
    if schedule.eval_every < 1:
        raise RequestError(f"{where}: eval_every = {schedule.eval_every}", "a number above 0")
    listed = {
        "checkpoint_log": schedule.checkpoint_log,
        "the length of checkpoint_steps": len(schedule.checkpoint_steps),
    }
    for name, value in listed.items():
        if value > MAX_CHECKPOINTS:
            raise RequestError(f"{where}: {name} = {value:,}", f"at most {MAX_CHECKPOINTS:,}")
    if schedule.checkpoint_steps and min(schedule.checkpoint_steps) < 0:
        raise RequestError(f"{where}: a checkpoint before step 0", "steps from 0 on")


def check_fits(config: RunConfig, task: Task, where: str = "the configuration") -> None:
    """Raise RequestError where the model cannot read the task's rows, or has fewer answers than it."""
    model = config.model
    needed = {
        "d_vocab": (model.d_vocab, task.d_vocab),
        "d_vocab_out": (model.d_vocab_out, task.n_classes),
        "n_ctx": (model.n_ctx, task.n_ctx),
    }
    for name, (found, least) in needed.items():
        if found < least:
            raise RequestError(
                f"{where}: {name} = {found}, and {task.formula} needs {least}", f"{least} or more"
            )
