"""The processes of a sweep: each trains job after job; one that dies takes only the runs of its own job with it."""

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from grokscope.errors import RequestError
from grokscope.sweeps.job import Job
from grokscope.sweeps.stopping import Stop
from grokscope.sweeps.train_one import Outcome
from grokscope.sweeps.train_several import attempt_job
from grokscope.sweeps.worker import TOLD_EVERY, serve

WORKER_NAME = "grokscope sweep worker"
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")

Hear = Callable[..., None]
"""hear(index, "started"), hear(index, "metrics", step, metrics), hear(index, "ended", outcome), run by run."""


def train_here(jobs: Sequence[Job], hear: Hear, stop: Stop) -> None:
    """Train the jobs one after the other in this process."""
    for job in jobs:
        if stop.asked:
            return
        for index in job.places:
            hear(index, "started")

        def on_member(place: int, step: int, metrics: dict[str, float], job: Job = job) -> None:
            hear(job.places[place], "metrics", step, metrics)
            if stop.asked:
                raise KeyboardInterrupt

        def on_end(place: int, outcome: Outcome, job: Job = job) -> None:
            hear(job.places[place], "ended", outcome)

        attempt_job(job, on_member, on_end)


def train_in_processes(
    jobs: Sequence[Job], workers: int, threads: int, hear: Hear, stop: Stop
) -> None:
    """Train the jobs in `workers` processes of `threads` threads each.

    Whatever happens here, no process is left: each is told to stop, keeps the state of its runs, and is waited for.

    Raises
    ------
    RequestError
        Where a process cannot start.
    """
    crew: list[_Worker] = []
    waiting = deque(jobs)
    try:
        while waiting or crew:
            if stop.asked:
                waiting.clear()
                for worker in crew:
                    worker.tell(None)
            while waiting and len(crew) < workers:
                crew.append(_hire(threads))
                crew[-1].give(waiting.popleft(), hear)
            ready = connection.wait([worker.pipe for worker in crew], timeout=TOLD_EVERY)
            for worker in [w for w in crew if w.pipe in ready]:
                if not worker.listen(hear):
                    crew.remove(worker)
                elif worker.is_free:
                    if waiting:
                        worker.give(waiting.popleft(), hear)
                    else:
                        worker.tell(None)
    finally:
        for worker in crew:
            worker.tell(None)
        for worker in crew:
            worker.dismiss()


@dataclass
class _Worker:
    """A process and our end of its pipe."""

    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    left: set[int] = field(default_factory=set)
    began: bool = False
    stopped: bool = False
    signalled: bool = False

    @property
    def is_free(self) -> bool:
        """Whether the process waits for its next job."""
        return self.began and self.job is None and not self.stopped

    def give(self, job: Job, hear: Hear) -> None:
        self.job, self.left = job, set(job.places)
        for index in job.places:
            hear(index, "started")
        with contextlib.suppress(OSError):  # a process that died is noticed when it is listened to
            self.pipe.send(job)

    def tell(self, nothing: None) -> None:
        """Say, once, that there is nothing more to do."""
        if not self.stopped:
            self.stopped = True
            with contextlib.suppress(OSError):
                self.pipe.send(nothing)

    def listen(self, hear: Hear) -> bool:
        """Pass on what the process says; False where it has ended, the runs of its job with it if it had one."""
        said = None
        with contextlib.suppress(OSError, EOFError):
            said = self.pipe.recv()
        if said is None:
            self._ended(hear)
            return False
        word, *rest = said
        if word == "ready":
            self.began = True
        elif self.job is not None:
            place, *more = rest
            index = self.job.places[place]
            if word == "ended":
                more = [self._judged(more[0])]
                self.left.discard(index)
                if not self.left:
                    self.job = None
            hear(index, word, *more)
        return True

    def _judged(self, outcome: Outcome) -> Outcome:
        """Return a run's outcome: one that was interrupted by a signal to its process, not by us, has failed."""
        if outcome.status != "interrupted" or (self.stopped and not self.signalled):
            return outcome
        self.stopped = self.signalled = True  # the process ends now
        return Outcome("failed", "its process was told to stop; the state is kept")

    def dismiss(self) -> None:
        """Wait for the end of a process that was told to stop."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                self.pipe.recv()
        self.process.join()

    def _ended(self, hear: Hear) -> None:
        self.process.join()
        code = self.process.exitcode or 0
        if code > 0 and not self.began:
            raise RequestError(
                f"a process of the sweep could not start (exit code {code})",
                todo="in a script, call gs.sweep under if __name__ == '__main__':, or give it workers=0",
            )
        how = f"was killed (signal {-code})" if code < 0 else f"ended (exit code {code})"
        for index in sorted(self.left):
            hear(index, "ended", Outcome("failed", f"its process {how}"))


def _hire(threads: int) -> _Worker:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(
        target=serve, args=(theirs, os.getpid(), threads), name=WORKER_NAME, daemon=True
    )
    # A new process reads its threads when it loads torch, which a user's script may do before we are asked.
    with _environment(_threads_of_libraries(threads)), _without_interrupts():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _threads_of_libraries(threads: int) -> dict[str, str]:
    return {f"{library}_NUM_THREADS": str(threads) for library in _LIBRARIES}


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back: a process started meanwhile never sees one, and ours comes after.

    The tracker that multiprocessing starts beside the first process lets signals through again, so it comes first.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
