"""Cases step and step2: one update of a published setting, beside plain loops over the hooked model."""

from functools import partial
from typing import Literal

import torch

from grokscope.bench.case import (
    SECONDS,
    Case,
    Contender,
    NotMeasuredError,
    Started,
    median_seconds,
)
from grokscope.bench.plain_loop import PlainLoop
from grokscope.bench.settings import Settings
from grokscope.bench.tables import compared
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset
from grokscope.tasks import make_split
from grokscope.training.engine import EngineConfig, choose_engine
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve
from grokscope.training.trainer import Trainer

CHECKED_UPDATES = 5
"""Losses of this many first updates are compared; they are also the warm-up's beginning."""
WARM_UP = 5
OTHER_SEED = 1
OTHER = f"loss, seed {OTHER_SEED}"
TINY = dict(d_model=32, d_head=8, d_mlp=64)


def step_config(preset: str, settings: Settings) -> RunConfig:
    """Return the preset, or for tests the same with a small table and narrow model."""
    config = get_preset(preset).config
    if not settings.tiny:
        return config
    batch = {"batch_size": 16} if config.optimiser.batch_size else {}
    return override(config, p=13, frac_train=0.6, **TINY, **batch)


def make_trainer(config: RunConfig, compiled: Literal["auto", "off"] = "auto") -> Trainer:
    """Return a trainer with the engine that `grokscope train` would choose for a run of this length.

    Its threads are torch's, as the plain loops have them.
    """
    config, task = resolve(config)
    split = make_split(task, config.split)
    asked = EngineConfig(threads=torch.get_num_threads(), compile=compiled)
    engine = choose_engine(config, len(split.rows("train")), asked)
    return Trainer(config, task, split, engine)


def repeats(settings: Settings) -> int:
    """Return the updates of one turn."""
    return 2 if settings.tiny else 5 if settings.quick else 10


def start_trainer(preset: str, settings: Settings, other_seed: bool = False) -> Started:
    """Warm up the trainer of a preset."""
    config = step_config(preset, settings)
    if other_seed:
        config = override(config, seed=OTHER_SEED)
    trainer = make_trainer(config)
    threads = trainer.engine.threads
    with repeatable(threads):
        losses = [trainer.update() for _ in range(CHECKED_UPDATES)]
        trainer.metrics()
        for _ in range(WARM_UP):
            trainer.update()

    def sample() -> dict[str, float]:
        with repeatable(threads):
            update = median_seconds(trainer.update, repeats(settings))
            metrics = median_seconds(trainer.metrics, 1)
        return {SECONDS: update, "with metrics": update + metrics / config.schedule.eval_every}

    name = OTHER if other_seed else "loss"
    return Started(sample, lambda: {name: losses}, {"engine": trainer.engine.describe()})


def start_loop(preset: str, settings: Settings, test_too: bool = False) -> Started:
    """Warm up the plain loop."""
    config = step_config(preset, settings)
    loop = PlainLoop(config, test_too=test_too)
    losses = [loop.update() for _ in range(CHECKED_UPDATES)]
    for _ in range(WARM_UP):
        loop.update()

    def evidence() -> dict[str, list[float]]:
        other = PlainLoop(override(config, seed=OTHER_SEED), test_too=test_too)
        return {"loss": losses, OTHER: [other.update() for _ in range(CHECKED_UPDATES)]}

    return Started(
        lambda: {SECONDS: median_seconds(loop.update, repeats(settings))},
        evidence,
        {"threads": torch.get_num_threads()},
    )


def start_transformer_lens(preset: str, settings: Settings) -> Started:
    """Warm up the plain loop over TransformerLens's own model, whose initial weights are its own."""
    from grokscope.models.transformer_lens_own import own_model

    config = step_config(preset, settings)
    try:
        model, name = own_model(resolve(config)[0].model)
    except RequestError as reason:
        raise NotMeasuredError(str(reason)) from None
    loop = PlainLoop(config, model)
    for _ in range(CHECKED_UPDATES + WARM_UP):
        loop.update()
    return Started(
        lambda: {SECONDS: median_seconds(loop.update, repeats(settings))}, facts={"model": name}
    )


def _case(name: str, preset: str, words: str, full_batch: bool) -> Case:
    # Any run of the setting; the preset's own seed repeats the reference run, to its bits, and takes longer.
    contenders = [
        Contender("trainer", "grokscope", partial(start_trainer, preset, other_seed=full_batch))
    ]
    if full_batch:
        label = "grokscope, repeating the reference run"
        contenders.append(Contender("reference", label, partial(start_trainer, preset)))
    contenders.append(Contender("loop", "plain loop, hooked model", partial(start_loop, preset)))
    if full_batch:
        contenders.append(
            Contender(
                "loop_and_test",
                "plain loop, test loss too",
                partial(start_loop, preset, test_too=True),
            )
        )
    contenders.append(
        Contender(
            "transformer_lens",
            "plain loop, TransformerLens model",
            partial(start_transformer_lens, preset),
        )
    )
    quantities = {
        SECONDS: ("", "s"),
        "with metrics": (", with metrics", "s"),
    }
    return Case(
        name=name,
        title=f"one update, preset {preset}: {words}",
        contenders=tuple(contenders),
        lines=compared(contenders, quantities),
        rounds=9,
        quick_rounds=3,
        agreement="same training",
    )


def nanda2023() -> Case:
    """Return the case of preset nanda2023.

    The preset itself is computed as the reference run was, to its bits; any other seed has the faster engine. The code
    of Nanda et al. 2023 computes the test loss in every update.
    """
    words = "p = 113, one layer, 3,830 rows, full batch, loss in float64, AdamW"
    return _case("step", "nanda2023", words, full_batch=True)


def power2022() -> Case:
    """Return the case of preset power2022; with minibatches nobody computes the test loss in every update."""
    words = "p = 97, two layers with LayerNorm, batches of 512, AdamW"
    return _case("step2", "power2022", words, full_batch=False)
