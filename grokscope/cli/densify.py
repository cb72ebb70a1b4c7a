"""grokscope densify RUN_DIR: more checkpoints, exactly those that the run passed through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from grokscope.cli.ending import if_interrupted
from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress
from grokscope.runs.lock import refuse_if_written


@dataclass(frozen=True)
class Options:
    """Add checkpoints of a run between two steps, or around an event.

    The run is replayed from a key frame, and what it passes is added once it has met the next stored checkpoint bit for
    bit.
    """

    run: Positional[Path]
    """Directory of the run."""
    between: tuple[int, int] | None = None
    """Checkpoints at A, A + every, ... up to B."""
    around: str | None = None
    """The interval of this event, by name (docs: events); grokked is grokked_99."""
    margin: int | None = None
    """With --around: so many steps more on both sides."""
    every: int = 1
    """Steps from one checkpoint to the next."""
    start: Annotated[int | None, tyro.conf.arg(name="from")] = None
    """Replay from the key frame of this step, 0 for the beginning; the nearest one before where not given."""
    plan: bool = False
    """Say what would be replayed and added, and do nothing."""
    json: bool = False
    """Print what was added as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Densify a run and print what was added."""
    options = parse(Options, "densify", argv)
    if not options.plan:
        refuse_if_written(options.run)
    if_interrupted(lambda: ("what was proved so far is added", None))
    from grokscope.api import densify, stretch
    from grokscope.runs.run import open_run
    from grokscope.training.densify import plan_densify

    run = open_run(options.run)
    low, high = stretch(run, options.between, options.around, options.margin)
    plan = plan_densify(run, (low, high), options.every, options.start)
    if options.plan:
        if options.json:
            print_json({"run": str(run.path), **plan.to_json()})
        else:
            say(plan.describe())
        return 0
    if not (options.json or options.quiet):
        say(plan.describe())
    with progress("replaying", plan.updates, options.quiet) as advance:
        found = densify(
            run, (low, high), every=options.every, start=options.start,
            on_step=lambda done, total: advance(done),
        )  # fmt: skip
    if options.json:
        print_json(found.to_json())
        return 0
    if found.added:
        first, last = found.added[0], found.added[-1]
        say(
            f"added {len(found.added)} checkpoints from {first} to {last}, proved bit for bit at step {plan.end}"
        )
        say(f"next: grokscope analyze {run.path}")
    return 0
