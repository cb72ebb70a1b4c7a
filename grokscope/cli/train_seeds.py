"""grokscope train --seeds: many runs of one setting."""

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from grokscope.cli.ending import if_interrupted
from grokscope.cli.sweep import tell
from grokscope.cli.sweep_progress import sweep_progress
from grokscope.config import RunConfig
from grokscope.errors import GrokscopeError

if TYPE_CHECKING:
    from grokscope.sweeps.folder import Sweep
    from grokscope.training.engine import EngineConfig


def train_seeds(
    config: RunConfig,
    own: argparse.Namespace,
    given: Collection[str],
    engine: "EngineConfig",
) -> int:
    """Train a run for each seed of `own.seeds` and print a table of them; return 1 where one failed.

    Parameters
    ----------
    given
        Names of the options that were given: split_seed and the like then hold for all runs.
    """
    from grokscope.sweeps.seed_words import read_seeds
    from grokscope.sweeps.seeds import SEEDED, sweep_seeds

    read_seeds(own.seeds, "train")
    with sweep_progress(own.quiet) as on_update:
        if_interrupted(lambda: ("the state of every run is kept", None))
        found = sweep_seeds(
            config,
            own.seeds,
            own.out,
            own.workers,
            fixed=[name for name in SEEDED if name in given],
            yes=own.yes,
            on_update=on_update,
            engine=engine,
        )
    return tell(found, own.json, _engines(found))


def _engines(found: "Sweep") -> dict[str, Any]:
    """Return the distinct ways in which the runs were computed: in words -> as they stand in config.json."""
    from grokscope.runs.run import open_run
    from grokscope.training.engine import recorded_engine

    engines = {}
    for run in found.runs:
        try:
            info = open_run(found.path / run.folder).info
        except GrokscopeError:  # it failed before it was begun; the table says so
            continue
        engine, stacked = recorded_engine(info), info.get("stacked")
        words = engine.describe() + (f", stacks of {stacked}" if stacked else "")
        engines[words] = engine.record() | ({"stacked": stacked} if stacked else {})
    return engines
