"""The training loop of one run: metrics, checkpoints, key frames, interruption and resuming."""

import contextlib
import json
import math
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.files import write_json, write_text
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.lock import only_writer
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.metrics import MetricsWriter, read_metrics
from grokscope.runs.run import CONFIG_FILE, Run, create_run, open_run
from grokscope.tasks import make_split
from grokscope.training.early_stop import EarlyStop
from grokscope.training.engine import EngineConfig, choose_engine, recorded_engine
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve
from grokscope.training.state import read_state, write_state
from grokscope.training.trainer import Trainer
from grokscope.training.writer import CheckpointWriter

OnMetrics = Callable[[int, dict[str, float]], None]


def train_run(
    config: RunConfig,
    out: Path,
    on_metrics: OnMetrics | None = None,
    stop_after: int | None = None,
    engine: EngineConfig | None = None,
    **info: Any,
) -> Run:
    """Train a run into the new directory `out` and return it.

    Parameters
    ----------
    on_metrics
        Called with (step, metrics) at every evaluation.
    stop_after
        Stop at this step with the state kept, as an interruption would; for tests and for training in parts.
    engine
        How to compute, all "auto" where None; what was chosen stands in config.json.
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
    chosen = choose_engine(config, len(split.rows("train")), engine or EngineConfig())
    run = create_run(
        out,
        config,
        **chosen.record(),
        declared_checkpoints=list(config.schedule.checkpoints()),
        **info,
    )
    with only_writer(run.path), repeatable(chosen.threads):
        trainer = Trainer(config, task, split, chosen)
        if trainer.engine != chosen:
            run.info.update(trainer.engine.record())
            write_json(run.path / CONFIG_FILE, run.info)
        return _train(run, trainer, on_metrics, stop_after)


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
    engine = recorded_engine(run.info)
    with only_writer(run.path), repeatable(engine.threads):
        if any(line.get("diverged") for line in run.metrics()):
            return run
        trainer = Trainer(run.config, run.task, run.split, engine)
        read_state(run, trainer)
        return _train(run, trainer, on_metrics, None)


def _train(run: Run, trainer: Trainer, on_metrics: OnMetrics | None, stop_after: int | None) -> Run:
    steps = run.config.schedule.steps
    with Keeper(run, trainer, on_metrics) as keeper:
        try:
            while keeper.keep() and trainer.step < steps:
                if stop_after is not None and trainer.step >= stop_after:
                    break
                with interrupts_wait():
                    loss = trainer.update()
                if not math.isfinite(loss):
                    keeper.diverged()
                    break
        except KeyboardInterrupt:
            keeper.keep_state()
            raise
        keeper.keep_state()
    return run


class Keeper:
    """Writes what a run in training leaves: metrics, checkpoints, key frames. A context manager.

    Lines of metrics from the trainer's step on are removed first: they are written again. Several runs may share the
    writer of checkpoints, which is then closed by who made it.
    """

    def __init__(
        self,
        run: Run,
        trainer: Trainer,
        on_metrics: OnMetrics | None,
        checkpoints: CheckpointWriter | None = None,
    ) -> None:
        self.run, self.trainer, self.on_metrics = run, trainer, on_metrics
        schedule = run.config.schedule
        self.wanted = set(schedule.checkpoints())
        lines = read_metrics(run.path / METRICS_FILE)
        done = [line for line in lines if line["step"] < trainer.step]
        text = "".join(json.dumps(line) + "\n" for line in done)
        write_text(run.path / METRICS_FILE, text)
        self.early = EarlyStop(schedule.stop_accuracy, done)
        self.lines = MetricsWriter(run.path / METRICS_FILE)
        self._own_writer = checkpoints is None
        self.checkpoints = CheckpointWriter() if checkpoints is None else checkpoints

    def evaluates(self) -> bool:
        """Return whether the present step is evaluated."""
        step = self.trainer.step
        return step % self.run.config.schedule.eval_every == 0 or step in self.wanted

    def keep(self, metrics: dict[str, float] | None = None) -> bool:
        """Write what the schedule wants at this step, and return whether the run goes on.

        `metrics` are those of this step, computed here where None. Where the run diverged that is recorded, and
        nothing else written; where it may stop early that is recorded, with a checkpoint.
        """
        trainer, schedule = self.trainer, self.run.config.schedule
        step, stop = trainer.step, False
        if self.evaluates():
            metrics = trainer.metrics() if metrics is None else metrics
            if not all(map(math.isfinite, metrics.values())) or not trainer.is_finite():
                self.diverged()
                return False
            stop = self.early.seen(metrics)
            self.lines.append({"step": step, **metrics, **({"stopped": True} if stop else {})})
            if self.on_metrics is not None:
                self.on_metrics(step, metrics)
        if step in self.wanted or stop:
            path = checkpoint_path(self.run.checkpoints, step)
            self.checkpoints.write(path, trainer.weights, step, self.run.config_hash)
        if schedule.keyframe_every and step and step % schedule.keyframe_every == 0:
            self.keep_state()
        return not stop

    def diverged(self) -> None:
        """Record that the run diverged at this step."""
        self.lines.append({"step": self.trainer.step, "loss_train": None, "diverged": True})

    def keep_state(self) -> None:
        """Write a key frame, after the checkpoints before it."""
        self.checkpoints.wait()
        write_state(self.run, self.trainer)

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.lines.close()
        if self._own_writer:
            self.checkpoints.__exit__(kind, *rest)


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
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
