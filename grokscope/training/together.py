"""Runs of a stack: each with a directory of its own, written as if it were trained alone."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.files import make_folder
from grokscope.interrupts import interrupts_wait
from grokscope.runs.lock import only_writer
from grokscope.runs.run import Run, check_new, create_run
from grokscope.tasks import make_split
from grokscope.training.engine import Engine
from grokscope.training.keeper import Clock, Keeper, OnNote
from grokscope.training.loop import declared
from grokscope.training.member import Member
from grokscope.training.past import Past, clear_unfinished
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve
from grokscope.training.siblings import stack_record
from grokscope.training.stack import Stack, can_stack, unseeded
from grokscope.training.writer import CheckpointWriter

OnMember = Callable[[int, int, dict[str, float]], None]
"""on_member(place, step, metrics)."""
OnEnd = Callable[[int, Run], None]
"""on_end(place, run)."""


def train_stack(
    configs: Sequence[RunConfig],
    outs: Sequence[Path],
    engine: Engine,
    on_member: OnMember | None = None,
    on_end: OnEnd | None = None,
    stop_after: int | None = None,
) -> list[Run]:
    """Train runs that differ in their seeds alone as one batched computation, each into its new directory.

    A run that diverges, or may stop early, leaves the stack; the others go on.

    Parameters
    ----------
    configs, outs
        The runs, and where each is written.
    engine
        How they are computed; recorded in each config.json with the names of the runs in the stack, which go on
        together after an interruption.
    on_member
        Called with (place, step, metrics) at every evaluation of each run.
    on_end
        Called with (place, run) when a run is at its end.
    stop_after
        Stop at this step with the states kept, as an interruption would.

    Raises
    ------
    RequestError
        For configurations that cannot be stacked, or a directory that is not empty or cannot be written.
    KeyboardInterrupt
        After the state of every run was kept: `resume_run` of any of them goes on with all.
    """
    resolved = [resolve(config) for config in configs]
    task = resolved[0][1]
    configs = [config for config, _ in resolved]
    splits = [make_split(task, config.split) for config in configs]
    check_stack(configs, [len(split.rows("train")) for split in splits])
    with contextlib.ExitStack() as held:
        runs = []
        for config, out in zip(configs, outs, strict=True):
            record = {**engine.record(), **stack_record(configs, outs)}
            check_new(out)
            make_folder(out)
            held.enter_context(only_writer(out))
            clear_unfinished(out)
            runs.append(create_run(out, config, **declared(config), **record))
        held.enter_context(repeatable(engine.threads))
        stack = Stack(configs, task, splits, engine)
        if engine.device != "cpu":
            stack.capture()
        members = [Trained(place, run) for place, run in enumerate(runs)]
        train_members(stack, members, on_member, on_end, stop_after)
    return runs


@dataclass(frozen=True)
class Trained:
    """A run of a stack that is trained.

    Attributes
    ----------
    place
        By which listeners know it.
    run
        Where it is written.
    past
        Its metrics so far; None for a new run.
    """

    place: int
    run: Run
    past: Past | None = None


def train_members(
    stack: Stack,
    members: Sequence[Trained],
    on_member: OnMember | None = None,
    on_end: OnEnd | None = None,
    stop_after: int | None = None,
    *,
    anyway: bool = False,
    on_note: OnNote | None = None,
) -> None:
    """Train a stack from where it is to its end; `members` are its runs, in its order.

    Parameters
    ----------
    on_member, on_end, stop_after
        See `train_stack`.
    anyway, on_note
        See `Keeper`.
    """
    with contextlib.ExitStack() as held:
        writer, clock = held.enter_context(CheckpointWriter()), Clock()
        keepers: dict[Member, Keeper] = {}
        for each, member in zip(members, stack.members, strict=True):
            tell = None if on_member is None else partial(on_member, each.place)
            keepers[member] = held.enter_context(
                Keeper(
                    each.run,
                    member,
                    tell,
                    each.past,
                    writer=writer,
                    clock=clock,
                    anyway=anyway,
                    on_note=on_note,
                )
            )
        ended = dict(zip(keepers, members, strict=True))

        def leave(places: Sequence[int]) -> None:
            for member in stack.leave(places):
                if on_end is not None:
                    on_end(ended[member].place, ended[member].run)

        _train(stack, keepers, leave, stop_after)


def check_stack(configs: Sequence[RunConfig], n_train: Sequence[int]) -> None:
    """Raise RequestError where runs cannot be stacked."""
    first = unseeded(configs[0])
    if any(unseeded(config) != first for config in configs):
        raise RequestError(
            "runs of a stack that differ in more than their seeds", "one setting, several seeds"
        )
    if not can_stack(configs[0]):
        raise RequestError("a stack of runs with dropout", "dropout = 0, or runs one by one")
    if len(set(n_train)) > 1:
        raise RequestError(
            f"a stack of runs with {min(n_train)} to {max(n_train)} training rows",
            "splits of the same size, such as pairs = ordered",
        )


def _train(
    stack: Stack,
    keepers: dict[Member, Keeper],
    leave: Callable[[Sequence[int]], None],
    stop_after: int | None,
) -> None:
    """Train all members to their ends; each leaves the stack when it is at its own."""
    try:
        while stack.members:
            with interrupts_wait():
                leave(_keep(stack, keepers))
                if not stack.members or (stop_after is not None and stack.step >= stop_after):
                    break
                lost = stack.update()
                # They have not moved: this is their last step, and the others are one further.
                for place in lost:
                    keepers[stack.members[place]].diverged()
                leave(lost)
    except KeyboardInterrupt:
        with interrupts_wait():
            _keep_states(stack, keepers)
        raise
    _keep_states(stack, keepers)


def _keep_states(stack: Stack, keepers: dict[Member, Keeper]) -> None:
    for member in stack.members:
        keepers[member].keep_state()


def _keep(stack: Stack, keepers: dict[Member, Keeper]) -> list[int]:
    """Write what the schedule wants of every member at this step; return the places of those who leave."""
    members = list(stack.members)
    # One setting, so one schedule: all are evaluated at the same steps.
    evaluated = keepers[members[0]].evaluates()
    metrics = stack.metrics() if evaluated else [None] * len(members)
    return [
        place
        for place, (member, own) in enumerate(zip(members, metrics, strict=True))
        if not keepers[member].keep(own)
    ]
