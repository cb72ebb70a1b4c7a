"""When a condition first holds on a grid of evaluations: the interval, or why there is none.

Pure functions on arrays. An event seen on a grid lies in (previous evaluation, this evaluation];
where it was not seen it is censored at the last evaluation, never dropped.
"""

from dataclasses import dataclass

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
    steps: Int[np.ndarray, " evaluation"], holds: Bool[np.ndarray, " evaluation"], consecutive: int
) -> Crossing:
    """Find the first evaluation from which a condition holds `consecutive` times in a row.

    Parameters
    ----------
    steps
        Ascending steps of the evaluations.
    holds
        Whether the condition holds at each.
    consecutive
        Evaluations in a row, K.

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
    """
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
    steps: Int[np.ndarray, " evaluation"], holds: Bool[np.ndarray, " evaluation"]
) -> Crossing:
    """Find the first evaluation at which a condition holds, sustained or not."""
    return first_sustained(steps, holds, 1)


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
