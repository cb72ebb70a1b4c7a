"""When a condition first holds on a grid of evaluations: the interval, or why there is none.

Pure functions on arrays. An event seen on a grid lies in (previous evaluation, this evaluation];
where it was not seen it is censored at the last evaluation, never dropped.

A grid may be denser in places, where evaluations were added later. Whether an event happened is decided on the
evaluations that the run's schedule declared, and those added only narrow its interval: or noise at a threshold, looked
at more closely, would move an event away from where it was found.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True)
class Crossing:
    """Where a condition first held.

    Attributes
    ----------
    low
        The previous evaluation, None where the condition held at the very first one; for a
        censored crossing the last evaluation, None where there was no evaluation.
    high
        The evaluation at which the condition first held, None for a censored crossing.
    note
        Why a crossing is censored or open below, else empty.
    """

    low: int | None
    high: int | None
    note: str = ""

    @property
    def censored(self) -> bool:
        """Whether the condition was not seen to hold."""
        return self.high is None


def first_sustained(
    steps: Int[np.ndarray, " evaluation"],
    holds: Bool[np.ndarray, " evaluation"],
    consecutive: int,
    added: Int[np.ndarray, " evaluation"] | None = None,
) -> Crossing:
    """Find the first evaluation from which a condition holds `consecutive` times in a row.

    Where evaluations were added, the interval is found on those that were declared, and then narrowed: within it, on
    what was added first, then second, and so on, it is again that of the first evaluation from which the condition
    holds `consecutive` times in a row, or at all of them up to the interval's end.

    Parameters
    ----------
    steps
        Ascending steps of the evaluations.
    holds
        Whether the condition holds at each.
    consecutive
        Evaluations in a row, K.
    added
        0 for a declared evaluation, n for one of those added the n-th time; all declared where None.

    Returns
    -------
    Crossing
        The interval (previous evaluation, first of the K]. With fewer than K evaluations, or no K
        in a row, it is censored at the last evaluation.

    Examples
    --------
    >>> steps, holds = np.array([0, 10, 20, 30, 40]), np.array([0, 0, 1, 1, 1], bool)
    >>> first_sustained(steps, holds, 3)
    Crossing(low=10, high=20, note='')
    >>> steps, holds = np.array([0, 10, 20, 25, 30]), np.array([0, 0, 0, 1, 1], bool)
    >>> first_sustained(steps, holds, 1, added=np.array([0, 0, 0, 1, 0])).high
    25
    """
    if added is None or not added.any():
        return _on_one_grid(steps, holds, consecutive)
    declared = added == 0
    coarse = _on_one_grid(steps[declared], holds[declared], consecutive)
    if coarse.high is None or coarse.low is None:
        return replace(
            coarse, note=_with_seen_between(coarse, steps, holds & ~declared, consecutive)
        )
    found = coarse
    for level in range(1, int(added.max()) + 1):
        found = _narrowed(found, steps[added <= level], holds[added <= level], consecutive)
    if (found.low, found.high) == (coarse.low, coarse.high):
        return coarse
    return replace(found, note=f"narrowed from ({coarse.low}, {coarse.high}] by added checkpoints")


def _narrowed(
    found: Crossing,
    steps: Int[np.ndarray, " evaluation"],
    holds: Bool[np.ndarray, " evaluation"],
    consecutive: int,
) -> Crossing:
    """Find within an interval the first evaluation from which the condition holds often enough, or up to its end."""
    assert found.low is not None
    inside = (steps > found.low) & (steps <= found.high)
    here, held = steps[inside], holds[inside]
    for at in range(len(here)):
        if held[at : at + consecutive].all():
            return Crossing(found.low if at == 0 else int(here[at - 1]), int(here[at]))
    return found


def _with_seen_between(
    found: Crossing,
    steps: Int[np.ndarray, " evaluation"],
    seen: Bool[np.ndarray, " evaluation"],
    consecutive: int,
) -> str:
    """Return the note of a censored crossing, with what was seen once between the declared evaluations."""
    if found.high is not None or consecutive > 1 or not seen.any():
        return found.note
    first = int(steps[np.argmax(seen)])
    return f"at step {first}, an added checkpoint, it held; the declared evaluations do not show it"


def _on_one_grid(
    steps: Int[np.ndarray, " evaluation"], holds: Bool[np.ndarray, " evaluation"], consecutive: int
) -> Crossing:
    if not len(steps):
        return Crossing(None, None, "there is no evaluation")
    last = int(steps[-1])
    if len(steps) < consecutive:
        note = f"only {len(steps)} of the {consecutive} evaluations that have to agree"
        return Crossing(last, None, note)
    windows = np.lib.stride_tricks.sliding_window_view(holds, consecutive).all(axis=1)
    if not windows.any():
        return Crossing(last, None, _unsettled(steps, holds, consecutive))
    at = int(np.argmax(windows))
    high = int(steps[at])
    if at == 0:
        return Crossing(None, high, "it held at the first evaluation already")
    return Crossing(int(steps[at - 1]), high)


def first_crossing(
    steps: Int[np.ndarray, " evaluation"],
    holds: Bool[np.ndarray, " evaluation"],
    added: Int[np.ndarray, " evaluation"] | None = None,
) -> Crossing:
    """Find the first evaluation at which a condition holds, sustained or not."""
    return first_sustained(steps, holds, 1, added)


def _unsettled(
    steps: Int[np.ndarray, " evaluation"], holds: Bool[np.ndarray, " evaluation"], consecutive: int
) -> str:
    """Say where a condition held without being sustained: the run may end before it could be."""
    if holds[-1]:
        since = len(holds) - int(np.argmin(holds[::-1]))
        held = len(holds) - since
        return (
            f"it held at the last {held} of {consecutive} evaluations needed, "
            f"from step {int(steps[since])} on: too late in the run to call"
        )
    if holds.any():
        return f"it held at single evaluations only, first at step {int(steps[np.argmax(holds)])}"
    return ""
