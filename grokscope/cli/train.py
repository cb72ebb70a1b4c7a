"""grokscope train TASK: train a model with dense checkpoints."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes

from grokscope.cli.ending import if_interrupted
from grokscope.cli.output import print_json
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress, training_note
from grokscope.cli.run_end import exit_code, say_end
from grokscope.config import RunConfig, from_dict
from grokscope.errors import RequestError
from grokscope.runs.lock import refuse_if_written

if TYPE_CHECKING:
    from grokscope.training.engine import EngineConfig


def main(argv: Sequence[str]) -> int:
    """Train a run, or one for each of many seeds, and print where it is; 1 where it diverged, or one of many failed."""
    own, rest = _own_options(argv)
    if own.seeds is None and (own.workers is not None or own.yes):
        raise RequestError("train: --workers or --yes without --seeds", "--seeds 0..31 --workers 2")
    if own.seeds is not None and own.seed is not None:
        raise RequestError(f"train: --seed {own.seed} and --seeds {own.seeds}", "one of the two")
    if own.out is not None:
        refuse_if_written(own.out)
    config = _config(own)
    if {"-h", "--help"} & set(rest):
        print(_OWN_HELP)
    config = parse(OmitArgPrefixes[RunConfig], "train", rest, config)
    config = from_dict(config.to_dict())  # tyro takes inf and nan for numbers
    engine = _engine(own)
    if own.seeds is not None:
        from grokscope.cli.train_seeds import train_seeds

        return train_seeds(config, own, _words(rest), engine)
    return _train(config, own, engine)


_OWN_HELP = """usage: grokscope train [TASK] [--preset NAME] [--out DIR] [--seed N | --seeds SEEDS] [OPTIONS]

  TASK           name of the task (grokscope tasks); mod_add where not given
  --preset NAME  begin from a preset (grokscope presets); other options override it
  --out DIR      directory of the run; a new one under checkpoints/ where not given
  --seed N       split, initialisation, batch order and noise at once
  --json         print the run as JSON
  --quiet        no progress bar

many runs of one setting (docs: sweeps); the same command again goes on
  --seeds SEEDS  0..31, or 0,1,5, or 3..7,10: a run for each, in a sweep's folder
  --workers N    processes; one for each core where not given; 0: none but this one
  --yes          more than 1,000 seeds are meant

how to compute, no part of what is trained (docs: engines)
  --engine auto|fast|hooked         the fast forward, or the hooked model's own
  --folding auto|tables|weights     what the fast forward multiplies beforehand
  --compile auto|on|off             whether torch compiles the training forward
  --threads N                       of a run; where not given torch's own number, with --seeds 1
  --device cpu|cuda|cuda:N          where
"""


def _own_options(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        "grokscope train", add_help=False, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--preset")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--threads", type=int)
    for name in ("engine", "folding", "compile", "device"):
        parser.add_argument(f"--{name}")
    for name in ("yes", "json", "quiet"):
        parser.add_argument(f"--{name}", action="store_true")
    words = list(argv)
    task = words.pop(0) if words and not words[0].startswith("-") else None
    try:
        own, rest = parser.parse_known_args(words)
    except (argparse.ArgumentError, SystemExit) as error:
        raise RequestError(f"train: {error}", todo="see grokscope train --help") from None
    own.task = task
    return own, rest


def _words(rest: Sequence[str]) -> set[str]:
    """Return the names of the options that were given."""
    return {
        word.removeprefix("--").split("=")[0].replace("-", "_")
        for word in rest
        if word.startswith("--")
    }


def _engine(own: argparse.Namespace) -> "EngineConfig":
    from grokscope.training.engine import engine_config

    names = ("engine", "folding", "compile", "threads", "device")
    return engine_config(**{n: getattr(own, n) for n in names if getattr(own, n) is not None})


def _config(own: argparse.Namespace) -> RunConfig:
    from grokscope.api import configure

    seeds = {} if own.seed is None else {"seed": own.seed}
    return configure(own.task, own.preset, **seeds)


def _go_on(out: Path) -> tuple[str, list[str] | None]:
    """Return what is kept of an interrupted run, and how to go on; the same command where it did not begin."""
    from grokscope.runs.run import CONFIG_FILE

    if (out / CONFIG_FILE).is_file():
        return "the state is kept", ["resume", str(out)]
    return "nothing was trained yet", None


def _train(config: RunConfig, own: argparse.Namespace, engine: "EngineConfig") -> int:
    from grokscope.api import new_folder
    from grokscope.training.engine import recorded_engine
    from grokscope.training.loop import train_run
    from grokscope.training.resolve import resolve

    config, _ = resolve(config)
    out = own.out or new_folder(config)
    with progress("training", config.schedule.steps, own.quiet) as advance:
        if_interrupted(lambda: _go_on(out))
        run = train_run(config, out, lambda step, m: advance(step, training_note(m)), engine=engine)
    lines, computed = run.metrics(), recorded_engine(run.info)
    last = lines[-1]
    if own.json:
        print_json(
            {
                "run": str(run.path),
                "steps": list(run.steps),
                "last": last,
                "engine": computed.record(),
            }
        )
        return exit_code(last)
    say_end(run.path, lines, f"engine: {computed.describe()}")
    return exit_code(last)
