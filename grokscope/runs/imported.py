"""A foreign checkpoint or series becomes a run.

What its file does not say is left out, asked for, or proven; never invented.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float64
from numpy import ndarray
from torch import Tensor

from grokscope.config import ModelConfig, RunConfig, override
from grokscope.errors import RequestError
from grokscope.models.families import forward
from grokscope.models.fast import make_plan
from grokscope.models.foreign import ForeignSeries, expected_loss, identify_split, read_foreign
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import MetricsWriter
from grokscope.runs.run import Run, create_run
from grokscope.tasks import TASKS, Task, make_split, make_task

SURE = 0.5
NEXT_BEST = 0.75
"""Tasks share parts of their tables (division where b is odd): the next best answers at most this share of the best."""


def import_foreign(
    path: str | Path,
    out: str | Path,
    layout: str | None = None,
    task: str | None = None,
    p: int | None = None,
    split_seed: int | None = None,
    frac_train: float | None = None,
    shuffle: str = "python",
    step: int | None = None,
) -> Run:
    """Read a foreign file or folder of files and write it as a run.

    Parameters
    ----------
    path
        A checkpoint, or a folder with a series of them.
    out
        Directory of the run, which must not exist yet.
    layout
        `nanda` or `transformerlens`; detected where None.
    task, p
        What it learned. Where the file does not say: the one task on which the last checkpoint
        answers more than half of all inputs, and clearly more than any other task's.
    split_seed, frac_train, shuffle
        Which rows it trained on. Where the file does not say: the split whose mean losses are the
        recorded ones, if the file has recorded losses and just one split fits; else the split stays
        unknown, and nothing is said of train and test.
    step
        The step of a single file that does not say.

    Raises
    ------
    RequestError
        Where something is needed that neither the file nor the caller says, or they contradict each other.
    UnsoundError
        For a damaged file.
    """
    series = read_foreign(Path(path), layout)
    if (split_seed is None) != (frac_train is None):
        raise RequestError("half of a split", "both split_seed and frac_train, or neither")
    if step is not None and (len(series.checkpoints) > 1 or series.checkpoints[0].step is not None):
        raise RequestError(f"step = {step}, but the file says its steps", "no step here")
    found, how_task = _task(series, task, p)
    model = _model(series, found)
    per_row = _loss_per_row(series, found, model)
    split, how_split = _split(series, found, per_row, split_seed, frac_train, shuffle)
    told = {"task": found.name, "p": found.p, **(split or {}), **_told(series)}
    steps = [c.step for c in series.checkpoints]
    last = steps[-1] if steps[-1] is not None else step
    config = override(RunConfig(), **told, **vars_of(model), steps=max(1, last or 1))
    run = create_run(
        Path(out),
        config,
        split_known=split is not None,
        step_known=last is not None,
        told=sorted([*told, *vars_of(model), *(["steps"] if last else [])]),
        origin={
            "layout": series.layout,
            "file": Path(path).name,
            "sha256": series.sha256,
            "task": how_task,
            "split": how_split,
            "assumed": list(series.assumed),
            "notes": list(series.notes),
        },
    )
    for checkpoint in series.checkpoints:
        at = checkpoint.step if checkpoint.step is not None else (step or 0)
        write_tensors(checkpoint_path(run.checkpoints, at), checkpoint.weights, at, run.config_hash)
    _write_losses(run, series)
    return run


def vars_of(model: ModelConfig) -> dict[str, Any]:
    """Return the fields of a model's configuration, without those that only speak of initialisation."""
    left_out = ("initialisation", "init_seed", "init_scale")
    return {k: v for k, v in vars(model).items() if k not in left_out}


def _told(series: ForeignSeries) -> dict[str, Any]:
    """Return what the file's own settings say of the optimiser, in our words."""
    words = {"lr": "lr", "weight_decay": "weight_decay"}
    told = {
        ours: float(series.task[theirs]) for theirs, ours in words.items() if theirs in series.task
    }
    betas = series.task.get("betas")
    if betas is not None and len(betas) == 2:
        told |= {"beta1": float(betas[0]), "beta2": float(betas[1])}
    return told


def _model(series: ForeignSeries, task: Task) -> ModelConfig:
    fields = dict(series.model)
    if fields.get("n_ctx", task.n_ctx) != task.n_ctx:
        raise RequestError(
            f"the model reads {fields['n_ctx']} positions",
            f"{task.n_ctx} positions (a, b, =) for {task.name}",
        )
    d_vocab, classes = fields.get("d_vocab"), fields.get("d_vocab_out")
    if d_vocab != task.d_vocab or classes not in (task.n_classes, task.d_vocab):
        raise RequestError(
            f"the model has {d_vocab} tokens and {classes} classes",
            f"{task.d_vocab} tokens and {task.n_classes} or {task.d_vocab} classes for {task.name} mod {task.p}",
        )
    vocabulary = "tokens" if classes == task.d_vocab else "answers"
    return override(
        RunConfig(), **(fields | {"n_ctx": task.n_ctx, "output_vocabulary": vocabulary})
    ).model


