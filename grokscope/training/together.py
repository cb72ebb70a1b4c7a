"""Runs of a stack: each with a directory of its own, written as if it were trained alone."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from grokscope.config import RunConfig
from grokscope.errors import RequestError
from grokscope.runs.lock import only_writer
from grokscope.runs.run import Run, create_run
from grokscope.tasks import make_split
from grokscope.training.engine import Engine
from grokscope.training.loop import Keeper, interrupts_wait
from grokscope.training.member import Member
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve
from grokscope.training.stack import Stack, can_stack, unseeded
from grokscope.training.writer import CheckpointWriter

OnMember = Callable[[int, int, dict[str, float]], None]
"""on_member(place, step, metrics)."""


def train_stack(
    configs: Sequence[RunConfig],
    outs: Sequence[Path],
    engine: Engine,
    on_member: OnMember | None = None,
    on_end: Callable[[int, Run], None] | None = None,
    stop_after: int | None = None,
) -> list[Run]:
    """Train runs that differ in their seeds alone as one batched computation, each into its new directory.

    A run that diverges, or may stop early, leaves the stack; the others go on.

    Parameters
    ----------
    configs, outs
        The runs, and where each is written.
    engine
        How they are computed; recorded in each config.json with the number of runs in the stack. A run that goes on
        after an interruption goes on alone, and is equal to the uninterrupted one up to rounding.
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
        After the state of every run was kept: `resume_run` goes on with each.
    """
    resolved = [resolve(config) for config in configs]
    task = resolved[0][1]
    configs = [config for config, _ in resolved]
    splits = [make_split(task, config.split) for config in configs]
    check_stack(configs, [len(split.rows("train")) for split in splits])
    with contextlib.ExitStack() as held:
        runs = []
        for config, out in zip(configs, outs, strict=True):
            declared = list(config.schedule.checkpoints())
            record = {**engine.record(), "stacked": len(configs)}
            runs.append(create_run(out, config, declared_checkpoints=declared, **record))
            held.enter_context(only_writer(out))
        held.enter_context(repeatable(engine.threads))
        writer = held.enter_context(CheckpointWriter())
        stack = Stack(configs, task, splits, engine)
        if engine.device != "cpu":
            stack.capture()
        keepers: dict[Member, Keeper] = {}
        for place, (run, member) in enumerate(zip(runs, stack.members, strict=True)):
            tell = None if on_member is None else _teller(on_member, place)
            keepers[member] = held.enter_context(Keeper(run, member, tell, writer))
        ended = _Ended(runs, {member: place for place, member in enumerate(keepers)}, on_end)
        _train(stack, keepers, ended, stop_after)
    return runs


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


class _Ended:
    """Tells of the runs that are at their end."""

    def __init__(
        self,
        runs: Sequence[Run],
        places: dict[Member, int],
        on_end: Callable[[int, Run], None] | None,
    ) -> None:
        self.runs, self.places, self.on_end = runs, places, on_end

    def __call__(self, member: Member) -> None:
        place = self.places[member]
        if self.on_end is not None:
            self.on_end(place, self.runs[place])


def _teller(on_member: OnMember, place: int) -> Callable[[int, dict[str, float]], None]:
    return lambda step, metrics: on_member(place, step, metrics)


def _train(
    stack: Stack, keepers: dict[Member, Keeper], ended: _Ended, stop_after: int | None
) -> None:
    """Train all members to their ends; each leaves the stack, and its state is kept, when it is at its own."""
    steps = stack.config.schedule.steps

    def leave(places: Sequence[int]) -> None:
        for member in stack.leave(places):
            keepers[member].keep_state()
            ended(member)

    try:
        while stack.members:
            leave(_keep(stack, keepers))
            if not stack.members or stack.step >= steps:
                break
            if stop_after is not None and stack.step >= stop_after:
                break
            with interrupts_wait():
                lost = stack.update()
            # They have not moved: this is their last step, and the others are one further.
            for place in lost:
                keepers[stack.members[place]].diverged()
            leave(lost)
    except KeyboardInterrupt:
        for member in stack.members:
            keepers[member].keep_state()
        raise
    done = bool(stack.members) and stack.step >= steps
    for member in stack.members:
        keepers[member].keep_state()
        if done:
            ended(member)


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
