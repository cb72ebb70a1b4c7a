"""Case analysis: every default measure of one checkpoint, beside the published formulas done step by step."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from grokscope.analysis import analyze
from grokscope.bench.case import (
    SECONDS,
    Case,
    Contender,
    Line,
    Measured,
    Started,
    median_seconds,
)
from grokscope.bench.memory import begin_watching, peak_memory
from grokscope.bench.planted_run import planted_run
from grokscope.bench.settings import Settings
from grokscope.bench.spread import spread
from grokscope.bench.step_by_step import StepByStep, same_numbers_of_ours
from grokscope.bench.tables import compared
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.run import Run, open_run
from grokscope.tasks import ROWS

PEAK, ABOVE, WHOLE = "peak", "above", "whole"
TINY = dict(p=23, d_model=48, d_head=16, d_mlp=80, n_heads=2)


def run_to_analyse(settings: Settings) -> Run:
    """Return the given run, or a planted one in a new folder that the process's own folder holds."""
    if settings.run is not None:
        run = open_run(settings.run)
        check(run)
        return run
    config = RunConfig()
    if settings.tiny:
        config = override(config, **TINY)
    number = 3 if settings.tiny else 8 if settings.quick else 24
    return planted_run(Path(tempfile.mkdtemp()) / "planted", config, number)


def check(run: Run) -> None:
    """Raise RequestError for a run that the published formulas, as they are written out here, do not fit."""
    model = run.config.model
    fits = {
        "task mod_add": run.config.task.task == "mod_add" and run.task.p % 2 == 1,
        "layout a b =": run.config.task.layout == "a b =",
        "one layer": model.has_attention and model.n_layers == 1 and not model.attn_only,
        "no LayerNorm": model.normalization == "none",
        "no unembedding bias": not model.bias_unembed,
        "a known split": run.split is not None,
        "checkpoints": bool(run.steps),
    }
    missing = [name for name, holds in fits.items() if not holds]
    if missing:
        raise RequestError(
            f"{run.path} cannot be analysed step by step: it has not {', '.join(missing)}",
            "a run of addition modulo an odd number, one layer, without LayerNorm",
        )
    if not run.context.key:
        raise RequestError(f"{run.path} has no key frequencies", "a run that has grokked")


def timed(once: Callable[[], object], settings: Settings, before: float) -> dict[str, float]:
    """Return the seconds of one call, the peak memory, and what of it is above `before`."""
    seconds = median_seconds(once, 1 if settings.quick else 3)
    peak = peak_memory()
    return {SECONDS: seconds, PEAK: peak, ABOVE: peak - before}


def start_measures(settings: Settings) -> Started:
    """Warm up the measures of the last checkpoint, from its file on."""
    run = run_to_analyse(settings)
    step, context = run.steps[-1], run.context
    before = begin_watching()
    found = {}

    def once() -> None:
        snap = run.snapshot(step, context)
        for measure in choose(None):
            if measure.at == "every" and not measure.why_not(snap):
                found.update(measure(snap))

    once()
    return Started(
        lambda: timed(once, settings, before),
        lambda: same_numbers_of_ours(found, context.key),
        {"variables": len(found), "key": list(context.key), "threads": torch.get_num_threads()},
    )


def start_step_by_step(settings: Settings) -> Started:
    """Warm up the published formulas, from the checkpoint's file on."""
    run = run_to_analyse(settings)
    step, task, split = run.steps[-1], run.task, run.split
    assert split is not None
    key = run.context.key
    rows = {
        name: torch.arange(task.n_inputs) if name == "all" else torch.as_tensor(split.rows(name))
        for name in ROWS
    }
    before = begin_watching()
    script = StepByStep(
        torch.as_tensor(task.tokens), torch.as_tensor(split.labels), rows, key, task.p
    )
    found: dict[str, list[float]] = {}

    def once() -> None:
        model = HookedTransformer(run.config.model, run.weights(step))
        found.update(script.measure(model))

    once()
    return Started(
        lambda: timed(once, settings, before),
        lambda: found,
        {"variables": len(found), "threads": torch.get_num_threads()},
    )


def start_series(settings: Settings) -> Started:
    """Warm up `analyze` of all checkpoints of the run: what is measured at every step, and everything."""
    run = run_to_analyse(settings)
    n = len(run.steps)
    options: dict[str, Any] = {"threads": settings.threads, "cache": False}
    at_every = [measure.name for measure in choose(None) if measure.at == "every"]
    analyze(run, at_every, run.steps[-1:], **options)

    def sample() -> dict[str, float]:
        each = median_seconds(lambda: analyze(run, at_every, **options), 1)
        return {SECONDS: each / n, WHOLE: median_seconds(lambda: analyze(run, **options), 1)}

    return Started(sample, facts={"checkpoints": n, "threads": torch.get_num_threads()})


CONTENDERS = (
    Contender("measures", "grokscope, default measures", start_measures),
    Contender("step_by_step", "run_with_cache, step by step", start_step_by_step),
    Contender("series", "grokscope analyze, each of many", start_series),
)
QUANTITIES = {
    SECONDS: ("", "s"),
    PEAK: (", peak memory", "B"),
    ABOVE: (", memory of the work alone", "B"),
}


def lines(measured: Measured) -> list[Line]:
    """Return times and memory, and what `analyze` of the whole run takes."""
    found = compared(CONTENDERS, QUANTITIES)(measured)
    whole = measured.samples.get("series", {}).get(WHOLE)
    if whole is None:
        return found
    n = measured.facts["series"]["checkpoints"]
    return [*found, Line(f"grokscope analyze, {n} checkpoints in all", "s", spread(whole))]


def analysis() -> Case:
    """Return the case."""
    return Case(
        name="analysis",
        title="one checkpoint analysed, from its file to the numbers: p = 113, one layer, 12,769 inputs",
        contenders=CONTENDERS,
        lines=lines,
        rounds=7,
        quick_rounds=2,
        agreement="same numbers",
    )
