"""A process that trains runs, job by job, as it is told through a pipe."""

import os
import signal
import time
from multiprocessing.connection import Connection

from grokscope.sweeps.job import Job
from grokscope.sweeps.stopping import Stop, stop_on

TOLD_EVERY = 0.2

# What goes through the pipe. To the worker: a job, or None: keep what you are at, and end.
# From the worker: ("ready",), ("metrics", place, step, metrics), ("ended", place, Outcome), by places in the job.


def serve(pipe: Connection, parent: int, threads: int) -> None:
    """Train what comes through `pipe` until None comes, the parent is gone, or a SIGTERM.

    Ctrl-C reaches every process of a terminal; here it does nothing, since the parent says when to stop.
    """
    import torch

    from grokscope.sweeps.train_several import attempt_job

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    torch.set_num_threads(threads)
    with stop_on([signal.SIGTERM]) as stop:
        line = _Line(pipe, parent, stop)
        line.say("ready")
        while (job := line.next_job()) is not None:
            attempt_job(job, line.on_member, line.on_end)


class _Line:
    """The worker's end of the pipe; a parent that is gone counts as one that says stop."""

    def __init__(self, pipe: Connection, parent: int, stop: Stop) -> None:
        self._pipe, self._parent, self._stop = pipe, parent, stop
        self._told, self._step, self._tells = 0.0, -1, False

    def say(self, *words: object) -> None:
        try:
            self._pipe.send(words)
        except OSError:
            self._stop.asked = True

    def next_job(self) -> Job | None:
        self._step = -1
        while not self._stop.asked:
            try:
                if self._pipe.poll(TOLD_EVERY):
                    return self._pipe.recv()
            except (OSError, EOFError):
                return None
            if os.getppid() != self._parent:
                return None
        return None

    def on_end(self, place: int, outcome: object) -> None:
        self.say("ended", place, outcome)

    def on_member(self, place: int, step: int, metrics: dict[str, float]) -> None:
        """Tell the parent how far the job is, not too often; raise where it is to stop.

        The runs of a stack are evaluated at the same steps: either all are told of, or none.
        """
        if step != self._step:
            self._step = step
            self._heed()
            now = time.monotonic()
            self._tells = now - self._told >= TOLD_EVERY
            if self._tells:
                self._told = now
        if self._tells:
            self.say("metrics", place, step, metrics)

    def _heed(self) -> None:
        try:
            # During a job only None can come, or the end of the pipe.
            if self._pipe.poll() and self._pipe.recv() is None:
                self._stop.asked = True
        except (OSError, EOFError):
            self._stop.asked = True
        if self._stop.asked or os.getppid() != self._parent:
            raise KeyboardInterrupt
