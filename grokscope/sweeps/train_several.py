"""A job to its end: one run, or a stack; where a stack as a whole goes wrong its runs are tried one by one."""

import dataclasses
from collections.abc import Callable
from functools import partial

from grokscope.errors import GrokscopeError
from grokscope.runs.run import Run
from grokscope.runs.status import run_status
from grokscope.sweeps.job import Job
from grokscope.sweeps.record import FINISHED, status_of
from grokscope.sweeps.train_one import Outcome, attempt
from grokscope.tasks import make_split
from grokscope.training.engine import Engine, choose_engine
from grokscope.training.resolve import resolve
from grokscope.training.together import OnMember, train_stack

OnEnd = Callable[[int, Outcome], None]
"""on_end(place, outcome)."""


def attempt_job(job: Job, on_member: OnMember, on_end: OnEnd) -> None:
    """Bring every run of a job to its end, and tell each one's outcome once, by its place in the job.

    An interrupt raised by `on_member` leaves all states kept, and what is not at its end "interrupted". After any other
    exception in a stack each run that is not at its end is begun again, or gone on with, by itself: a member that
    cannot be written, or a lack of memory, takes no other run with it.
    """
    if len(job.runs) == 1:
        on_end(0, _alone(job, 0, on_member))
        return
    told: set[int] = set()
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

    configs, outs = zip(*job.runs, strict=True)
    try:
        train_stack(configs, outs, stack_engine(job), on_member, at_end)
    except KeyboardInterrupt:
        for place in range(len(job.runs)):
            if place not in told:
                ended(place, _cut_off(job, place))
    except Exception:  # whichever run it was of, `attempt` meets it again and says what it is
        if of_listener:
            raise
        for place in range(len(job.runs)):
            if place not in told:
                ended(place, _alone(job, place, on_member))


def stack_engine(job: Job) -> Engine:
    """Return how the runs of a job are computed together: a stack is not compiled."""
    config, task = resolve(job.runs[0][0])
    n_train = len(make_split(task, config.split).rows("train"))
    return choose_engine(config, n_train, dataclasses.replace(job.engine, compile="off"))


def _alone(job: Job, place: int, on_member: OnMember) -> Outcome:
    config, path = job.runs[place]
    return attempt(config, path, partial(on_member, place), job.engine)


def _cut_off(job: Job, place: int) -> Outcome:
    """Return the outcome of an interrupted member, which may have come to its end at this very evaluation."""
    try:
        status = status_of(job.runs[place][1])
    except GrokscopeError as error:
        return Outcome("failed", str(error))
    return Outcome(status if status in FINISHED else "interrupted")
