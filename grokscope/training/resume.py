"""Going on with an interrupted run, from its last sound key frame to the same bits as the uninterrupted one."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.lock import only_writer
from grokscope.runs.run import Run, open_run, write_config
from grokscope.training.engine import recorded_engine
from grokscope.training.keeper import Keeper, OnMetrics, OnNote
from grokscope.training.loop import train_on
from grokscope.training.past import Past, clear_unfinished, read_past, usable_frames
from grokscope.training.processor import repeatable
from grokscope.training.siblings import (
    alone_now,
    common_frames,
    is_stacked,
    open_siblings,
    read_siblings,
    rebuild,
)
from grokscope.training.state import load_state
from grokscope.training.together import OnEnd, OnMember, Trained, train_members
from grokscope.training.trainer import Trainer


def resume_run(
    path: Path,
    on_metrics: OnMetrics | None = None,
    *,
    anyway: bool = False,
    on_note: OnNote | None = None,
) -> Run:
    """Go on with an interrupted run from its last sound key frame, to the same bits as an uninterrupted one.

    A run that is complete, stopped early or diverged is returned as it is.

    Parameters
    ----------
    on_metrics
        Called with (step, metrics) at every evaluation.
    anyway
        Go on where what is computed again is not what is on the disk, as on another machine: that is replaced, and
        config.json records from which step on.
    on_note
        Told, in one line each, what was damaged and passed over.

    Raises
    ------
    RequestError
        Where the run is foreign, or another process writes it.
    UnsoundError
        Where what is computed again is not what is on the disk.
    KeyboardInterrupt
        After the state was kept: it goes on from there.
    """
    run = trained_here(path)
    if read_past(run).is_at_end:
        return run
    changed = {}
    if is_stacked(run):
        try:
            runs = open_siblings(run)
        except RequestError:
            if not anyway:
                raise
            changed = alone_now(run)
        else:
            place = runs.index(run)
            tell = None if on_metrics is None else _of_one(place, on_metrics)
            resume_stack(runs, tell, anyway=anyway, on_note=on_note)
            return run
    return _resume_alone(run, on_metrics, anyway, on_note, changed)


def resume_alone(run: Run, on_metrics: OnMetrics | None = None) -> Run:
    """Go on with a member of a stack by itself, equal up to rounding, and say so in its config.json."""
    return _resume_alone(run, on_metrics, True, None, alone_now(run) if is_stacked(run) else {})


def _resume_alone(
    run: Run,
    on_metrics: OnMetrics | None,
    anyway: bool,
    on_note: OnNote | None,
    changed: dict[str, tuple[str, str]],
) -> Run:
    with only_writer(run.path):
        clear_unfinished(run.path)
        past = read_past(run)
        if past.is_at_end:
            return run
        with repeatable(recorded_engine(run.info).threads):
            trainer = go_back(run, past, on_note)
            with Keeper(run, trainer, on_metrics, past, anyway=anyway, on_note=on_note) as keeper:
                keeper.changed |= changed
                train_on(keeper)
    return run


def resume_stack(
    runs: Sequence[Run],
    on_member: OnMember | None = None,
    on_end: OnEnd | None = None,
    *,
    anyway: bool = False,
    on_note: OnNote | None = None,
) -> None:
    """Go on with all runs of a stack (`open_siblings`) together, to the same bits as uninterrupted ones.

    Parameters
    ----------
    on_member, on_end
        Called with (place, step, metrics) and (place, run) by the place in `runs`; `on_end` not for runs that were at
        their end before the step from which the stack goes on.
    anyway, on_note
        As in `resume_run`.

    Raises
    ------
    RequestError
        Where another process writes one of them.
    UnsoundError
        Where what is computed again is not what is on the disk.
    """
    note = on_note or _ignore
    with contextlib.ExitStack() as held:
        for run in runs:
            held.enter_context(only_writer(run.path))
            clear_unfinished(run.path)
        siblings = read_siblings(runs)
        if all(each.past.is_at_end for each in siblings):
            return
        held.enter_context(repeatable(recorded_engine(runs[0].info).threads))
        for step in common_frames(siblings):
            try:
                stack = rebuild(siblings, step)
            except UnsoundError as error:
                note(f"{error.given}: going on from an earlier key frame")
            else:
                break
        members = [
            Trained(place, each.run, each.past)
            for place, each in enumerate(siblings)
            if each.was_in(stack.step)
        ]
        train_members(stack, members, on_member, on_end, anyway=anyway, on_note=on_note)


def _of_one(place: int, on_metrics: OnMetrics) -> OnMember:
    def tell(at: int, step: int, metrics: dict[str, float]) -> None:
        if at == place:
            on_metrics(step, metrics)

    return tell


def trained_here(path: Path) -> Run:
    """Open a run; RequestError where it is somebody else's."""
    run = open_run(path)
    if run.split is None or "origin" in run.info:
        raise RequestError(
            f"{path} was imported, not trained here", "a run made by grokscope train"
        )
    return run


def go_back(run: Run, past: Past, on_note: OnNote | None = None) -> Trainer:
    """Return a trainer at the last sound key frame of a run, at the beginning where there is none."""
    assert run.split is not None
    trainer = Trainer(run.config, run.task, run.split, recorded_engine(run.info))
    if not past.lines and trainer.engine != recorded_engine(run.info):
        # It was killed between writing config.json and finding that torch cannot compile here.
        run.info.update(trainer.engine.record())
        write_config(run)
    first_sound(
        usable_frames(run, past), lambda step: load_state(run, trainer, step), on_note or _ignore
    )
    return trainer


def first_sound(steps: list[int], load: Callable[[int], None], on_note: OnNote) -> int:
    """Load the first key frame that is sound, and return its step; 0 for the beginning."""
    for step in steps:
        try:
            load(step)
        except UnsoundError as error:
            on_note(f"{error.given}: going on from an earlier key frame")
        else:
            return step
    return 0


def _ignore(sentence: str) -> None:
    pass
