"""Ctrl-C, and the other signals that ask a process to end: once, and not in the middle of a thing that must be whole.

SIGTERM is what a machine that is taken away sends first, SIGHUP what a terminal that is closed sends. A command treats
all three alike (`grokscope.cli.ending`); a program that uses grokscope keeps the handlers that it has.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopOnce:
    """A handler of signals: the first raises KeyboardInterrupt, whatever comes later does no harm.

    Attributes
    ----------
    asked
        The signal that came first; None where none came yet.
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the first signal and raise."""
        if self.asked is None:
            self.asked = signal.Signals(number)
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Let an interrupt wait for the end of the block, which is short: within it something is half done.

    Handlers other than Python's own and `StopOnce` are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {n: signal.getsignal(n) for n in SIGNALS}
    ours = {number: handler for number, handler in before.items() if _raises(handler)}
    seen: list[int] = []
    for number in ours:
        signal.signal(number, lambda number, frame: seen.append(number))
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
    if seen:
        ours[signal.Signals(seen[0])](seen[0], None)


def _raises(handler: Any) -> bool:
    return handler is signal.default_int_handler or isinstance(handler, StopOnce)
