"""CUDA graphs: the kernels of an action recorded once, and launched together from then on."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

WARM_UP = 3

Result = TypeVar("Result")


class Captured(Generic[Result]):
    """An action on tensors that stay where they are, recorded as a CUDA graph.

    It is run three times first, as libraries set themselves up at their first calls: the caller undoes what that
    changed. What the action returns is the same tensors every time.

    Raises
    ------
    RuntimeError
        Where something in the action cannot be recorded, such as one that waits for the device.
    """

    def __init__(self, action: Callable[[], Result]) -> None:
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                action()
        torch.cuda.current_stream().wait_stream(beside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.result = action()

    def __call__(self) -> Result:
        """Do it again."""
        self.graph.replay()
        return self.result
