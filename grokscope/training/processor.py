"""The processor while a run trains: repeatable to the bit, and not held up."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from grokscope.machine import keep_freed_memory


@contextlib.contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Compute with so many threads and torch's deterministic algorithms; restore what was before.

    Memory that torch is about to write is not filled first, as its deterministic mode otherwise does: nothing here
    reads what it did not write.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False
    torch.set_num_threads(threads)
    keep_freed_memory()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        memory.fill_uninitialized_memory = filled
        torch.set_num_threads(before[1])
