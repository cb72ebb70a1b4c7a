"""What a run in training leaves on the disk: metrics, checkpoints, key frames, each compared with what is there."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from grokscope.errors import UnsoundError
from grokscope.files import make_folder
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors
from grokscope.runs.densified import forget_densified
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import Run, write_config
from grokscope.training.early_stop import EarlyStop
from grokscope.training.machine_then import changed_since, continuations
from grokscope.training.metrics_log import MetricsLog
from grokscope.training.past import Past
from grokscope.training.same_bits import weights_apart
from grokscope.training.state import declared_keyframes, frames, state_tensors
from grokscope.training.trainer import Trainer
from grokscope.training.writer import CheckpointWriter

OnMetrics = Callable[[int, dict[str, float]], None]
OnNote = Callable[[str], None]
"""on_note(sentence): what a user should know, in one line."""

TIMED = 60.0
"""Seconds of training after which a key frame is written, for a process that is killed; removed after the next."""


class Clock:
    """When the next timed key frame is due; runs of a stack share one, and so have them at the same steps."""

    def __init__(self) -> None:
        self.last, self.step = time.monotonic(), -1

    def is_due(self, step: int) -> bool:
        """Return whether one is due at `step`; the answer for a step stays the same."""
        if step != self.step and time.monotonic() - self.last >= TIMED:
            self.step, self.last = step, time.monotonic()
        return step == self.step


class Keeper:
    """Writes what a run in training leaves. A context manager.

    A run that goes on passes steps again whose metrics and checkpoints are on the disk already. They are compared bit
    for bit and stay as they are; a damaged checkpoint is written anew. Where something sound differs the run is on
    another machine than it was begun on, or damaged: that is an error, and nothing is changed.

    Parameters
    ----------
    run, trainer
        The run, and its trainer at the step from which it begins or goes on.
    on_metrics
        Called with (step, metrics) at every evaluation.
    past
        What is in metrics.jsonl; None for a new run.
    writer, clock
        Those of a stack, whose runs share them; it closes the writer.
    anyway
        Go on where something differs: it is replaced, and config.json says from which step on.
    on_note
        Told of what was damaged.
    """

    def __init__(
        self,
        run: Run,
        trainer: Trainer,
        on_metrics: OnMetrics | None = None,
        past: Past | None = None,
        *,
        writer: CheckpointWriter | None = None,
        clock: Clock | None = None,
        anyway: bool = False,
        on_note: OnNote | None = None,
    ) -> None:
        self.run, self.trainer, self.on_metrics, self.on_note = run, trainer, on_metrics, on_note
        self.begun, self.anyway = trainer.step, anyway
        self.wanted = set(run.config.schedule.checkpoints())
        self.scheduled = set(declared_keyframes(run.config))
        self.there = set() if past is None else set(run.steps)
        self.framed = self.begun if self.begun else -1
        self.changed = {} if past is None else changed_since(run, trainer)
        make_folder(run.state)
        self.log = MetricsLog(
            run.path / METRICS_FILE, self.begun, past or Past(), self._is_evaluated
        )
        before = [line for line in self.log.lines if self._is_evaluated(line["step"])]
        self.early = EarlyStop(run.config.schedule.stop_accuracy, before)
        self.clock = clock or Clock()
        self._own_writer = writer is None
        self.writer = CheckpointWriter() if writer is None else writer

    def evaluates(self) -> bool:
        """Return whether the present step is evaluated."""
        return self._is_evaluated(self.trainer.step)

    def _is_evaluated(self, step: int) -> bool:
        return step % self.run.config.schedule.eval_every == 0 or step in self.wanted

    def keep(self, metrics: dict[str, float] | None = None) -> bool:
        """Write what the schedule wants at this step, and return whether the run goes on.

        `metrics` are those of this step, computed here where None. Where the run diverged that is recorded, and nothing
        else written; where it may stop early that is recorded, with a checkpoint. The line of the last evaluation is
        written after all else: a run with that line is complete.
        """
        trainer = self.trainer
        step, last, line = trainer.step, False, None
        if self.evaluates():
            metrics = trainer.metrics() if metrics is None else metrics
            if not all(map(math.isfinite, metrics.values())) or not trainer.is_finite():
                self.diverged()
                return False
            stop = self.early.seen(metrics)
            last = stop or step >= self.run.config.schedule.steps
            line = {"step": step, **metrics, **({"stopped": True} if stop else {})}
            self._compare(self.log.difference(line))
            if not last:
                self._note_line(line)
            if self.on_metrics is not None:
                self.on_metrics(step, metrics)
        if step in self.wanted or last:
            self._keep_checkpoint()
        if last or step in self.scheduled or self.clock.is_due(step):
            self.keep_state()
        if last and line is not None:
            self._end(line)
        return not last

    def diverged(self) -> None:
        """Record that the run diverged at this step, after its state was kept where that is finite."""
        line = {"step": self.trainer.step, "loss_train": None, "diverged": True}
        self._compare(self.log.difference(line))
        self.keep_state()
        self._end(line)

    def keep_state(self) -> None:
        """Write a key frame, unless a weight is no finite number, after all that is before it.

        Key frames before it that are not of the schedule are removed once it is on the disk.
        """
        step = self.trainer.step
        if step == self.framed or not self.trainer.is_finite():
            return
        self.log.writer.sync()
        path = checkpoint_path(self.run.state, step)
        self.writer.write(path, state_tensors(self.trainer), step, self.run.config_hash)
        self.writer.then(partial(self._prune, step))
        self.framed = step

    def _prune(self, step: int) -> None:
        for before in frames(self.run):
            if before < step and before not in self.scheduled:
                checkpoint_path(self.run.state, before).unlink(missing_ok=True)

    def _end(self, line: dict[str, Any]) -> None:
        self.writer.wait()
        self._note_line(line)
        self.log.writer.sync()

    def _note_line(self, line: dict[str, Any]) -> None:
        if self.changed and not self.log.is_ahead:
            self._record_change()
        self.log.add(line)

    def _keep_checkpoint(self) -> None:
        step = self.trainer.step
        path = checkpoint_path(self.run.checkpoints, step)
        if step in self.there:
            try:
                stored, header = read_tensors(path)
            except UnsoundError:
                self._say(f"{path} was damaged, and is written anew")
            else:
                self._compare(self._difference(stored, header))
                if step in self.there:
                    return
        self.writer.write(path, self.trainer.weights, step, self.run.config_hash)

    def _difference(self, stored: dict[str, Tensor], header: dict[str, str]) -> str:
        """Return how a stored checkpoint differs from the weights now, "" where it does not."""
        weights = self.trainer.weights
        told = header.get("config"), header.get("step")
        if told != (self.run.config_hash, str(self.trainer.step)):
            return "its checkpoint is of another run or step"
        apart = weights_apart(weights, stored)
        return f"of its checkpoint {apart}" if apart else ""

    def _compare(self, difference: str) -> None:
        """Go on where nothing differs, or where that is wanted; raise UnsoundError otherwise."""
        if not difference:
            return
        step = self.trainer.step
        if not self.anyway:
            machine = "; ".join(f"{k} was {a}, is {b}" for k, (a, b) in self.changed.items())
            raise UnsoundError(
                f"{self.run.path}, trained again from step {self.begun}, is not what is on the disk: at step {step} "
                f"{difference} ({machine or 'the same versions, another processor or damage'})",
                todo="go on where it was begun, or with --anyway: what is on the disk after step "
                f"{self.begun} is then replaced, and config.json says so",
            )
        self._record_change(difference)
        self.log.forget_ahead()
        self.writer.wait()
        for folder in (self.run.checkpoints, self.run.state):
            for later in list_steps(folder):
                if later > step or (later == step and folder == self.run.checkpoints):
                    checkpoint_path(folder, later).unlink(missing_ok=True)
        forget_densified(self.run.path, step)
        self.there.clear()

    def _record_change(self, difference: str = "") -> None:
        """Write down, once, that the run is another machine's from the step on from which it went on."""
        if not self.changed and not difference:
            return
        entry: dict[str, Any] = {"step": self.begun}
        entry |= {"changed": {k: list(pair) for k, pair in self.changed.items()}}
        entry |= {"difference": difference} if difference else {}
        self.run.info["continued"] = [*continuations(self.run.info), entry]
        write_config(self.run)
        self.changed = {}

    def _say(self, sentence: str) -> None:
        if self.on_note is not None:
            self.on_note(sentence)

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if self._own_writer:
                self.writer.__exit__(kind, *rest)
        finally:
            self.log.writer.close()
