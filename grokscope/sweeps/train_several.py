"""A job to its end: one run, or a stack; where a stack as a whole goes wrong its runs are tried one by one."""

import dataclasses
from collections.abc import Callable
from functools import partial

from grokscope.errors import GrokscopeError, RequestError
from grokscope.runs.run import Run, open_run
from grokscope.runs.status import run_status
from grokscope.sweeps.begun import clear_unbegun, is_unbegun, recorded_stack
from grokscope.sweeps.job import Job
from grokscope.sweeps.record import FINISHED, status_of
from grokscope.sweeps.train_one import Outcome, attempt
from grokscope.tasks import make_split
from grokscope.training.engine import Engine, choose_engine
from grokscope.training.resolve import resolve
from grokscope.training.resume import resume_stack
from grokscope.training.siblings import open_siblings
from grokscope.training.together import OnMember, train_stack

OnEnd = Callable[[int, Outcome], None]
"""on_end(place, outcome)."""


def attempt_job(job: Job, on_member: OnMember, on_end: OnEnd) -> None:
    """Bring every run of a job to its end, and tell each one's outcome once, by its place in the job.

    An interrupt raised by `on_member` leaves all states kept, and what is not at its end "interrupted". Where new runs
    cannot be begun as a stack, or the computation itself fails, each run is begun, or gone on with, by itself: a member
    that cannot be written, or a lack of memory, takes no other run with it. What goes wrong on the disk later ends all
    of them: they go on together.
    """
    if len(job.runs) == 1:
        on_end(0, _alone(job, 0, on_member))
        return
    told: set[int] = set()
    heard: list[int] = []
    of_listener: list[Exception] = []

    def ended(place: int, outcome: Outcome) -> None:
        told.add(place)
        try:
            on_end(place, outcome)
        except Exception as error:
            of_listener.append(error)
            raise

    def at_end(place: int, run: Run) -> None:
        ended(place, Outcome(run_status(run)))

    def member(place: int, step: int, metrics: dict[str, float]) -> None:
        heard.append(place)
        on_member(place, step, metrics)

    begun = any(recorded_stack(path) and not is_unbegun(path) for _, path in job.runs)
    try:
        if begun:
            _go_on(job, member, at_end)
        else:
            for _, path in job.runs:
                clear_unbegun(path)
            configs, outs = zip(*job.runs, strict=True)
            train_stack(configs, outs, stack_engine(job), member, at_end)
    except KeyboardInterrupt:
        for place in range(len(job.runs)):
            if place not in told:
                ended(place, _cut_off(job, place))
    except Exception as error:
        if of_listener:
            raise
        of_disk = begun or (heard and isinstance(error, GrokscopeError))
        for place in range(len(job.runs)):
            if place not in told:
                # Whichever run it was of, `attempt` meets it again and says what it is.
                lost = Outcome("failed", _in_words(error))
                ended(place, lost if of_disk else _alone(job, place, on_member, alone=True))
    else:
        for place, (_, path) in enumerate(job.runs):
            if place not in told:  # it was at its end already
                ended(place, Outcome(status_of(path)))


def _go_on(job: Job, on_member: OnMember, on_end: Callable[[int, Run], None]) -> None:
    """Go on with the stack that the runs of a job were begun in; siblings that are not of the job come along."""
    runs = open_siblings(open_run(job.runs[0][1]))
    places = {path.absolute(): place for place, (_, path) in enumerate(job.runs)}
    of_job = [places.get(run.path.absolute()) for run in runs]
    for run, place in zip(runs, of_job, strict=True):
        if place is not None and run.config != job.runs[place][0]:
            raise RequestError(f"{run.path} holds another configuration", todo="move it away")

    def member(at: int, step: int, metrics: dict[str, float]) -> None:
        place = of_job[at]
        if place is not None:
            on_member(place, step, metrics)

    def end(at: int, run: Run) -> None:
        place = of_job[at]
        if place is not None:
            on_end(place, run)

    resume_stack(runs, member, end)


def _in_words(error: Exception) -> str:
    if isinstance(error, GrokscopeError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def stack_engine(job: Job) -> Engine:
    """Return how the runs of a job are computed together: a stack is not compiled."""
    config, task = resolve(job.runs[0][0])
    n_train = len(make_split(task, config.split).rows("train"))
    return choose_engine(config, n_train, dataclasses.replace(job.engine, compile="off"))


def _alone(job: Job, place: int, on_member: OnMember, alone: bool = False) -> Outcome:
    config, path = job.runs[place]
    return attempt(config, path, partial(on_member, place), job.engine, alone)


def _cut_off(job: Job, place: int) -> Outcome:
    """Return the outcome of an interrupted member, which may have come to its end at this very evaluation."""
    try:
        status = status_of(job.runs[place][1])
    except GrokscopeError as error:
        return Outcome("failed", str(error))
    return Outcome(status if status in FINISHED else "interrupted")
