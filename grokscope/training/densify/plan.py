"""What a densifying will do: which steps are missing, from which key frame it replays, where the replay is proved."""

from dataclasses import dataclass
from typing import Any

from grokscope.errors import RequestError
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.run import Run
from grokscope.training.engine import OVERHEAD, SPEED, update_work

LINE_BYTES = 600
"""Of a line of metrics, at most."""
HEADER_BYTES = 4096
"""Of a checkpoint's header, which older files have without digests."""


@dataclass(frozen=True)
class Plan:
    """What a densifying will do.

    Attributes
    ----------
    low, high, every
        The steps that were asked for: low, low + every, ... up to high.
    missing
        Those of them that have no checkpoint, ascending.
    start
        The key frame that the replay begins from; 0 for the beginning.
    stored
        The steps on the way that have a checkpoint, which the replay has to meet: the last one ends it. Empty where
        nothing is missing.
    at_frame
        Whether the last of `stored` is a key frame and no checkpoint: an interrupted run, which has none further on.
    bytes
        What the new checkpoints take, about.
    seconds
        How long the replay takes on two slow cores, about.
    """

    low: int
    high: int
    every: int
    missing: tuple[int, ...]
    start: int
    stored: tuple[int, ...]
    at_frame: bool
    bytes: int
    seconds: float

    @property
    def end(self) -> int:
        """The step at which the replay ends."""
        return self.stored[-1] if self.stored else self.start

    @property
    def updates(self) -> int:
        """How many updates are replayed."""
        return self.end - self.start

    def to_json(self) -> dict[str, Any]:
        """Return what `grokscope densify --plan --json` prints."""
        return {
            "low": self.low,
            "high": self.high,
            "every": self.every,
            "missing": list(self.missing),
            "from": self.start,
            "replayed": self.updates,
            "proved_at": self.end,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 1),
        }

    def describe(self) -> str:
        """Return it in one line."""
        if not self.missing:
            return f"nothing to add: every {self.every} steps from {self.low} to {self.high} there is a checkpoint"
        begin = f"the key frame at {self.start}" if self.start else "the beginning"
        proof = "key frame" if self.at_frame else "checkpoint"
        return (
            f"{len(self.missing)} checkpoints from {self.missing[0]} to {self.missing[-1]}, {self.bytes / 1e6:.1f} MB; "
            f"replays {self.updates} steps from {begin}, about {_duration(self.seconds)}; "
            f"proved at the {proof} of step {self.end}"
        )


def plan_densify(
    run: Run, between: tuple[int, int], every: int = 1, start: int | None = None
) -> Plan:
    """Return what adding the checkpoints low, low + every, ... up to high will take.

    Parameters
    ----------
    run
        A run that was trained here.
    between
        (low, high) within the run, low not above high.
    every
        Steps from one to the next.
    start
        The key frame to replay from, 0 for the beginning; the last one at or before what is missing where None.

    Raises
    ------
    RequestError
        For steps that make no sense, an imported run, no key frame at `start`, or an interrupted run that has no
        checkpoint and no key frame at or after `high`.
    """
    if run.split is None or "origin" in run.info:
        raise RequestError(
            f"{run.path} was imported, not trained here: there is nothing to replay",
            "a run made by grokscope train",
        )
    low, high = _checked(run, between, every)
    present = run.steps
    missing = tuple(s for s in range(low, high + 1, every) if s not in set(present))
    if not missing:
        return Plan(low, high, every, (), low, (), False, 0, 0.0)
    begin = _begin(run, missing[0], start)
    end = min((s for s in present if s >= missing[-1]), default=None)
    at_frame = end is None
    if end is None:
        end = min((s for s in run.keyframes if s >= missing[-1]), default=None)
    if end is None:
        reached = max((*present, *run.keyframes), default=0)
        raise RequestError(
            f"steps up to {missing[-1]}: the last checkpoint, or key frame, is at {reached}, and nothing after it "
            "could prove what is replayed",
            f"steps up to {reached}",
            f"to go further: grokscope resume {run.path}",
        )
    stored = tuple(s for s in present if begin < s < end) + (end,)
    size = _checkpoint_bytes(run, present)
    return Plan(
        low, high, every, missing, begin, stored, at_frame,
        len(missing) * (size + LINE_BYTES), _seconds(run, end - begin, len(missing) + len(stored)),
    )  # fmt: skip


def _checked(run: Run, between: tuple[int, int], every: int) -> tuple[int, int]:
    low, high = between
    given: tuple[object, ...] = (low, high, every)
    whole = all(isinstance(s, int) and not isinstance(s, bool) for s in given)
    if not whole or every < 1:
        raise RequestError(f"between {low} and {high}, every {every}", "whole numbers, every >= 1")
    if low > high:
        raise RequestError(f"between {low} and {high}", "two steps, the smaller one first")
    steps = run.config.schedule.steps
    if low < 0 or high > steps:
        raise RequestError(f"between {low} and {high}", f"steps from 0 to {steps}")
    return low, high


def _begin(run: Run, first: int, asked: int | None) -> int:
    frames = (0, *run.keyframes)
    if asked is None:
        return max((s for s in frames if s < first), default=0)
    if asked not in frames or asked > 0 and asked >= first:
        usable = [s for s in frames if s < first or not s]
        raise RequestError(
            f"to replay step {first} from {asked}", f"a key frame before it: {usable}"
        )
    return asked


def _checkpoint_bytes(run: Run, present: tuple[int, ...]) -> int:
    if not present:
        return 0
    return checkpoint_path(run.checkpoints, present[-1]).stat().st_size + HEADER_BYTES


def _seconds(run: Run, n_updates: int, n_evaluations: int) -> float:
    """Return about how long a replay takes: the matrix products of its updates, and of evaluations on all rows.

    From the shapes alone; an evaluation has no backward pass, a third of the products.
    """
    assert run.split is not None
    model, n_train = run.config.model, len(run.split.rows("train"))
    rows = min(run.config.optimiser.batch_size or n_train, n_train)
    update = OVERHEAD + update_work(model, rows) / SPEED
    evaluation = OVERHEAD + update_work(model, run.task.n_inputs) / 3 / SPEED
    return n_updates * update + n_evaluations * evaluation


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
