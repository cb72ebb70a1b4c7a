"""grokscope train TASK: train a model with dense checkpoints."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tyro.conf import OmitArgPrefixes

from grokscope.cli.output import print_json
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress, training_note
from grokscope.config import RunConfig, from_dict
from grokscope.errors import RequestError


def main(argv: Sequence[str]) -> int:
    """Train a run and print where it is."""
    own, rest = _own_options(argv)
    config = _config(own)
    if {"-h", "--help"} & set(rest):
        print(_OWN_HELP)
    config = parse(OmitArgPrefixes[RunConfig], "train", rest, config)
    _train(from_dict(config.to_dict()), own)  # tyro takes inf and nan for numbers
    return 0


_OWN_HELP = """usage: grokscope train [TASK] [--preset NAME] [--out DIR] [--seed N] [--json] [--quiet] [OPTIONS]

  TASK           name of the task (grokscope tasks); mod_add where not given
  --preset NAME  begin from a preset (grokscope presets); other options override it
  --out DIR      directory of the run; a new one under checkpoints/ where not given
  --seed N       split, initialisation, batch order and noise at once
  --json         print the run as JSON
  --quiet        no progress bar
"""


def _own_options(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        "grokscope train", add_help=False, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--preset")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    words = list(argv)
    task = words.pop(0) if words and not words[0].startswith("-") else None
    try:
        own, rest = parser.parse_known_args(words)
    except (argparse.ArgumentError, SystemExit) as error:
        raise RequestError(f"train: {error}", todo="see grokscope train --help") from None
    own.task = task
    return own, rest


def _config(own: argparse.Namespace) -> RunConfig:
    from grokscope.api import configure

    seeds = {} if own.seed is None else {"seed": own.seed}
    return configure(own.task, own.preset, **seeds)


def _train(config: RunConfig, own: argparse.Namespace) -> None:
    from grokscope.api import new_folder
    from grokscope.training.loop import train_run
    from grokscope.training.resolve import resolve

    config, _ = resolve(config)
    out = own.out or new_folder(config)
    with progress("training", config.schedule.steps, own.quiet) as advance:
        try:
            run = train_run(config, out, lambda step, m: advance(step, training_note(m)))
        except KeyboardInterrupt:
            raise RequestError(
                "interrupted; the state is kept", todo=f"go on with: grokscope resume {out}"
            ) from None
    last = run.metrics()[-1]
    if own.json:
        print_json({"run": str(run.path), "steps": list(run.steps), "last": last})
        return
    if last.get("diverged"):
        print(f"diverged at step {last['step']}: the run was stopped, its checkpoints are kept")
    if last.get("stopped"):
        print(f"stopped early at step {last['step']}: test accuracy stayed at its stop_accuracy")
    print(f"run: {run.path}")
    print(f"next: grokscope analyze {run.path}")
