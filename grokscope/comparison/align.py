"""Where a run's steps lie on the axis of a comparison: as they are, from an event on, or relative to an event."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from grokscope.comparison.member import Member
from grokscope.errors import RequestError, nearest
from grokscope.figures.marks import event_words, interval_words
from grokscope.transitions.transition import Transition

STEP = "step"


@dataclass(frozen=True)
class Alignment:
    """How steps become places.

    Attributes
    ----------
    event
        The event that lies at 0, or at 1 where relative; None where steps stay as they are.
    relative
        Whether a place is step / event's step, else step - event's step. The event's step is the upper end of its
        interval, the evaluation at which it was first seen.
    """

    event: str | None = None
    relative: bool = False

    def place(self, member: Member, steps: Shaped[ndarray, " step"]) -> Float[ndarray, " step"]:
        """Return the places of a run's steps; the run has the event (`why_out`)."""
        values = np.asarray(steps, dtype=np.float64)
        if self.event is None:
            return values
        at = member.transitions[self.event].high
        assert at is not None, self
        return values / at if self.relative else values - at

    def why_out(self, member: Member) -> str:
        """Return why a run has no place on the axis, or nothing."""
        if self.event is None:
            return ""
        if self.event not in member.transitions.names:
            return f"no event '{self.event}'"
        event = member.transitions[self.event]
        if event.censored:
            return interval_words(event)
        return "seen at step 0 already" if self.relative and not event.high else ""

    @property
    def origin(self) -> float | None:
        """The place of the event."""
        return None if self.event is None else float(self.relative)

    def title(self, *, log: bool) -> str:
        """Return the axis title."""
        if self.event is None:
            words = "training step"
        elif self.relative:
            words = f"step ÷ step of {event_words(self.event)}"
        else:
            words = f"steps after {event_words(self.event)}"
        return f"{words} (log scale)" if log else words

    def told(self, members: Sequence[Member]) -> str:
        """Return what a caption says of the alignment: where the event lies in each run, and how surely."""
        if self.event is None:
            return ""
        at = "1" if self.relative else "0"
        each = "; ".join(f"{m.name} {m.transitions[self.event].when}" for m in members)
        operation = "divided by" if self.relative else "minus"
        return (
            f"Across: the step {operation} that at which {event_words(self.event)} was first seen, so that it lies at "
            f"{at}; it happened within the evaluation interval before: {each}."
        )


def alignment(align: str | None, relative: bool, members: Sequence[Member]) -> Alignment:
    """Return the alignment that a user asks for.

    Raises
    ------
    RequestError
        For an event that no run knows, or `relative` without an event.
    """
    if align in (None, STEP):
        if relative:
            raise RequestError("relative without an event", "relative with the name of an event")
        return Alignment()
    known = dict.fromkeys(name for m in members for name in m.transitions.names)
    if align not in known:
        raise RequestError(
            f"no event '{align}' to align by", ", ".join([STEP, *known]),
            nearest(str(align), [STEP, *known]),
        )  # fmt: skip
    return Alignment(align, relative)


def bounds(event: Transition) -> tuple[float, float]:
    """Return low and high of an event as numbers, low < step <= high.

    low is -1 for an event there at the first evaluation, which may have been there at step 0; high is infinite where
    it was not seen; both are not-a-number where nothing was looked at.
    """
    if event.high is not None:
        return (-1.0 if event.low is None else float(event.low)), float(event.high)
    return (np.nan, np.nan) if event.low is None else (float(event.low), np.inf)
