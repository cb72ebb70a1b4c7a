"""grokscope analyze RUN_DIR: measure every checkpoint, locate the events, write the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from grokscope.cli.ending import KEPT, if_interrupted
from grokscope.cli.output import print_analysed, print_json
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress
from grokscope.errors import RequestError


@dataclass(frozen=True)
class Options:
    """Measure every checkpoint of a run, locate the events, write analysis.nc, transitions.json and report.html."""

    run: Positional[Path]
    """Directory of the run."""
    measures: str = ""
    """Names of measures or of their variables, with commas (grokscope measures); default: those that are not taken on
    request only, as where nothing is given; all: every one. default,sharpness adds one."""
    steps: str = ""
    """Checkpointed steps: 0,100,200 or 0:5000 or 0:5000:500 (checkpoints in the range); all where not given."""
    key_rule: Literal["majority", "neuron", "embedding", "logit", "similarity"] | None = None
    """How key frequencies, or key representations, are chosen; majority: two of neuron, embedding and logit, the
    default. An imported run of authors who have a rule of their own is read by that one: rep_theory by similarity."""
    threads: int | None = None
    """How many checkpoints are worked on at the same time; one a core where not given."""
    cache: bool = True
    """Take what was measured before from RUN/cache, and keep what is measured now; --no-cache: measure all of it anew,
    and keep nothing. The result is the same."""
    json: bool = False
    """Print run, steps, key, transitions, verdict and report as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Analyse a run and print what was found."""
    options = parse(Options, "analyze", argv)
    from grokscope.measures import choose
    from grokscope.pipeline import analyse_run
    from grokscope.runs.run import open_run

    run = open_run(options.run)
    steps = choose_steps(options.steps, run.steps) if options.steps else None
    names = [name.strip() for name in options.measures.split(",") if name.strip()] or None
    choose(names)  # a wrong name is said before the bar appears
    if_interrupted(lambda: ("what was measured is kept", None) if options.cache else (KEPT, None))
    with progress("analysing", len(steps or run.steps), options.quiet) as advance:
        found = analyse_run(
            options.run,
            names,
            steps,
            lambda done, total: advance(done),
            options.key_rule,
            options.threads,
            options.cache,
        )
    if options.json:
        print_json(found.to_json())
    else:
        print_analysed(found)
    return 0


def choose_steps(text: str, present: Sequence[int]) -> list[int]:
    """Return the steps that `text` names, of those `present`; RequestError where it makes no sense or names none."""
    accepted = "numbers with commas, or FROM:TO or FROM:TO:EVERY"
    words = text.split(":") if ":" in text else text.split(",")
    if not all(word.strip().isdigit() or (":" in text and not word.strip()) for word in words):
        raise RequestError(f"--steps {text}", accepted)
    if ":" not in text:
        return sorted({int(word) for word in words})
    bounds = [int(word) if word.strip() else None for word in words]
    if len(bounds) > 3 or bounds[2:] == [0]:
        raise RequestError(f"--steps {text}", accepted)
    low, high = bounds[0] or 0, max(present, default=0) if bounds[1] is None else bounds[1]
    every = (bounds[2:] or [1])[0] or 1
    chosen = [s for s in present if low <= s <= high and (s - low) % every == 0]
    if not chosen:
        raise RequestError(
            f"--steps {text} names no checkpoint", f"some of {list(present)[:8]} ..."
        )
    return chosen
