"""A foreign checkpoint or series becomes a run.

What its file does not say is left out, asked for, or proven; never invented.
"""

from pathlib import Path
from typing import Any

from grokscope.config import ModelConfig, RunConfig, override
from grokscope.errors import RequestError
from grokscope.models.foreign import ForeignSeries, read_foreign, relabel
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.imported_answers import row_losses
from grokscope.runs.imported_split import find_split
from grokscope.runs.imported_task import find_task
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import MAX_STEP, write_metrics
from grokscope.runs.run import Run, create_run
from grokscope.runs.train_rows import rows_hash, write_train_rows
from grokscope.tasks import Task

KEY_RULES = {"rep_theory": "similarity"}
"""Layouts whose authors have a rule for what is key (Chughtai et al. 2023): so their own lists are what we find."""
SAVED_AT_THE_END = ("pizza", "rep_theory")
"""Layouts whose programs save one checkpoint, after all the epochs of their settings."""


def import_foreign(
    path: str | Path,
    out: str | Path,
    layout: str | None = None,
    task: str | None = None,
    p: int | None = None,
    split_seed: int | None = None,
    frac_train: float | None = None,
    shuffle: str | None = None,
    step: int | None = None,
    group: str | None = None,
    config: str | Path | None = None,
    attention_rate: float | None = None,
    act_fn: str | None = None,
    architecture: str | None = None,
) -> Run:
    """Read a foreign file or folder of files and write it as a run.

    Parameters
    ----------
    path
        A checkpoint, or a folder with a series of them.
    out
        Directory of the run, which must not exist yet.
    layout
        One of `nanda`, `pizza`, `rep_theory`, `transformerlens`, `mlp`; detected where None.
    task, p, group
        What it learned. Where the file does not say: the one task on which the last checkpoint
        answers more than half of all inputs, and clearly more than any other task's. Elements of a
        group that are listed in another order than ours are put in ours.
    split_seed, frac_train, shuffle
        Which rows it trained on. Where the file does not say: the split whose mean losses are the
        recorded ones, if the file has recorded losses and just one split fits; else the split stays
        unknown, and nothing is said of train and test.
    step
        The step of a single file that does not say.
    config
        A JSON file with the model's settings; found beside the file where None.
    attention_rate, act_fn, architecture
        What neither weights nor settings tell.

    Raises
    ------
    RequestError
        Where something is needed that neither the file nor the caller says, or they contradict each other.
    UnsoundError
        For a damaged file.
    """
    told_by_user = {
        "attention_rate": attention_rate,
        "act_fn": act_fn,
        "architecture": architecture,
    }
    given = {name: value for name, value in told_by_user.items() if value is not None}
    series = read_foreign(Path(path), layout, config, given)
    if (split_seed is None) != (frac_train is None):
        raise RequestError("half of a split", "both split_seed and frac_train, or neither")
    if step is not None and (len(series.checkpoints) > 1 or series.checkpoints[0].step is not None):
        raise RequestError(f"step = {step}, but the file says its steps", "no step here")
    found = find_task(series, task, p, group)
    last, notes = _last_step(series, step)
    per_row = row_losses(series, found.task, found.model, found.order)
    split = find_split(
        series, found.task, found.order, per_row, last, split_seed, frac_train, shuffle
    )
    told = {**_task_fields(found.task), **(split.fields or {}), **_told(series)}
    model = vars_of(found.model)
    run_config = override(RunConfig(), **told, **model, steps=max(1, last or 1))
    listed = {} if split.listed is None else {"train_rows": rows_hash(split.listed)}
    curves = _curves(series)
    run = create_run(
        Path(out),
        run_config,
        split_known=split.fields is not None,
        step_known=last is not None,
        metric_lines=len(curves),
        told=sorted([*told, *model, *(["steps"] if last else [])]),
        origin={
            "layout": series.layout,
            "file": Path(path).name,
            "sha256": series.sha256,
            "task": found.how,
            "split": split.how,
            "recorded": series.recorded,
            "assumed": list(found.assumed),
            "notes": [*series.notes, *found.notes, *notes],
            **({"key_rule": KEY_RULES[series.layout]} if series.layout in KEY_RULES else {}),
        },
        **listed,
    )
    if split.listed is not None:
        write_train_rows(run.path, split.listed)
    for checkpoint in series.checkpoints:
        at = checkpoint.step if checkpoint.step is not None else (last or 0)
        weights = checkpoint.weights
        if found.order is not None:
            weights = relabel(weights, found.order, found.task.second_token)
        write_tensors(checkpoint_path(run.checkpoints, at), weights, at, run.config_hash)
    if curves:
        write_metrics(run.path / METRICS_FILE, curves)
    return run


def vars_of(model: ModelConfig) -> dict[str, Any]:
    """Return the fields of a model's configuration, without those that only speak of initialisation."""
    left_out = ("initialisation", "init_seed", "init_scale")
    return {k: v for k, v in vars(model).items() if k not in left_out}


def _task_fields(task: Task) -> dict[str, Any]:
    over = {"p": task.p} if task.group is None else {"group": task.group.name}
    return {"task": task.name, **over, "layout": task.layout}


def _last_step(series: ForeignSeries, given: int | None) -> tuple[int | None, list[str]]:
    """Return the step of the last checkpoint, None where nothing tells it, and what is to be noted."""
    step = series.checkpoints[-1].step
    if step is not None or given is not None:
        return (given if step is None else step), []
    epochs = series.task.get("num_epochs")
    if series.layout in SAVED_AT_THE_END and isinstance(epochs, int) and 0 < epochs < MAX_STEP:
        return epochs, [
            f"step {epochs}: the epochs in its settings, after which its program saves the model"
        ]
    return None, ["the file does not tell its step"]


def _told(series: ForeignSeries) -> dict[str, Any]:
    """Return what the file's own settings say of the optimiser, in our words."""
    words = {"lr": "lr", "weight_decay": "weight_decay"}
    told = {
        ours: float(series.task[theirs])
        for theirs, ours in words.items()
        if isinstance(series.task.get(theirs), int | float)
    }
    betas = series.task.get("betas")
    if isinstance(betas, list | tuple) and len(betas) == 2:
        told |= {"beta1": float(betas[0]), "beta2": float(betas[1])}
    return told


def _curves(series: ForeignSeries) -> list[dict[str, Any]]:
    """Return the recorded losses and accuracies as lines of metrics, ascending in the step."""
    by_step: dict[int, dict[str, float]] = {}
    for quantity, curves in (("loss", series.losses), ("accuracy", series.accuracies)):
        for side, (steps, values) in curves.items():
            for step, value in zip(steps, values, strict=True):
                by_step.setdefault(int(step), {})[f"{quantity}_{side}"] = float(value)
    return [{"step": step, **by_step[step]} for step in sorted(by_step)]
