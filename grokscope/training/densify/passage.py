"""The replay: from a key frame through every stored checkpoint up to one past the last step that is wanted.

The weights at a step stay aside until the replay meets the next stored checkpoint bit for bit; then they are what the
run passed through, for one update depends on everything before it. Where it does not meet it nothing is added.
"""

import math
from collections.abc import Callable, Mapping

from torch import Tensor

from grokscope.errors import UnsoundError
from grokscope.runs.checkpoints import checkpoint_path, read_tensors
from grokscope.runs.metrics import FILE as METRICS_FILE
from grokscope.runs.run import Run
from grokscope.training.densify.aside import Aside
from grokscope.training.densify.plan import Plan
from grokscope.training.replay import Replay
from grokscope.training.same_bits import metrics_apart, weights_apart

WEIGHTS = "weights."
"""What the names of a key frame's weights begin with."""


class Passage:
    """One replay, and what it met so far.

    Parameters
    ----------
    run, plan
        The run, and what is added to it.
    replay
        The run at the plan's key frame.
    aside
        Where checkpoints wait for their proof.
    """

    def __init__(self, run: Run, plan: Plan, replay: Replay, aside: Aside) -> None:
        self.run, self.plan, self.replay, self.aside = run, plan, replay, aside
        self.missing, self.stored = set(plan.missing), set(plan.stored)
        self.lines = {line["step"]: line for line in run.metrics() if not line.get("diverged")}
        self.met = False

    def go(self, on_step: Callable[[int, int], None] | None = None) -> None:
        """Replay to the end of the plan; UnsoundError where it does not meet what is stored."""
        start, end = self.plan.start, self.plan.end
        while True:
            step = self.replay.step
            if step in self.lines or step in self.missing:
                self._evaluate(step)
            if step in self.stored:
                self._meet(step)
            if on_step is not None:
                on_step(step - start, end - start)
            if step >= end:
                return
            if not math.isfinite(self.replay.update()):
                raise self._not_met("what is stored further on", "its loss is no finite number")

    def _evaluate(self, step: int) -> None:
        """Compare the metrics of a step with its line, and keep its checkpoint aside where it is wanted."""
        metrics = self.replay.metrics()
        apart = metrics_apart(metrics, self.lines.get(step, {}))
        if apart:
            raise self._not_met(f"the line of {METRICS_FILE}", apart)
        if step in self.missing:
            new = None if step in self.lines else metrics
            self.aside.keep(step, self.replay.weights, new)

    def _meet(self, step: int) -> None:
        """Compare the weights with those that are stored; what waits for its proof has it now."""
        what, weights = self._stored(step)
        apart = weights_apart(self.replay.weights, weights)
        if apart:
            raise self._not_met(what, apart)
        self.met = True
        self.aside.move_in(step)

    def _stored(self, step: int) -> tuple[str, Mapping[str, Tensor]]:
        if self.plan.at_frame and step == self.plan.end:
            return "the stored key frame", frame_weights(self.run, step)
        return "the stored checkpoint", self.run.weights(step)

    def _not_met(self, what: str, apart: str) -> UnsoundError:
        start, added = self.plan.start, self.aside.added
        begin = f"the key frame at {start}" if start else "the beginning"
        kept = "nothing was added"
        if added:
            kept = f"{len(added)} checkpoints up to {added[-1]}, which were proved, are added"
        # A key frame that led to a stored checkpoint is the right one.
        suspect = bool(start) and not self.met
        return UnsoundError(
            f"{self.run.path}, replayed from {begin}, does not meet {what} at step {self.replay.step}: {apart}; "
            f"{kept}; why that may be: {self._reasons(suspect)}",
            todo=other_way(self.run, start)
            if suspect
            else "replay where it was trained, or restore the file",
        )

    def _reasons(self, suspect: bool) -> str:
        """Say what may have made the replay another: the machine, or files that were changed."""
        changed = self.replay.changed(self.run)
        found = [f"{name} was {then}, is {now}" for name, (then, now) in changed.items()]
        if not self.met:
            found.append("another processor")
        file = "the key frame, or the stored file," if suspect else "the stored file"
        return "; ".join([*found, f"{file} was changed"])


def frame_weights(run: Run, step: int) -> dict[str, Tensor]:
    """Return the weights of a key frame; UnsoundError where it is damaged."""
    tensors, _ = read_tensors(checkpoint_path(run.state, step), run.config_hash)
    return {k.removeprefix(WEIGHTS): t for k, t in tensors.items() if k.startswith(WEIGHTS)}


def other_way(run: Run, start: int) -> str:
    """Say how to do without the key frame at `start`."""
    before = max((s for s in run.keyframes if s < start), default=0)
    where = f"the key frame before it: --from {before}" if before else "the beginning: --from 0"
    return f"restore or delete the key frame, or replay from {where}"
