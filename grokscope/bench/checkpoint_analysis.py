"""Case analysis: every default measure of one checkpoint, beside the published formulas done step by step."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grokscope.analysis import analyze
from grokscope.analysis.spread import take_all
from grokscope.analysis.threads import one_core_each
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
from grokscope.bench.step_by_step import Inputs, StepByStep
from grokscope.bench.tables import compared
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.measures.gradient_symmetricity import random_triples
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.context import Context
from grokscope.runs.key import DEFAULT_RULE, MAJORITY
from grokscope.runs.run import Run, open_run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS, null_sets
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
    number = 4 if settings.tiny else 20 if settings.quick else 40
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
        "key frequencies by majority": run.key_rule == MAJORITY,
        "a checkpoint at step 0": run.steps[:1] == (0,),
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


def all_measures(snap: Snapshot, threads: int = 1) -> dict[str, np.ndarray]:
    """Return {variable: array} of what is measured at every step without being asked for, where it applies."""
    chosen = [m for m in choose(None) if m.at == "every" and not m.why_not(snap)]
    found: dict[str, np.ndarray] = {}
    with one_core_each():
        for _, _, values in take_all(snap, chosen, threads):
            found |= values
    return found


def as_numbers(found: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Return the numbers of each variable, row by row."""
    return {
        name: np.asarray(array, dtype=np.float64).reshape(-1).tolist()
        for name, array in found.items()
    }


def inputs_of(run: Run, context: Context) -> Inputs:
    """Return what the script keeps: the table, and what defines a measure without being a formula.

    Thresholds, random sets of frequencies and random triples are grokscope's own: with others, numbers would differ.
    """
    task, snap = run.task, run.snapshot(run.steps[-1], context)
    return Inputs(
        tokens=torch.as_tensor(task.tokens),
        labels=snap.labels,
        rows={name: torch.as_tensor(snap.rows(name)) for name in ROWS},
        key=context.key,
        p=task.p,
        rule=DEFAULT_RULE,
        null_of=lambda key: null_sets(snap, key),
        n_draws=N_DRAWS,
        triples=random_triples(task.n_inputs, task.n_classes),
    )


def script_at(run: Run, context: Context, step: int) -> Callable[[], dict[str, list[float]]]:
    """Return what measures a checkpoint step by step, from its file on.

    A script that goes through a run has the first and the previous weights at hand.
    """
    script, initial = StepByStep(inputs_of(run, context)), run.weights(0)
    before = context.previous_step(run, step)
    previous = None if before is None else run.weights(before)

    def once() -> dict[str, list[float]]:
        weights = run.weights(step)
        return script.measure(
            HookedTransformer(run.config.model, weights), weights, initial, previous
        )

    return once


def start_measures(settings: Settings) -> Started:
    """Warm up the measures of the last checkpoint, from its file on."""
    run = run_to_analyse(settings)
    step, context, threads = run.steps[-1], run.context, torch.get_num_threads()
    before = begin_watching()
    found = {}

    def once() -> None:
        found.update(all_measures(run.snapshot(step, context), threads))

    once()
    return Started(
        lambda: timed(once, settings, before),
        lambda: as_numbers(found),
        {"variables": len(found), "key": list(context.key), "threads": threads},
    )


def start_step_by_step(settings: Settings) -> Started:
    """Warm up the published formulas, from the checkpoint's file on."""
    run = run_to_analyse(settings)
    before = begin_watching()
    measure = script_at(run, run.context, run.steps[-1])
    found: dict[str, list[float]] = {}

    def once() -> None:
        found.update(measure())

    once()
    return Started(
        lambda: timed(once, settings, before),
        lambda: found,
        {"variables": len(found), "threads": torch.get_num_threads()},
    )


def start_series(settings: Settings) -> Started:
    """Warm up `analyze` of the run: what one more checkpoint takes, and everything.

    One more checkpoint: what all of them take, less what a fourth takes, by how many more they are. So what is done
    once for a run (tables, random draws, key frequencies, the dataset itself) is not counted, as in the script.
    """
    run = run_to_analyse(settings)
    n, few = len(run.steps), len(run.steps) // 4
    options: dict[str, Any] = {"threads": settings.threads, "cache": False}
    at_every = [measure.name for measure in choose(None) if measure.at == "every"]
    analyze(run, at_every, run.steps[-1:], **options)

    def sample() -> dict[str, float]:
        part = median_seconds(lambda: analyze(run, at_every, run.steps[-few:], **options), 1)
        whole = median_seconds(lambda: analyze(run, at_every, **options), 1)
        everything = median_seconds(lambda: analyze(run, **options), 1)
        return {SECONDS: (whole - part) / (n - few), WHOLE: everything}

    return Started(sample, facts={"checkpoints": n, "threads": torch.get_num_threads()})


CONTENDERS = (
    Contender("series", "grokscope analyze, each checkpoint of many", start_series),
    Contender("measures", "grokscope, one checkpoint alone", start_measures),
    Contender("step_by_step", "run_with_cache, step by step", start_step_by_step),
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
