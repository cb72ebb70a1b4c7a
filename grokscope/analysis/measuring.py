"""Every chosen measure at every chosen step: what is kept is looked up, the rest is computed by several threads.

A thread has one checkpoint at a time, with all that is derived from it, or the weights alone of some checkpoints for
measures that read nothing else. So memory does not grow with the number of checkpoints, but for the results.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait

import numpy as np
import torch

from grokscope.analysis.cache import Cache
from grokscope.analysis.cache_file import Kept
from grokscope.analysis.jobs import Job, plan_jobs
from grokscope.analysis.spread import take_all
from grokscope.analysis.table import StepTable
from grokscope.analysis.threads import how_many, snapshot_bytes
from grokscope.errors import UnsoundError
from grokscope.measures.registry import Measure
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.context import Context
from grokscope.runs.reads import noting
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot

OnStep = Callable[[int, int], None]
Results = dict[int, dict[str, Kept]]
"""Step -> measure -> what it gave."""


class Measuring:
    """The measures of one analysis.

    Parameters
    ----------
    run, context, cache
        What is measured, and where results are kept.
    measures
        Those that can be taken.
    steps
        Ascending; the last counts as the final one.
    """

    def __init__(
        self,
        run: Run,
        context: Context,
        cache: Cache,
        measures: Sequence[Measure],
        steps: Sequence[int],
    ) -> None:
        self.run, self.context, self.cache = run, context, cache
        self.steps, self.final = tuple(steps), steps[-1]
        self.every = [m for m in measures if m.at == "every"]
        self.at_final = {m.name: m for m in measures if m.at == "final"}
        self.table = StepTable(len(steps))
        self.at_end: dict[str, np.ndarray] = {}
        self._place = {step: place for place, step in enumerate(steps)}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._jobs_left: dict[int, int] = {}
        self._threads_each = 1
        self._unwritten: Results = {}

    def take(self, threads: int | None = None, on_step: OnStep | None = None) -> None:
        """Fill `table` and `at_end`.

        Raises
        ------
        UnsoundError
            For a damaged checkpoint, or logits that are not finite.
        """
        jobs = self._plan()
        for job in jobs:
            for step in job.steps:
                self._jobs_left[step] = self._jobs_left.get(step, 0) + 1
        done, total = 0, len(self.steps)

        def tell(more: int) -> None:
            nonlocal done
            for _ in range(more):
                done += 1
                if on_step is not None:
                    on_step(done, total)

        tell(total - len(self._jobs_left))
        if not jobs:
            return
        model = self.run.config.model
        room = snapshot_bytes(self.run.task, model.d_vocab_out, model.d_mlp, model.d_model)
        most = how_many(threads, sum(len(job.measures) for job in jobs), room)
        n = min(most, len(jobs))
        # With fewer checkpoints than cores, several threads share one.
        heavy = sum(not job.of_weights for job in jobs)
        self._threads_each = max(1, most // max(1, heavy))
        with ThreadPoolExecutor(n, "analyze", torch.set_num_threads, (1,)) as pool:
            futures = {pool.submit(self._do, job): job.steps[0] for job in jobs}
            try:
                for future in as_completed(futures):
                    tell(future.result())
            except BaseException as error:
                self._stop.set()
                _wait_for(futures)
                # Which thread is first to fail is chance: the error of the first step is the one that is told.
                raise (_of_first_step(futures, error)) from None
            finally:
                for step in list(self._unwritten):
                    self._write(step)

    def _plan(self) -> list[Job]:
        """Put in place what is kept; return the jobs that are left."""
        missing = {step: self._look_up(step, self.every) for step in self.steps}
        final = self._look_up(self.final, list(self.at_final.values()), final=True)
        file = checkpoint_path(self.run.checkpoints, self.final)
        size = file.stat().st_size if file.is_file() else 0
        return list(plan_jobs(missing, final, size))

    def _look_up(self, step: int, measures: list[Measure], final: bool = False) -> list[Measure]:
        found = self.cache.found(step, measures, final)
        for name, kept in found.items():
            self._put(name, step, kept)
        return [m for m in measures if m.name not in found]

    def _put(self, measure: str, step: int, kept: Kept) -> None:
        with self._lock:
            if measure in self.at_final:
                self.at_end |= kept.values
                return
            for name, value in kept.values.items():
                self.table.put(name, self._place[step], value)

    def _do(self, job: Job) -> int:
        """Do a job; return how many steps are complete by it."""
        if self._stop.is_set():
            return 0
        before = {step: self.cache.keys.compared(step) for step in job.steps}
        results: Results = {step: {} for step in job.steps}
        try:
            self._measure(job, results)
        finally:
            complete = 0
            for step, found in results.items():
                # Where a checkpoint was replaced meanwhile, it is not known whose values these are.
                same = self.cache.keys.compared(step) == before[step]
                complete += self._finish(step, found if same else {})
        return complete

    def _measure(self, job: Job, results: Results) -> None:
        snaps = [self.run.snapshot(step, self.context) for step in job.steps]
        if not job.of_weights:
            check_finite(snaps[0])
        if len(snaps) == 1:
            going = lambda: not self._stop.is_set()  # noqa: E731
            for m, reads, values in take_all(snaps[0], job.measures, self._threads_each, going):
                self._note(m, snaps[0].step, reads, values, results)
            return
        for m in job.measures:
            if self._stop.is_set():
                return
            if m.stacked is None:
                for snap in snaps:
                    _, reads, values = next(take_all(snap, [m]))
                    self._note(m, snap.step, reads, values, results)
                continue
            with noting() as reads:
                stacked = m.over(snaps)
            for place, step in enumerate(job.steps):
                values = {name: np.asarray(array[place]) for name, array in stacked.items()}
                self._note(m, step, reads, values, results)

    def _note(
        self,
        m: Measure,
        step: int,
        reads: Iterable[str],
        values: dict[str, np.ndarray],
        results: Results,
    ) -> None:
        """Put values in place, and among those to be kept where it is known what they depend on."""
        key = self.cache.keys.of(m, step, reads)
        kept = Kept(key or "", tuple(sorted(reads)), values)
        self._put(m.name, step, kept)
        if key is not None:
            results[step][m.name] = kept

    def _finish(self, step: int, found: dict[str, Kept]) -> int:
        """Note that a job is done with a step, and write what is kept of it with the last one."""
        with self._lock:
            self._unwritten.setdefault(step, {}).update(found)
            self._jobs_left[step] -= 1
            if self._jobs_left[step]:
                return 0
        self._write(step)
        return 1

    def _write(self, step: int) -> None:
        with self._lock:
            found = self._unwritten.pop(step, {})
        final = {name: kept for name, kept in found.items() if name in self.at_final}
        self.cache.keep(step, {k: kept for k, kept in found.items() if k not in final})
        self.cache.keep(step, final, final=True)


def check_finite(snap: Snapshot) -> None:
    """Raise UnsoundError where a logit is not a finite number."""
    if not snap.is_finite:
        raise UnsoundError(
            f"{getattr(snap.run, 'path', 'the run')}: the logits at step {snap.step} are not finite",
            todo="leave the step out",
        )


def _wait_for(futures: Iterable[Future[int]]) -> None:
    """Let the measures that are in work come to their end: a thread cannot be left inside torch when the process ends.

    A second Ctrl-C does not hasten it. Joining the threads instead would not do: Python 3.11 takes a thread whose join
    was interrupted for ended.
    """
    running = [future for future in futures if not future.cancel()]
    while True:
        try:
            wait(running)
            return
        except KeyboardInterrupt:
            continue


def _of_first_step(futures: dict[Future[int], int], error: BaseException) -> BaseException:
    """Return the error of the job with the first step, where it is a job that failed."""
    ended = [(step, f) for f, step in futures.items() if f.done() and not f.cancelled()]
    failed = [(step, told) for step, f in ended if (told := f.exception()) is not None]
    ours = any(error is each for _, each in failed)
    return min(failed, key=lambda pair: pair[0])[1] if ours else error
