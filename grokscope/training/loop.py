"""The training loop: full batch or minibatches, dense checkpoints, repeatable to the bit."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.models.fast import fast_forward, make_plan
from grokscope.models.initialise import initialise
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import MetricsWriter, read_metrics
from grokscope.runs.run import Run, create_run, open_run
from grokscope.tasks import Split, Task, make_split
from grokscope.training.evaluate import evaluate, metric_rows
from grokscope.training.optimisers import learning_rate, make_optimiser
from grokscope.training.resolve import resolve
from grokscope.training.state import read_state, write_state

OnMetrics = Callable[[int, dict[str, float]], None]


class Trainer:
    """One run in training: weights, optimiser, batch order, and the step that they have reached.

    Weights, gradients and order depend on the configuration, the machine, the number of threads and torch's version
    alone: gathers are look-ups whose gradients add in a fixed order, and torch's deterministic algorithms are on.
    """

    def __init__(self, config: RunConfig, task: Task, split: Split) -> None:
        self.config, self.split = config, split
        dtype = getattr(torch, config.dtype)
        self.weights = {k: w.requires_grad_() for k, w in initialise(config.model, dtype).items()}
        self.optimiser = make_optimiser(self.weights.values(), config.optimiser)
        self.step = 0
        self.order = torch.Generator().manual_seed(config.optimiser.batch_seed)
        self.epoch = torch.empty(0, dtype=torch.int64)
        self.causal = config.model.attention_mask == "causal"
        self.tokens, self.labels = task.tokens, torch.as_tensor(split.labels)
        self.train_rows = torch.as_tensor(split.rows("train"))
        self.rows = metric_rows(split)
        self.plan = make_plan(task.tokens, self.causal)
        self.train_plan = make_plan(task.tokens[split.rows("train")], self.causal)

    def next_batch(self) -> Tensor:
        """Return the rows of the next update; every epoch goes through the training rows once in a new order."""
        size = self.config.optimiser.batch_size
        if len(self.epoch) < size:
            fresh = self.train_rows[torch.randperm(len(self.train_rows), generator=self.order)]
            self.epoch = fresh if len(self.epoch) == 0 else torch.cat([self.epoch, fresh])
        batch, self.epoch = self.epoch[:size], self.epoch[size:]
        return batch

    def update(self) -> float:
        """Do one update and return the training loss before it."""
        size, opt = self.config.optimiser.batch_size, self.config.optimiser
        if size and size < len(self.train_rows):
            rows = self.next_batch()
            plan = make_plan(self.tokens[rows.numpy()], self.causal)
        else:
            rows, plan = self.train_rows, self.train_plan
        logits = fast_forward(self.weights, self.config.model, plan).logits
        loss = torch.nn.functional.cross_entropy(
            logits.to(getattr(torch, opt.loss_dtype)), self.labels[rows]
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(opt, self.step)
        self.optimiser.step()
        self.step += 1
        return loss.item()

    def metrics(self) -> dict[str, float]:
        """Return loss and accuracy on train, test and twin-free test rows now."""
        return evaluate(self.weights, self.config.model, self.plan, self.labels, self.rows)


def train_run(
    config: RunConfig,
    out: Path,
    on_metrics: OnMetrics | None = None,
    stop_after: int | None = None,
    **info: Any,
) -> Run:
    """Train a run into the new directory `out` and return it.

    Parameters
    ----------
    on_metrics
        Called with (step, metrics) at every evaluation.
    stop_after
        Stop at this step with the state kept, as an interruption would; for tests and for training in parts.
    **info
        Written to config.json beside the configuration.

    Raises
    ------
    RequestError
        For a configuration that makes no sense, or a directory that is not empty or cannot be written.
    KeyboardInterrupt
        After the state was kept: `resume_run` goes on from there.
    """
    config, task = resolve(config)
    split = make_split(task, config.split)
    run = create_run(
        out,
        config,
        engine="fast",
        threads=torch.get_num_threads(),
        declared_checkpoints=list(config.schedule.checkpoints()),
        **info,
    )
    with _only_writer(run.path):
        return _train(run, Trainer(config, task, split), on_metrics, stop_after)


def resume_run(path: Path, on_metrics: OnMetrics | None = None) -> Run:
    """Go on with an interrupted run from its last key frame, to the same bits as an uninterrupted one.

    Raises
    ------
    RequestError
        Where the run is foreign, or another process writes it.
    """
    run = open_run(path)
    if run.split is None or "origin" in run.info:
        raise RequestError(
            f"{path} was imported, not trained here", "a run made by grokscope train"
        )
    with _only_writer(run.path):
        trainer = Trainer(run.config, run.task, run.split)
        read_state(run, trainer)
        return _train(run, trainer, on_metrics, None)


def _train(run: Run, trainer: Trainer, on_metrics: OnMetrics | None, stop_after: int | None) -> Run:
    schedule = run.config.schedule
    wanted = set(schedule.checkpoints())
    done = [line for line in read_metrics(run.path / METRICS_FILE) if line["step"] < trainer.step]
    _rewrite_metrics(run, done)
    writer = MetricsWriter(run.path / METRICS_FILE)
    try:
        with _repeatable(int(run.info.get("threads", torch.get_num_threads()))):
            while True:
                _keep(run, trainer, wanted, writer, on_metrics)
                if trainer.step >= schedule.steps:
                    break
                if stop_after is not None and trainer.step >= stop_after:
                    write_state(run, trainer)
                    return run
                loss = trainer.update()
                if not np.isfinite(loss):
                    line = {"step": trainer.step - 1, "loss_train": loss, "diverged": True}
                    writer.append(line)
                    break
    except KeyboardInterrupt:
        write_state(run, trainer)
        raise
    finally:
        writer.close()
    write_state(run, trainer)
    return run


def _keep(
    run: Run,
    trainer: Trainer,
    wanted: set[int],
    writer: MetricsWriter,
    on_metrics: OnMetrics | None,
) -> None:
    """Write what the schedule wants at this step: metrics, checkpoint, key frame."""
    step, schedule = trainer.step, run.config.schedule
    if step % schedule.eval_every == 0 or step in wanted:
        metrics = trainer.metrics()
        writer.append({"step": step, **metrics})
        if on_metrics is not None:
            on_metrics(step, metrics)
    if step in wanted:
        write_tensors(
            checkpoint_path(run.checkpoints, step), trainer.weights, step, run.config_hash
        )
    if schedule.keyframe_every and step and step % schedule.keyframe_every == 0:
        write_state(run, trainer)


def _rewrite_metrics(run: Run, lines: list[dict[str, Any]]) -> None:
    import json

    from grokscope.files import write_text

    write_text(run.path / METRICS_FILE, "".join(json.dumps(line) + "\n" for line in lines))


@contextlib.contextmanager
def _repeatable(threads: int) -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.set_num_threads(before[1])


@contextlib.contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Hold the run's lock; RequestError where another process holds it."""
    handle = os.open(path / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RequestError(
                f"{path} is being written by another process", "one writer at a time"
            ) from error
        yield
    finally:
        os.close(handle)
