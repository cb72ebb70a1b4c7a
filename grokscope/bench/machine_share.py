"""Case share: which share of the machine's matrix-product speed an update of preset nanda2023 reaches."""

from collections.abc import Sequence
from functools import partial

import torch

from grokscope.bench.case import (
    SECONDS,
    Case,
    Contender,
    Line,
    Measured,
    Started,
    median_seconds,
)
from grokscope.bench.settings import Settings
from grokscope.bench.spread import spread
from grokscope.bench.training_step import OTHER_SEED, WARM_UP, make_trainer, repeats, step_config
from grokscope.bench.work import nominal_operations, operations_done
from grokscope.config import override
from grokscope.training.processor import repeatable
from grokscope.training.resolve import resolve

Shape = tuple[int, int, int]

SHAPES: tuple[Shape, ...] = (
    (3830, 128, 512),
    (3830, 512, 128),
    (128, 3830, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
)
"""(m, k, n) of [m, k] @ [k, n]: the update's own, and square ones, which are the fastest."""
TINY_SHAPES: tuple[Shape, ...] = ((64, 32, 64), (96, 96, 96))


def start_products(settings: Settings) -> Started:
    """Warm up the matrix products."""
    actions = {}
    for m, k, n in TINY_SHAPES if settings.tiny else SHAPES:
        a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        times = max(1, int(4e9 / (2 * m * k * n))) if not settings.tiny else 3

        def action(a: torch.Tensor = a, b: torch.Tensor = b, out: torch.Tensor = out) -> None:
            torch.mm(a, b, out=out)

        actions[f"{m} x {k} x {n}"] = (action, times)
        median_seconds(action, 3)
    return Started(
        lambda: {name: median_seconds(action, times) for name, (action, times) in actions.items()},
        facts={"threads": torch.get_num_threads()},
    )


def start_update(settings: Settings, other_seed: bool = False) -> Started:
    """Warm up the trainer, and count the operations of one update."""
    config = step_config("nanda2023", settings)
    if other_seed:
        config = override(config, seed=OTHER_SEED)
    trainer = make_trainer(config)
    threads = trainer.engine.threads
    # The counter does not see into compiled code, whose products are the same.
    counted = trainer if not trainer.engine.compiled else make_trainer(config, compiled="off")
    with repeatable(threads):
        for _ in range(WARM_UP):
            trainer.update()
        done = operations_done(counted.update)
    facts = {
        "nominal": nominal_operations(resolve(config)[0].model, len(trainer.train_rows)),
        "done": done,
        "engine": trainer.engine.describe(),
        "threads": threads,
    }

    def sample() -> dict[str, float]:
        with repeatable(threads):
            return {SECONDS: median_seconds(trainer.update, repeats(settings))}

    return Started(sample, facts=facts)


def speeds(shape: str, seconds: Sequence[float]) -> list[float]:
    """Return operations per second of a product of the shape "m x k x n", from its times."""
    m, k, n = (int(word) for word in shape.split(" x "))
    return [2 * m * k * n / each for each in seconds]


UPDATES = (
    Contender("update", "update", partial(start_update, other_seed=True)),
    Contender("reference", "update, repeating the reference run", start_update),
)
WORK = {"nominal": "nominal work", "done": "products that it does"}
"""Name of the fact -> in words."""


def lines(measured: Measured) -> list[Line]:
    """Return the speed of every product, and each update's time, work, and share of the fastest product's speed."""
    products = measured.samples["products"]
    by_shape = {shape: speeds(shape, seconds) for shape, seconds in products.items()}
    found = [
        Line(f"matrix product {shape}", "operations/s", spread(values))
        for shape, values in by_shape.items()
    ]
    best = max(spread(values).median for values in by_shape.values())
    for contender in UPDATES:
        update, facts = measured.samples[contender.name][SECONDS], measured.facts[contender.name]
        found.append(Line(contender.label, "s", spread(update)))
        for name, words in WORK.items():
            work = facts[name]
            shares = [work / seconds / best for seconds in update]
            found += [
                Line(f"{contender.label}: {words}", "operations", spread([float(work)])),
                Line(f"{contender.label}: share, {words}", "share", spread(shares)),
            ]
    return found


def share() -> Case:
    """Return the case."""
    return Case(
        name="share",
        title="share of the machine's matrix-product speed (float32) that an update of preset nanda2023 reaches",
        contenders=(*UPDATES, Contender("products", "matrix products", start_products)),
        lines=lines,
        rounds=7,
        quick_rounds=3,
    )
