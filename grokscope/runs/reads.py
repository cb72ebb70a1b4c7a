"""What a computation reads beside the checkpoint that it is given: noted, so that its result can be kept for as long.

with noting() as reads:
    value = measure(snapshot)
reads  # {"previous"}: the value is that of this checkpoint and of the one before
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Read = Literal["final key", "initial", "previous", "info", "run"]
"""final key: the key frequencies of the run's last checkpoint; initial, previous: the weights at step 0, of the
checkpoint before; info: config.json beyond the configuration; run: anything else of it, of which no count is kept."""

_NOTES: ContextVar[set[Read] | None] = ContextVar("reads", default=None)


@contextmanager
def noting() -> Iterator[set[Read]]:
    """Yield the set of what is read inside, in this thread; what encloses it reads that too."""
    outer, notes = _NOTES.get(), set[Read]()
    token = _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.reset(token)
        if outer is not None:
            outer |= notes


@contextmanager
def unnoted() -> Iterator[None]:
    """Note nothing inside: for the ways by which something is read that was noted under its own name."""
    token = _NOTES.set(None)
    try:
        yield
    finally:
        _NOTES.reset(token)


def note(*reads: Read) -> None:
    """Note that something is read, where anybody wants to know."""
    notes = _NOTES.get()
    if notes is not None:
        notes.update(reads)
