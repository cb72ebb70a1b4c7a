"""The training loop of one run."""

import math
from pathlib import Path
from typing import Any

from grokscope.config import RunConfig
from grokscope.files import make_folder
from grokscope.interrupts import interrupts_wait
from grokscope.runs.lock import only_writer
from grokscope.runs.run import Run, check_new, create_run, write_config
from grokscope.tasks import make_split
from grokscope.training.engine import EngineConfig, choose_engine
from grokscope.training.keeper import Keeper, OnMetrics
from grokscope.training.past import clear_unfinished
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve
from grokscope.training.state import declared_keyframes
from grokscope.training.trainer import Trainer


def train_run(
    config: RunConfig,
    out: Path,
    on_metrics: OnMetrics | None = None,
    stop_after: int | None = None,
    engine: EngineConfig | None = None,
    **info: Any,
) -> Run:
    """Train a run into the new directory `out` and return it.

    Parameters
    ----------
    on_metrics
        Called with (step, metrics) at every evaluation.
    stop_after
        Stop at this step with the state kept, as an interruption would; for tests and for training in parts.
    engine
        How to compute, all "auto" where None; what was chosen stands in config.json.
    **info
        Written to config.json beside the configuration.

    Raises
    ------
    RequestError
        For a configuration that makes no sense, or a directory that is not empty or cannot be written.
    KeyboardInterrupt
        After the state was kept: `resume_run` goes on from there.
    """
    config, task = resolve(config)
    split = make_split(task, config.split)
    chosen = choose_engine(config, len(split.rows("train")), engine or EngineConfig())
    check_new(out)
    make_folder(out)
    with only_writer(out), repeatable(chosen.threads):
        clear_unfinished(out)
        run = create_run(out, config, **chosen.record(), **declared(config), **info)
        trainer = Trainer(config, task, split, chosen)
        if trainer.engine != chosen:
            run.info.update(trainer.engine.record())
            write_config(run)
        with Keeper(run, trainer, on_metrics) as keeper:
            train_on(keeper, stop_after)
    return run


def declared(config: RunConfig) -> dict[str, list[int]]:
    """Return what config.json says of the files that there will be."""
    return {
        "declared_checkpoints": list(config.schedule.checkpoints()),
        "declared_keyframes": list(declared_keyframes(config)),
    }


def train_on(keeper: Keeper, stop_after: int | None = None) -> None:
    """Train a run from where its trainer is, to its end or to step `stop_after`."""
    trainer = keeper.trainer
    try:
        while True:
            # In the middle of an update weights and optimiser are of different steps.
            with interrupts_wait():
                if not keeper.keep():
                    return
                if stop_after is not None and trainer.step >= stop_after:
                    break
                if not math.isfinite(trainer.update()):
                    keeper.diverged()
                    return
    except KeyboardInterrupt:
        with interrupts_wait():
            keeper.keep_state()
        raise
    keeper.keep_state()
