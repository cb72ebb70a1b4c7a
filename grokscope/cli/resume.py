"""grokscope resume RUN_DIR: go on with an interrupted run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from grokscope.cli.output import print_json
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress, training_note
from grokscope.errors import RequestError


@dataclass(frozen=True)
class Options:
    """Go on with an interrupted run from its last kept state; it ends as the uninterrupted run would have."""

    run: Positional[Path]
    """Directory of the run."""
    json: bool = False
    """Print the run as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Resume a run and print where it is."""
    options = parse(Options, "resume", argv)
    from grokscope.runs.run import open_run
    from grokscope.training.loop import resume_run

    total = open_run(options.run).config.schedule.steps
    with progress("training", total, options.quiet) as advance:
        try:
            run = resume_run(options.run, lambda step, m: advance(step, training_note(m)))
        except KeyboardInterrupt:
            raise RequestError(
                "interrupted; the state is kept", todo=f"go on with: grokscope resume {options.run}"
            ) from None
    if options.json:
        print_json({"run": str(run.path), "steps": list(run.steps), "last": run.metrics()[-1]})
    else:
        print(f"run: {run.path}\nnext: grokscope analyze {run.path}")
    return 0
