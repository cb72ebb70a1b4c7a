"""The training loop: full batch or minibatches, dense checkpoints, repeatable to the bit."""

import contextlib
import fcntl
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.models.families import forward, logits_of
from grokscope.models.fast import Plan, make_plan
from grokscope.models.initialise import initialise
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import MetricsWriter, read_metrics
from grokscope.runs.run import Run, create_run, open_run
from grokscope.tasks import Split, Task, make_split
from grokscope.training.early_stop import EarlyStop
from grokscope.training.evaluate import evaluate, metric_rows
from grokscope.training.interventions.assemble import make_interventions
from grokscope.training.interventions.training_loss import make_loss
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
        self.interventions = make_interventions(config, self.weights)
        self.loss = make_loss(config.intervention, config.optimiser.loss_dtype)
        self.optimiser = make_optimiser(self.weights, config.optimiser)
        self.step = 0
        self.order = torch.Generator().manual_seed(config.optimiser.batch_seed)
        self.epoch = torch.empty(0, dtype=torch.int64)
        self.causal = config.model.attention_mask == "causal"
        self.tokens, self.labels = task.tokens, torch.as_tensor(split.labels)
        self.train_rows = torch.as_tensor(split.rows("train"))
        self.rows = metric_rows(split)
        self.plan = make_plan(task.tokens, self.causal)
        self.train_plan = self.plan_of(self.train_rows)

    def plan_of(self, rows: Tensor) -> Plan:
        """Return the plan of the training forward of these rows; under dropout no two rows share anything."""
        tokens = self.tokens[rows.numpy()]
        return make_plan(tokens, self.causal, shared=self.interventions.dropout is None)

    def forward(self, plan: Plan) -> Tensor:
        """Return the logits of the training forward, with weight noise and dropout."""
        weights = self.interventions.noisy(self.weights)
        if self.interventions.dropout is None:
            return logits_of(weights, self.config.model, plan)
        return forward(weights, self.config.model, plan, self.interventions.dropout).logits

    def next_batch(self) -> Tensor:
        """Return the rows of the next update; every epoch goes through the training rows once in a new order."""
        size = self.config.optimiser.batch_size
        if len(self.epoch) < size:
            fresh = self.train_rows[torch.randperm(len(self.train_rows), generator=self.order)]
            self.epoch = fresh if len(self.epoch) == 0 else torch.cat([self.epoch, fresh])
        batch, self.epoch = self.epoch[:size], self.epoch[size:]
        return batch

    def update(self) -> float:
        """Do one update and return the training loss before it; a loss that is no finite number moves nothing."""
        size, opt = self.config.optimiser.batch_size, self.config.optimiser
        if size and size < len(self.train_rows):
            rows = self.next_batch()
            plan = self.plan_of(rows)
        else:
            rows, plan = self.train_rows, self.train_plan
        loss = self.loss(self.forward(plan), self.labels[rows])
        value = loss.item()
        if not math.isfinite(value):
            return value
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        rate = learning_rate(opt, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("lr_ratio", 1.0)
        self.interventions.before_step(self.weights, self.optimiser)
        self.optimiser.step()
        self.interventions.after_step(self.weights, self.optimiser)
        self.step += 1
        return value

    def is_finite(self) -> bool:
        """Return whether every weight is a finite number."""
        return all(bool(w.isfinite().all()) for w in self.weights.values())

    def metrics(self) -> dict[str, float]:
        """Return loss and accuracy on train, test and twin-free test rows now."""
        return evaluate(
            self.weights,
            self.config.model,
            self.plan,
            self.labels,
            self.rows,
            squared_error=self.config.intervention.loss_function == "mse",
        )


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
        engine="per_row" if config.intervention.dropout else "fast",
        threads=torch.get_num_threads(),
        declared_checkpoints=list(config.schedule.checkpoints()),
        **info,
    )
    with _only_writer(run.path):
        return _train(run, Trainer(config, task, split), on_metrics, stop_after)


def resume_run(path: Path, on_metrics: OnMetrics | None = None) -> Run:
    """Go on with an interrupted run from its last key frame, to the same bits as an uninterrupted one.

    A run that diverged is returned as it is: it would diverge again.

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
        if any(line.get("diverged") for line in run.metrics()):
            return run
        trainer = Trainer(run.config, run.task, run.split)
        read_state(run, trainer)
        return _train(run, trainer, on_metrics, None)


def _train(run: Run, trainer: Trainer, on_metrics: OnMetrics | None, stop_after: int | None) -> Run:
    schedule = run.config.schedule
    wanted = set(schedule.checkpoints())
    done = [line for line in read_metrics(run.path / METRICS_FILE) if line["step"] < trainer.step]
    _rewrite_metrics(run, done)
    early = EarlyStop(schedule.stop_accuracy, done)
    writer = MetricsWriter(run.path / METRICS_FILE)
    try:
        with _repeatable(int(run.info.get("threads", torch.get_num_threads()))):
            while True:
                if not _keep(run, trainer, wanted, early, writer, on_metrics):
                    break
                if trainer.step >= schedule.steps:
                    break
                if stop_after is not None and trainer.step >= stop_after:
                    write_state(run, trainer)
                    return run
                with _interrupts_wait():
                    loss = trainer.update()
                if not math.isfinite(loss):
                    writer.append(_diverged(trainer.step))
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
    early: EarlyStop,
    writer: MetricsWriter,
    on_metrics: OnMetrics | None,
) -> bool:
    """Write what the schedule wants at this step: metrics, checkpoint, key frame.

    Return whether the run goes on. Where it diverged that is recorded, and nothing else written; where it may stop
    early that is recorded, with a checkpoint.
    """
    step, schedule = trainer.step, run.config.schedule
    stop = False
    if step % schedule.eval_every == 0 or step in wanted:
        metrics = trainer.metrics()
        if not all(map(math.isfinite, metrics.values())) or not trainer.is_finite():
            writer.append(_diverged(step))
            return False
        stop = early.seen(metrics)
        writer.append({"step": step, **metrics, **({"stopped": True} if stop else {})})
        if on_metrics is not None:
            on_metrics(step, metrics)
    if step in wanted or stop:
        write_tensors(
            checkpoint_path(run.checkpoints, step), trainer.weights, step, run.config_hash
        )
    if schedule.keyframe_every and step and step % schedule.keyframe_every == 0:
        write_state(run, trainer)
    return not stop


def _diverged(step: int) -> dict[str, Any]:
    return {"step": step, "loss_train": None, "diverged": True}


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
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait for the end of an update: in the middle of one, weights and optimiser are of different steps.

    Another handler than Python's own is left alone.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if seen:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Hold the run's lock; RequestError where another process holds it."""
    try:
        handle = os.open(path / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror or error}", "a run directory that can be written"
        ) from error
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
