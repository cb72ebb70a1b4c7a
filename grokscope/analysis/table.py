"""What the measures gave at every step, kept as whole arrays: one number takes eight bytes, not an object."""

import numpy as np
from numpy import ndarray

from grokscope.errors import RequestError


class StepTable:
    """Variables along `n` steps, filled in any order.

    Parameters
    ----------
    n
        Number of steps.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._arrays: dict[str, ndarray] = {}
        self._filled: dict[str, int] = {}

    def put(self, name: str, place: int, value: ndarray) -> None:
        """Keep what a variable is at one step.

        Raises
        ------
        RequestError
            Where it has another shape than at the steps before.
        """
        if name not in self._arrays:
            self._arrays[name] = np.empty((*value.shape, self.n), dtype=value.dtype)
            self._filled[name] = 0
        array = self._arrays[name]
        if array.shape[:-1] != value.shape:
            raise RequestError(
                f"'{name}' has shape {value.shape} at one step and {array.shape[:-1]} at another",
                "the same shape at every step",
            )
        if array.dtype != value.dtype:
            array = array.astype(np.result_type(array.dtype, value.dtype))
            self._arrays[name] = array
        array[..., place] = value
        self._filled[name] += 1

    def arrays(self) -> dict[str, ndarray]:
        """Return each variable with a last axis of steps.

        Raises
        ------
        AssertionError
            Where one was not given at every step.
        """
        assert all(count == self.n for count in self._filled.values()), self._filled
        return self._arrays
