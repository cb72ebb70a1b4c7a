"""`sweep`: all runs of a specification, trained, gone on with, or found done."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing import current_process
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM
from typing import Any, Literal

from grokscope.api import RUNS_FOLDER
from grokscope.errors import RequestError
from grokscope.files import make_folder
from grokscope.machine import usable_cores

# The lock of a run serves for a sweep's folder too: one writer, whoever it is.
from grokscope.runs.lock import only_writer
from grokscope.sweeps.cores import share_out
from grokscope.sweeps.folder import Sweep, open_sweep
from grokscope.sweeps.found_runs import planned_runs
from grokscope.sweeps.grouping import Todo, make_jobs
from grokscope.sweeps.plan import Plan, make_plan
from grokscope.sweeps.pool import WORKER_NAME, train_here, train_in_processes
from grokscope.sweeps.record import FINISHED, RUNS, SWEEP_FILE, SweepRun, write_sweep
from grokscope.sweeps.specification import read_specification
from grokscope.sweeps.stopping import stop_on
from grokscope.sweeps.train_one import Outcome
from grokscope.training.engine import EngineConfig, choose_engine


@dataclass(frozen=True)
class Update:
    """What happened to one run of a sweep: it started, was evaluated, or ended (or was found at its end already).

    Attributes
    ----------
    index
        The run's place in `Sweep.runs`.
    run
        The run, with its status now.
    kind
        started, metrics or ended.
    steps, of
        Number of the run's steps, and of the sweep's runs.
    step
        The evaluated step.
    metrics
        Loss and accuracy at that step.
    """

    index: int
    run: SweepRun
    kind: Literal["started", "metrics", "ended"]
    steps: int
    of: int
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


def sweep(
    specification: Mapping[str, Any] | str | Path,
    out: str | Path | None = None,
    workers: int | None = None,
    *,
    yes: bool = False,
    on_update: Callable[[Update], None] | None = None,
    engine: EngineConfig | None = None,
    stack: bool = True,
) -> Sweep:
    """Train all runs of a specification, several at a time, and write the dataset of all of them.

    Runs that are done, stopped early or diverged are left as they are; interrupted and failed ones go on from their
    last kept state. New runs that differ in their seeds alone are trained as one computation where that is faster
    (`grokscope.sweeps.grouping`): each is its single run up to rounding.

    Parameters
    ----------
    specification
        A TOML file, or a dictionary of the same form (docs/sweeps.md).
    out
        Folder of the sweep; checkpoints/NAME where None.
    workers
        Processes, each with one thread; 0: none but this one. Where None: one for each core that can be used, and
        with fewer runs than cores the threads are shared out.
    yes
        Whether more than 1,000 runs are meant.
    on_update
        Called in this process with each `Update`.
    engine
        How the runs are computed, all "auto" where None, with one thread each.
    stack
        False: every run by itself, to the bits of its single run, whether or not the sweep had a break.

    Raises
    ------
    RequestError
        For a specification that makes no sense (nothing is written then), a folder that is something else or that
        another process writes. A run that fails does not raise: see `Sweep.runs`.
    KeyboardInterrupt
        On Ctrl-C or SIGTERM, after every run in training kept its state; the same call goes on.

    Examples
    --------
    >>> found = gs.sweep("power.toml")  # doctest: +SKIP
    >>> found.dataset()["best_accuracy"].sel(rows="test").median("seed")  # doctest: +SKIP
    """
    if current_process().name == WORKER_NAME:
        raise RequestError(
            "gs.sweep was called by a script that a sweep's own process reads",
            todo="call it under if __name__ == '__main__':, or give it workers=0",
        )
    asked: object = workers
    if asked is not None and not (isinstance(asked, int) and asked >= 0):
        raise RequestError(f"workers = {asked!r}", "a whole number from 0 on")
    spec = read_specification(specification, None if out is None else Path(out).name)
    plan = make_plan(spec, yes)
    engine = EngineConfig() if engine is None else engine
    for run in plan.runs[: len(plan.settings)]:  # every setting once
        choose_engine(run.config, run.n_train, engine)
    path = sweep_folder(plan, out)
    check_folder(path)
    make_folder(path)
    with only_writer(path):
        at_work = _AtWork(path, plan, (lambda update: None) if on_update is None else on_update)
        at_work.train(workers, engine, stack)
        found = open_sweep(path)
        _write_dataset(found)
    return found


def sweep_folder(plan: Plan, out: str | Path | None) -> Path:
    """Return the folder of a sweep: `out`, or checkpoints/NAME."""
    return RUNS_FOLDER / plan.specification.name if out is None else Path(out)


def check_folder(path: Path) -> None:
    """Raise RequestError where `path` is neither new, nor empty, nor a sweep's folder."""
    try:
        names = {entry.name for entry in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise RequestError(
            f"cannot read {path}: {error.strerror or error}", "a folder for the sweep"
        ) from error
    if SWEEP_FILE not in names and not names <= {".lock", RUNS}:
        raise RequestError(
            f"{path} is not empty, and no sweep", "a new folder, or a sweep's", "choose another out"
        )


class _AtWork:
    """A sweep in training: what is known of each run, told on and written down."""

    def __init__(self, path: Path, plan: Plan, tell: Callable[[Update], None]) -> None:
        self.path, self.plan, self.tell = path, plan, tell
        self.runs = planned_runs(path, plan)
        self.write()

    def write(self) -> None:
        write_sweep(self.path, self.plan, self.runs)

    def train(self, workers: int | None, engine: EngineConfig, stack: bool) -> None:
        todo = [i for i, run in enumerate(self.runs) if run.status not in FINISHED]
        for index in sorted(set(range(len(self.runs))) - set(todo)):
            self._say(index, "ended")
        n, threads = _crew(len(self.runs), len(todo), workers, engine)
        jobs = make_jobs([self._todo(index) for index in todo], n, engine, stack)
        with stop_on((SIGINT, SIGTERM, SIGHUP)) as stop:
            if workers == 0:
                train_here(jobs, self._hear, stop)
            elif jobs:
                train_in_processes(jobs, min(n, len(jobs)), threads, self._hear, stop)
        self.write()
        if stop.asked:
            raise KeyboardInterrupt

    def _todo(self, index: int) -> Todo:
        planned, run = self.plan.runs[index], self.runs[index]
        return Todo(index, planned.config, planned.n_train, self.path / run.folder)

    def _hear(self, index: int, word: str, *rest: Any) -> None:
        if word == "metrics":
            step, metrics = rest
            self._say(index, "metrics", step=step, metrics=metrics)
            return
        before = self.runs[index]
        outcome = Outcome("interrupted") if word == "started" else rest[0]
        self.runs[index] = replace(before, status=outcome.status, reason=outcome.reason)
        if before.reason != outcome.reason:
            # A full disk, which may be why it failed, must not end the others; it is written again at the end.
            with contextlib.suppress(RequestError):
                self.write()
        self._say(index, "started" if word == "started" else "ended")

    def _say(self, index: int, kind: Literal["started", "metrics", "ended"], **more: Any) -> None:
        steps = self.plan.runs[index].config.schedule.steps
        self.tell(Update(index, self.runs[index], kind, steps, len(self.runs), **more))


def _crew(n_runs: int, n_left: int, asked: int | None, engine: EngineConfig) -> tuple[int, int]:
    """Return (workers, threads of each); a GPU has one worker, unless more are asked for."""
    if engine.device != "cpu" and asked is None:
        asked = 1
    return share_out(usable_cores(), n_runs, n_left, asked, engine.threads)


def _write_dataset(found: Sweep) -> None:
    from grokscope.analysis import write_dataset  # with xarray, which the processes do without
    from grokscope.sweeps.dataset import build_dataset

    write_dataset(build_dataset(found), found.dataset_path)
