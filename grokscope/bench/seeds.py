"""Cases seeds and seeds59: sixteen runs that differ by their seed alone, together and one after the other."""

import importlib
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from grokscope.bench.case import SECONDS, Case, Contender, NotMeasuredError, Started
from grokscope.bench.settings import Settings
from grokscope.bench.tables import compared
from grokscope.config import RunConfig, override
from grokscope.runs.run import Run
from grokscope.training.engine import engine_config
from grokscope.training.loop import train_run

SEEDS = tuple(range(16))
SIZES = {
    "seeds": dict(p=31, d_model=64, d_head=16, d_mlp=256, frac_train=0.5, steps=1_500),
    "seeds59": dict(p=59, d_model=128, d_head=32, d_mlp=512, frac_train=0.4, steps=500),
}
"""Name of the case -> what differs from preset nanda2023."""
TINY = dict(p=11, d_model=16, d_head=4, d_mlp=16, frac_train=0.6, steps=20)
COMPARED_STEPS = 10
"""Losses up to this step are compared: rounding grows, and these runs are of one training only while it is small."""

Train = Callable[..., list[Run]]
"""(configuration, seeds, folder, **engine options) -> the runs."""


def seeds_config(case: str, settings: Settings) -> tuple[RunConfig, tuple[int, ...]]:
    """Return the configuration that all seeds share, and the seeds."""
    size = dict(SIZES[case])
    if settings.quick:
        size["steps"] //= 5
    if settings.tiny:
        size = dict(TINY)
    steps = size["steps"]
    return override(RunConfig(), **size, checkpoint_every=steps // 10), SEEDS[
        : 3 if settings.tiny else None
    ]


def together() -> Train:
    """Return grokscope's training of many seeds; `NotMeasuredError` where there is none."""
    try:
        return importlib.import_module("grokscope.sweeps.seeds").train_seeds
    except ModuleNotFoundError:
        raise NotMeasuredError("this grokscope has no grokscope.sweeps.seeds") from None


def train_together(config: RunConfig, seeds: Sequence[int], out: Path, **engine: Any) -> list[Run]:
    """Train all seeds by what grokscope chooses by itself."""
    return together()(config, seeds, out, engine=engine_config(**engine))


def train_one_by_one(
    config: RunConfig, seeds: Sequence[int], out: Path, **engine: Any
) -> list[Run]:
    """Train one seed after the other in this process."""
    chosen = engine_config(**engine)
    return [
        train_run(override(config, seed=seed), out / f"seed{seed}", engine=chosen) for seed in seeds
    ]


def start_training(case: str, train: Train, settings: Settings) -> Started:
    """Return the training of all seeds as one round; nothing is warm but the imports."""
    config, seeds = seeds_config(case, settings)
    if train is train_together:
        together()  # imports are no part of the time
    engine = {} if settings.threads is None else {"threads": settings.threads}
    done: list[Run] = []

    def sample() -> dict[str, float]:
        out = Path(tempfile.mkdtemp()) / "runs"
        begin = time.perf_counter()
        done[:] = train(config, seeds, out, **engine)
        return {SECONDS: time.perf_counter() - begin}

    def evidence() -> dict[str, list[float]]:
        return {
            f"seed {run.config.model.init_seed}": [
                line["loss_train"] for line in run.metrics() if line["step"] <= COMPARED_STEPS
            ]
            for run in done
        }

    facts = {"seeds": len(seeds), "steps": config.schedule.steps}
    return Started(sample, evidence, facts | {"threads": torch.get_num_threads()})


def _case(name: str) -> Case:
    size = SIZES[name]
    contenders = (
        Contender(
            "together", "grokscope, as it chooses", partial(start_training, name, train_together)
        ),
        Contender(
            "one_by_one", "one after the other", partial(start_training, name, train_one_by_one)
        ),
    )
    words = f"p = {size['p']}, width {size['d_model']}, {size['steps']:,} steps (--quick: a fifth)"
    return Case(
        name=name,
        title=f"16 seeds: {words}",
        contenders=contenders,
        lines=compared(contenders, {SECONDS: ("", "s")}),
        rounds=3,
        quick_rounds=1,
        fresh=True,
        agreement="same training",
    )


def narrow() -> Case:
    """Return the case of the small model."""
    return _case("seeds")


def wide() -> Case:
    """Return the case of the demo's size."""
    return _case("seeds59")
