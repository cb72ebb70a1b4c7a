"""A process that trains runs, one after the other, as it is told through a pipe."""

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.sweeps.stopping import Stop, stop_on

TOLD_EVERY = 0.2

# What goes through the pipe. To the worker: a job, or None: keep what you are at, and end.
Job = tuple[RunConfig, Path]
# From the worker: ("ready",), ("metrics", step, metrics), ("ended", Outcome).


def serve(pipe: Connection, parent: int, threads: int) -> None:
    """Train what comes through `pipe` until None comes, the parent is gone, or a SIGTERM.

    Ctrl-C reaches every process of a terminal; here it does nothing, since the parent says when to stop.
    """
    import torch

    from grokscope.sweeps.train_one import attempt

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    torch.set_num_threads(threads)
    with stop_on([signal.SIGTERM]) as stop:
        line = _Line(pipe, parent, stop)
        line.say("ready")
        while (job := line.next_job()) is not None:
            config, path = job
            line.say("ended", attempt(config, path, line.on_metrics))


class _Line:
    """The worker's end of the pipe; a parent that is gone counts as one that says stop."""

    def __init__(self, pipe: Connection, parent: int, stop: Stop) -> None:
        self._pipe, self._parent, self._stop, self._told = pipe, parent, stop, 0.0

    def say(self, *words: object) -> None:
        try:
            self._pipe.send(words)
        except OSError:
            self._stop.asked = True

    def next_job(self) -> Job | None:
        while not self._stop.asked:
            try:
                if self._pipe.poll(TOLD_EVERY):
                    return self._pipe.recv()
            except (OSError, EOFError):
                return None
            if os.getppid() != self._parent:
                return None
        return None

    def on_metrics(self, step: int, metrics: dict[str, float]) -> None:
        """Tell the parent how far the run is, not too often; raise where it is to stop."""
        now = time.monotonic()
        if now - self._told >= TOLD_EVERY:
            self._told = now
            self.say("metrics", step, metrics)
        try:
            # During a run only None can come, or the end of the pipe.
            if self._pipe.poll() and self._pipe.recv() is None:
                self._stop.asked = True
        except (OSError, EOFError):
            self._stop.asked = True
        if self._stop.asked or os.getppid() != self._parent:
            raise KeyboardInterrupt
