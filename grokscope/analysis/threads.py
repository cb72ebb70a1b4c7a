"""How many threads an analysis has, and that each of them computes with one core.

Checkpoints are independent, so the cores are shared out among them: one checkpoint's matrix products on several cores
would give other roundings than on one, and most of what a measure does is too small for several cores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from grokscope.errors import RequestError
from grokscope.machine import keep_freed_memory, usable_cores
from grokscope.tasks import Task

MEMORY = Path("/proc/meminfo")
SHARE_OF_MEMORY = 0.5
COPIES = 4
"""Of a snapshot's activations, the most that a measure has in work at the same time; a generous count."""


def how_many(asked: int | None, jobs: int, bytes_each: int) -> int:
    """Return the number of threads: as asked, else one a core, as far as memory reaches; no more than jobs.

    Raises
    ------
    RequestError
        Where less than one is asked for.
    """
    if asked is not None and asked < 1:
        raise RequestError(f"{asked} threads", "1 or more")
    if asked is None:
        free = free_memory()
        room = jobs if free is None else int(SHARE_OF_MEMORY * free) // max(1, bytes_each)
        asked = min(usable_cores(), max(1, room))
    return max(1, min(asked, jobs))


def snapshot_bytes(task: Task, d_vocab_out: int, d_mlp: int, d_model: int) -> int:
    """Return about how many bytes the measures of one snapshot need: activations of all inputs, a few times over."""
    per_input = 4 * (d_mlp + d_model) + 12 * d_vocab_out  # logits in float32 and in float64
    return COPIES * task.n_inputs * per_input


def free_memory(table: Path = MEMORY) -> int | None:
    """Return the bytes of memory that are free, None where the machine does not tell (Linux does)."""
    try:
        for line in table.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return None


@contextmanager
def one_core_each() -> Iterator[None]:
    """Let every thread compute with one core inside; as it was afterwards."""
    before = torch.get_num_threads()
    with threadpool_limits(1):  # numpy's matrix products
        torch.set_num_threads(1)
        keep_freed_memory()
        try:
            yield
        finally:
            torch.set_num_threads(before)
