"""grokscope demo: train a small run that groks, analyse it, print where the report is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grokscope.cli.ending import if_interrupted
from grokscope.cli.output import print_analysed, print_json, say
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress, training_note
from grokscope.errors import RequestError
from grokscope.runs.lock import refuse_if_written


@dataclass(frozen=True)
class Options:
    """Train a small run that groks (p = 59, about a minute on two cores), analyse it, print where the report is."""

    out: Path = Path("checkpoints/demo")
    """Directory of the run; one that is there already goes on where it stopped, or is analysed again."""
    seed: int = 0
    """Split and initialisation."""
    json: bool = False
    """Print what was found as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Run the demo."""
    options = parse(Options, "demo", argv)
    refuse_if_written(options.out)
    from grokscope.api import configure
    from grokscope.pipeline import analyse_run
    from grokscope.runs.run import CONFIG_FILE, open_run
    from grokscope.training.loop import train_run
    from grokscope.training.past import read_past
    from grokscope.training.resolve import resolve
    from grokscope.training.resume import resume_run

    config, _ = resolve(configure(preset="demo", seed=options.seed))
    with progress("training", config.schedule.steps, options.quiet) as advance:

        def note(step: int, metrics: dict[str, float]) -> None:
            advance(step, training_note(metrics))

        if_interrupted(lambda: ("the state is kept", None))
        if not (options.out / CONFIG_FILE).exists():
            run = train_run(config, options.out, note)
        else:
            run = open_run(options.out)
            if run.config != config:
                raise RequestError(
                    f"{options.out} holds another run",
                    "a new directory, or a demo's",
                    "choose another --out",
                )
            if not read_past(run).is_at_end:
                run = resume_run(options.out, note)
    with progress("analysing", len(run.steps), options.quiet) as advance:
        found = analyse_run(run.path, on_step=lambda done, total: advance(done))
    if options.json:
        print_json(found.to_json())
        return 0
    print_analysed(found)
    say(f"next: open the report in a browser; grokscope figure {run.path} progress --format html")
    return 0
