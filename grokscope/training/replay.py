"""A run trained again from one of its key frames, update by update, to the same bits; nothing is written."""

import contextlib
import math
from collections.abc import Sequence
from types import TracebackType

from torch import Tensor

from grokscope.errors import RequestError
from grokscope.runs.run import Run
from grokscope.training.engine import Engine, recorded_engine
from grokscope.training.machine_then import changed_since
from grokscope.training.processor import repeatable
from grokscope.training.siblings import (
    Sibling,
    common_frames,
    is_stacked,
    open_siblings,
    read_siblings,
    rebuild,
)
from grokscope.training.stack import Stack
from grokscope.training.state import frames, read_state
from grokscope.training.trainer import Trainer


class Replay:
    """A run that is trained again; made by `replayer`, and to be closed, or used as a context manager.

    Until then the process computes as the run was computed: its number of threads, torch's deterministic algorithms.
    """

    def __init__(self, trainer: Trainer, held: contextlib.ExitStack) -> None:
        self._trainer, self._held = trainer, held

    @property
    def step(self) -> int:
        """The step that it has reached."""
        return self._trainer.step

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights at that step; the next update changes them in place."""
        return self._trainer.weights

    def update(self) -> float:
        """Do one update and return the training loss before it; one that is no finite number moves nothing."""
        return self._trainer.update()

    def metrics(self) -> dict[str, float]:
        """Return loss and accuracy at this step, as they stand in metrics.jsonl."""
        return self._trainer.metrics()

    def is_finite(self) -> bool:
        """Return whether every weight is a finite number."""
        return self._trainer.is_finite()

    def changed(self, run: Run) -> dict[str, tuple[str, str]]:
        """Return name -> (then, now) of what computes this otherwise than `run` was computed; see `changed_since`."""
        return changed_since(run, self._trainer)

    def close(self) -> None:
        """Compute as before."""
        self._held.close()

    def __enter__(self) -> "Replay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class StackReplay(Replay):
    """A member of a stack, trained again among those it was trained with."""

    def __init__(
        self, stack: Stack, inside: Sequence[Sibling], run: Run, held: contextlib.ExitStack
    ) -> None:
        own = next(place for place, each in enumerate(inside) if each.run is run)
        super().__init__(stack.members[own], held)
        self._stack = stack
        self._siblings = dict(zip(stack.members, inside, strict=True))

    def update(self) -> float:
        """Do one update of all, and return the training loss of this one before it."""
        stack, trainer = self._stack, self._trainer
        self._let_go()
        if trainer not in stack.members:
            return math.nan  # it is at its end
        place = stack.members.index(trainer)
        lost = stack.update()
        loss = stack.last_loss(place)
        stack.leave(lost)
        return loss

    def metrics(self) -> dict[str, float]:
        """Return loss and accuracy at this step, computed as a stack computes them."""
        if self._trainer not in self._stack.members:
            return super().metrics()
        return self._stack.metrics()[self._stack.members.index(self._trainer)]

    def _let_go(self) -> None:
        """Take out who left at this step, after its evaluation: it stopped early, or was no longer finite."""
        stack = self._stack
        siblings = [self._siblings[member] for member in stack.members]
        if any(each.end == stack.step for each in siblings):
            metrics = stack.metrics()
            stack.leave(
                [
                    place
                    for place, (each, member) in enumerate(
                        zip(siblings, stack.members, strict=True)
                    )
                    if each.left_at(stack.step, member.is_finite(), metrics[place])
                ]
            )


def replayer(run: Run, step: int, engine: Engine | None = None) -> Replay:
    """Return `run` at the key frame of `step`, ready to be trained again; step 0 is the beginning.

    Parameters
    ----------
    engine
        How to compute; as the run says of itself where None, which alone gives the same bits.

    Raises
    ------
    RequestError
        Where the run was not trained here, `step` has no key frame, or the stack that it was trained in cannot be put
        together again at `step`: why is said.
    UnsoundError
        Where the key frame is damaged.

    Examples
    --------
    >>> with replayer(run, run.keyframes[-1]) as replay:  # doctest: +SKIP
    ...     replay.update()
    """
    if run.split is None or "origin" in run.info:
        raise RequestError(
            f"{run.path} was imported, not trained here", "a run made by grokscope train"
        )
    engine = recorded_engine(run.info) if engine is None else engine
    held = contextlib.ExitStack()
    try:
        held.enter_context(repeatable(engine.threads))
        if is_stacked(run):
            return _stack_replay(run, step, engine, held)
        trainer = Trainer(run.config, run.task, run.split, engine)
        read_state(run, trainer, step)
    except BaseException:
        held.close()
        raise
    return Replay(trainer, held)


def _stack_replay(run: Run, step: int, engine: Engine, held: contextlib.ExitStack) -> Replay:
    siblings = read_siblings(open_siblings(run))
    own = next(each for each in siblings if each.run is run)
    if not own.has_frame(step):
        raise RequestError(
            f"{run.path} has no key frame at step {step}", f"0 or one of {list(frames(run))}"
        )
    for each in siblings:
        if each.was_in(step) and not each.has_frame(step):
            raise RequestError(
                f"{run.path} was trained in a stack, of which {each.run.name} has no key frame at step {step}",
                f"one of {common_frames(siblings)}",
            )
    if not own.was_in(step):
        raise RequestError(f"{run.path} ended at step {own.end}", f"a step up to {own.end}")
    inside = [each for each in siblings if each.was_in(step)]
    return StackReplay(rebuild(siblings, step, engine), inside, run, held)