def _task(series: ForeignSeries, name: str | None, p: int | None) -> tuple[Task, str]:
    modulus = p if p is not None else series.p
    if modulus is None:
        modulus = int(series.model["d_vocab"]) - 1
    if name is not None:
        return make_task(name, modulus), "given"
    hint = _task_hint(series.task)
    if hint is not None:
        return make_task(hint, modulus), "said by the file"
    accuracy = {}
    for candidate, operation in TASKS.items():
        if operation.over != "modulus":
            continue
        try:
            task = make_task(candidate, modulus)
        except RequestError:
            continue
        logits = _last_logits(series, task, _model(series, task))
        right = logits[:, : task.n_classes].argmax(1) == torch.as_tensor(task.answers)
        accuracy[candidate] = float(right.double().mean())
    ranked = sorted(accuracy, key=lambda name: -accuracy[name])
    shares = [*(accuracy[name] for name in ranked), 0.0, 0.0]
    if shares[0] > SURE and shares[1] <= NEXT_BEST * shares[0]:
        found = make_task(ranked[0], modulus)
        return found, f"identified: it answers {shares[0]:.4f} of all inputs"
    raise RequestError(
        "the file does not say which task it learned, and its last checkpoint solves none",
        ", ".join(accuracy or TASKS),
        "give --task",
    )


def _task_hint(settings: Mapping[str, Any]) -> str | None:
    """Return our name of the task that the file's settings name, None where they do not."""
    said = str(settings.get("fn_name", "")).lower()
    words = {"mod_add": "add", "mod_sub": "subtract", "mod_mul": "mul", "mod_div": "div"}
    exact = {
        "add": "mod_add",
        "subtract": "mod_sub",
        "sub": "mod_sub",
        "multiply": "mod_mul",
        "divide": "mod_div",
    }
    return exact.get(said, said if said in words else None)


def _last_logits(series: ForeignSeries, task: Task, model: ModelConfig) -> Tensor:
    plan = make_plan(task.tokens, model.attention_mask == "causal")
    with torch.no_grad():
        return forward(series.checkpoints[-1].weights, model, plan).logits.double()


def _loss_per_row(
    series: ForeignSeries, task: Task, model: ModelConfig
) -> Float64[ndarray, " input"]:
    logits = _last_logits(series, task, model)
    answers = torch.as_tensor(task.answers)
    return (torch.logsumexp(logits, 1) - logits.gather(1, answers[:, None])[:, 0]).numpy()


def _split(
    series: ForeignSeries,
    task: Task,
    per_row: Float64[ndarray, " input"],
    seed: int | None,
    frac: float | None,
    shuffle: str,
) -> tuple[dict[str, Any] | None, str]:
    """Return (the split's fields or None, how it is known)."""
    last = series.checkpoints[-1].step
    recorded = {
        side: expected_loss(*series.losses[side], last)
        for side in ("train", "test")
        if side in series.losses and last is not None
    }
    train, test = recorded.get("train"), recorded.get("test")
    how = "given"
    if seed is None and "seed" in series.task and "frac_train" in series.task:
        seed, frac, how = (
            int(series.task["seed"]),
            float(series.task["frac_train"]),
            "said by the file",
        )
    if seed is None or frac is None:
        if train is None or test is None or task.n_inputs != task.p**2:
            return None, "not known: the file does not say; give --split-seed and --frac-train"
        found = identify_split(torch.as_tensor(per_row), train, test)
        if found is None:
            return (
                None,
                "not known: no published split fits the recorded losses; give --split-seed and --frac-train",
            )
        fields = {
            "split_seed": found.split_seed,
            "frac_train": found.frac_train,
            "shuffle": "python",
        }
        return fields, "identified: the only published split whose losses are the recorded ones"
    fields = {"split_seed": seed, "frac_train": frac, "shuffle": shuffle}
    split = make_split(task, override(RunConfig(), **fields).split)
    for side, expected in (("train", train), ("test", test)):
        mean = float(per_row[split.rows(side)].mean()) if len(split.rows(side)) else None
        if expected is not None and mean is not None and not _agrees(mean, expected.value):
            raise RequestError(
                f"with split seed {seed} and {frac} of the rows the {side} loss is {mean:.4g}, "
                f"but the file recorded {expected.value:.4g}",
                "the split that it was trained with",
                "leave --split-seed and --frac-train out to have it identified",
            )
    return fields, how


def _agrees(mean: float, recorded: float) -> bool:
    return abs(math.log(max(mean, 1e-12) / max(recorded, 1e-12))) < math.log(2.0)


def _write_losses(run: Run, series: ForeignSeries) -> None:
    by_step: dict[int, dict[str, float]] = {}
    for side, (steps, values) in series.losses.items():
        for step, value in zip(steps, values, strict=True):
            by_step.setdefault(int(step), {})[f"loss_{side}"] = float(value)
    if not by_step:
        return
    writer = MetricsWriter(run.path / METRICS_FILE)
    try:
        for step in sorted(by_step):
            writer.append({"step": step, **by_step[step]})
    finally:
        writer.close()
