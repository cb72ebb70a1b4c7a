"""The path of the weights through their space: which checkpoint leaves it, judged from distances alone.

For checkpoints k-1, k, k+1 with weights w the detour of k is (|w_k - w_k-1| + |w_k+1 - w_k|) / |w_k+1 - w_k-1|, 1 on a
straight line. Noise about a fixed point gives 2, an oscillation from step to step more, but at every checkpoint. The
pace of k is |w_k - w_k-1| over its number of updates, as a multiple of the larger pace of the two intervals beside it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

FAR = 30.0
"""A detour of a checkpoint that lies elsewhere."""
BEYOND_USUAL = 10.0
"""As a multiple of the run's median detour."""
LOOKED_AT = 5
"""Checkpoints that are recomputed since they have the largest detours, and as many for the largest paces."""


@dataclass(frozen=True)
class Trajectory:
    """Distances between checkpoints that follow each other.

    Attributes
    ----------
    steps
        Steps of the checkpoints.
    one
        Euclidean distance of each from the one before; index 0 is of the second.
    two
        From the one before that; index 0 is of the third.
    """

    steps: Int[ndarray, " checkpoint"]
    one: Float[ndarray, " interval"]
    two: Float[ndarray, " pair"]

    @property
    def detours(self) -> Float[ndarray, " pair"]:
        """Detour of each checkpoint but the first and the last; infinite where only its neighbours are equal."""
        legs = self.one[:-1] + self.one[1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(legs > 0, legs / self.two, 1.0)

    @property
    def paces(self) -> Float[ndarray, " interval"]:
        """Pace of each interval beside its neighbours'; 1 where there is nothing to compare."""
        rate = self.one / np.diff(self.steps)
        beside = np.maximum(np.append(0.0, rate[:-1]), np.append(rate[1:], 0.0))
        return np.divide(rate, beside, out=np.ones_like(rate), where=beside > 0)

    def suspects(self) -> list[int]:
        """Return the steps to look at first: the largest detours and paces, whatever they are."""
        found: set[int] = set()
        for values, offset in ((self.detours, 1), (self.paces, 1)):
            for place in np.argsort(values)[::-1][:LOOKED_AT]:
                found.add(int(self.steps[place + offset]))
        return sorted(found)

    def elsewhere(self) -> list[tuple[int, float]]:
        """Return (step, detour) of checkpoints that lie far from the path of all others."""
        if len(self.two) < 3:
            return []
        detours = self.detours
        usual = float(np.median(detours))
        return [
            (int(self.steps[place + 1]), float(value))
            for place, value in enumerate(detours)
            if value > FAR and value > BEYOND_USUAL * usual and not _is_beside(detours, place)
        ]


def _is_beside(detours: Float[ndarray, " pair"], place: int) -> bool:
    """Return whether a neighbour lies further off: a wrong checkpoint has large detours beside it."""
    beside = detours[max(0, place - 1) : place + 2]
    return bool(detours[place] < beside.max())


def trajectory(steps: list[int], one: list[float], two: list[float]) -> Trajectory:
    """Return the trajectory of checkpoints that follow each other."""
    return Trajectory(np.array(steps, dtype=np.int64), np.array(one), np.array(two))
