"""From a run to a labelled dataset: every chosen measure at every chosen step."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grokscope.analysis.cache import FOLDER, Cache
from grokscope.analysis.cache_file import Kept
from grokscope.analysis.coordinates import coordinates, coordinates_of_final, weightless_snapshot
from grokscope.analysis.dataset import make_dataset
from grokscope.analysis.digests import is_edited
from grokscope.analysis.keys import Keys
from grokscope.analysis.measuring import Measuring, OnStep, check_finite
from grokscope.analysis.threads import one_core_each
from grokscope.analysis.watched_run import watched
from grokscope.errors import RequestError
from grokscope.measures.registry import Measure, choose
from grokscope.runs.context import Context
from grokscope.runs.products import irreps_of
from grokscope.runs.run import Run, open_run

if TYPE_CHECKING:
    import xarray


def analyze(
    run: Run | str | Path,
    measures: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    on_step: OnStep | None = None,
    key_rule: str | None = None,
    threads: int | None = None,
    cache: bool = True,
) -> "xarray.Dataset":
    """Measure a run at its checkpoints; what `gs.analyze` calls, whose parameters `grokscope.api.analyze` tells.

    Raises
    ------
    RequestError
        For an unknown measure, a step without a checkpoint, or a run without checkpoints.
    UnsoundError
        For a damaged checkpoint.
    """
    run = watched(open_run(run.path if isinstance(run, Run) else run))
    present = run.steps
    context = run.new_context(key_rule, present)
    chosen = choose(measures)
    wanted = sorted(set(present if steps is None else steps))
    if not wanted:
        raise RequestError(
            f"{run.path} has no checkpoint", "a run with checkpoints", "train it first"
        )
    missing = set(wanted) - set(present)
    if missing:
        run.weights(min(missing))
    kept = Cache(run.path / FOLDER, Keys(run, context), cache and not is_edited())
    kept.drop_others(present)
    blank = weightless_snapshot(run, context, wanted[-1])
    skipped = {m.name: reason for m in chosen if (reason := m.why_not(blank))}
    taken = [m for m in chosen if m.name not in skipped]
    with one_core_each():
        _find_key(run, context, kept, wanted)
        measuring = Measuring(run, context, kept, taken, wanted)
        measuring.take(threads, on_step)
        labels = coordinates_of_final(run, context, kept, wanted[-1], measuring.at_end)
    for base, instead in _counterparts(chosen):
        skipped.pop(base if irreps_of(blank) is not None else instead, None)
    labels = coordinates(blank) | labels
    arrays = measuring.table.arrays()
    return make_dataset(run, context, taken, skipped, wanted, arrays, measuring.at_end, labels)


def _find_key(run: Run, context: Context, cache: Cache, wanted: list[int]) -> None:
    """Read the final key frequencies, once for all threads, or take them from the cache."""
    last, name = context.steps_of(run)[-1], "final key"
    kept = cache.named(name, last)
    if kept is not None:
        found = tuple(int(k) for k in kept.values["key"])
        context.memo(name, lambda: found)
        return
    snap = run.snapshot(last, context)
    if last in wanted and not _has_no_group(context):
        check_finite(snap)
    key = np.array(context.key, dtype=np.int64)
    cache.keep(last, {name: Kept(cache.keys.named(name, last), (), {"key": key})})


def _has_no_group(context: Context) -> bool:
    return context.task.cyclic is None and context.product_form is None


def _counterparts(chosen: list[Measure]) -> list[tuple[str, str]]:
    """Return (measure, the one that stands in for it on other groups): one of the two is not for this kind of group."""
    names = {m.name for m in chosen}
    return [(m.instead_of, m.name) for m in chosen if m.instead_of in names]
