"""Stopping on a signal: it is noted, and looked at where nothing is half done."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass
class Stop:
    """Whether somebody asked to stop."""

    asked: bool = False


@contextlib.contextmanager
def stop_on(signals: Sequence[signal.Signals]) -> Iterator[Stop]:
    """Note these signals instead of acting on them; outside of the main thread none arrives.

    A hang-up that is ignored (nohup) stays ignored.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, frame: object) -> None:
        stop.asked = True

    before = {number: signal.getsignal(number) for number in signals}
    if before.get(signal.SIGHUP) is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
