"""Case gpu: how many runs a GPU trains in a minute, where there is one."""

import tempfile
import time
from pathlib import Path

import torch

from grokscope.bench.case import Case, Contender, NotMeasuredError, Started
from grokscope.bench.seeds import seeds_config, train_together
from grokscope.bench.settings import Settings
from grokscope.bench.tables import compared
from grokscope.config import override
from grokscope.presets import get_preset

N_SEEDS = 64
RATE = "runs per minute"


def start_gpu(settings: Settings) -> Started:
    """Train a few seeds shortly, so that the GPU is warm; `NotMeasuredError` without one."""
    if not torch.cuda.is_available():
        raise NotMeasuredError("torch sees no GPU")
    if settings.tiny:
        config, seeds = seeds_config("seeds", settings)
    else:
        config, seeds = get_preset("demo").config, tuple(range(N_SEEDS))
        if settings.quick:
            config = override(config, steps=300)

    def train(out: Path) -> float:
        begin = time.perf_counter()
        train_together(config, seeds, out, device="cuda")
        torch.cuda.synchronize()
        return time.perf_counter() - begin

    short = override(config, steps=10)
    train_together(short, seeds, Path(tempfile.mkdtemp()) / "runs", device="cuda")

    def sample() -> dict[str, float]:
        taken = train(Path(tempfile.mkdtemp()) / "runs")
        return {RATE: 60 * len(seeds) / taken}

    facts = {"gpu": torch.cuda.get_device_name(), "seeds": len(seeds)}
    return Started(sample, facts=facts | {"steps": config.schedule.steps})


def gpu() -> Case:
    """Return the case."""
    contenders = (Contender("gpu", f"grokscope, {N_SEEDS} seeds of preset demo", start_gpu),)
    return Case(
        name="gpu",
        title="many seeds on a GPU: preset demo, p = 59, 3,000 steps (--quick: 300)",
        contenders=contenders,
        lines=compared(contenders, {RATE: ("", "runs/min")}),
        rounds=3,
        quick_rounds=1,
    )
