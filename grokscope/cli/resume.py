"""grokscope resume RUN_DIR: go on with an interrupted run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from grokscope.cli.ending import if_interrupted
from grokscope.cli.output import print_json, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress, training_note
from grokscope.cli.run_end import exit_code, how_it_ended, say_end
from grokscope.runs.lock import refuse_if_written


@dataclass(frozen=True)
class Options:
    """Go on with an interrupted run from its last kept state; it ends as the uninterrupted run would have."""

    run: Positional[Path]
    """Directory of the run."""
    anyway: bool = False
    """Go on where the run cannot be the same to the bit: what differs on the disk is replaced, or a run of a stack goes
    on without its siblings; config.json says from which step on."""
    json: bool = False
    """Print the run as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Resume a run and print where it is; 1 where it diverged."""
    options = parse(Options, "resume", argv)
    refuse_if_written(options.run)
    from grokscope.training.past import read_past
    from grokscope.training.resume import resume_run, trained_here

    run = trained_here(options.run)
    complete = read_past(run).is_at_end
    notes: list[str] = []
    with progress("training", run.config.schedule.steps, options.quiet) as advance:
        if_interrupted(lambda: ("the state is kept", None))
        run = resume_run(
            options.run,
            lambda step, m: advance(step, training_note(m)),
            anyway=options.anyway,
            on_note=notes.append,
        )
    lines = run.metrics()
    last = lines[-1]
    if options.json:
        said = {"run": str(run.path), "steps": list(run.steps), "last": last, "notes": notes}
        print_json(said | {"was_complete": complete})
        return exit_code(last)
    for note in notes:
        say(f"note: {note}")
    if complete:
        say(f"{run.path} is complete, nothing was done: {how_it_ended(last)}")
        return exit_code(last)
    say_end(run.path, lines)
    return exit_code(last)
