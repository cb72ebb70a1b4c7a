"""The dataset of a sweep: every setting and seed along its own dimension, read from metrics alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope import __version__
from grokscope.errors import GrokscopeError, RequestError
from grokscope.runs.metrics_dataset import metrics_dataset
from grokscope.runs.run import open_run
from grokscope.sweeps.field_words import field_words
from grokscope.sweeps.folder import Sweep
from grokscope.sweeps.plan import in_words
from grokscope.sweeps.record import SweepRun
from grokscope.tasks import ROWS

if TYPE_CHECKING:
    import xarray

    from grokscope.transitions import Transition

SWEEP_ROWS = ROWS[:3]
EVENTS = (
    "memorised", "off_chance", "grokked_50", "grokked_90", "grokked_95", "grokked_99", "diverged",
)  # fmt: skip
MAX_VALUES = 3 * 10**8
EVENT_SOURCE = "grokscope.transitions, from the run's metrics"
_STATUS = (
    "done, stopped early (stop_accuracy reached), diverged, failed, interrupted (or in training), "
    "not started"
)
_OWN_FACTS = ("n_train", "n_test", "n_test_twin_free")


@dataclass(frozen=True)
class _Read:
    """What one run's metrics say: its evaluated steps, curves over SWEEP_ROWS, events, and facts about its task."""

    steps: Int[ndarray, " metric_step"]
    loss: Float[ndarray, "rows metric_step"]
    accuracy: Float[ndarray, "rows metric_step"]
    events: "tuple[Transition, ...]"
    facts: dict[str, Any]


def build_dataset(sweep: Sweep) -> "xarray.Dataset":
    """Return the labelled dataset of a sweep as it is now: dimensions run, seed, step, rows, event.

    No weights are read. A run that has not started, or whose folder is damaged, has NaN; `status` says which.

    Raises
    ------
    RequestError
        Where the curves would not fit into memory.
    """
    import xarray

    fingerprint = sweep.fingerprint()
    records = sweep.runs
    labels = [setting.label for setting in sweep.settings]
    seeds = list(dict.fromkeys(record.seed for record in records))
    read = {(r.label, r.seed): _read(sweep, r) for r in records}
    steps = np.unique(np.concatenate([np.zeros(0, np.int64), *(r.steps for r in read.values())]))
    n_values = 2 * len(SWEEP_ROWS) * len(labels) * len(seeds) * len(steps)
    if n_values > MAX_VALUES:
        raise RequestError(
            f"the curves of {sweep.path} are {n_values:,} numbers",
            f"at most {MAX_VALUES:,}",
            "its runs are all there; evaluate less often (eval_every), or make several sweeps of it",
        )
    ds = xarray.Dataset(coords=_coordinates(sweep, labels, seeds, steps))
    for name, (dims, values, attrs) in (
        _curves(labels, seeds, steps, read) | _numbers(labels, seeds, records, read)
    ).items():
        ds[name] = (dims, values, attrs)
    ds.attrs = _attributes(sweep, [r.facts for r in read.values() if r.facts])
    return ds.assign_attrs(fingerprint=fingerprint)


def _read(sweep: Sweep, record: SweepRun) -> _Read:
    from grokscope.transitions.curves import declared_only
    from grokscope.transitions.events import transitions

    empty = np.full((len(SWEEP_ROWS), 0), np.nan)
    nothing = _Read(np.zeros(0, np.int64), empty, empty, (), {})
    if record.status == "not started":
        return nothing
    try:
        ds = metrics_dataset(open_run(sweep.path / record.folder))
    except GrokscopeError:  # the record says so: its status is "failed"
        return nothing
    if "metric_step" not in ds:
        return replace(nothing, facts=ds.attrs)
    located = transitions(ds)
    # Curves over seeds have the same steps, whichever of the runs was densified.
    ds = declared_only(ds)
    loss, accuracy = (
        ds[f"metric_{kind}"].sel(rows=list(SWEEP_ROWS)).values for kind in ("loss", "accuracy")
    )
    loss = np.where(np.isfinite(loss), loss, np.nan)
    events = tuple(located[name] for name in EVENTS)
    return _Read(ds["metric_step"].values, loss, accuracy, events, ds.attrs)


def _coordinates(
    sweep: Sweep, labels: Sequence[str], seeds: Sequence[int], steps: Int[ndarray, " step"]
) -> dict[str, Any]:
    found = {
        "run": ("run", np.array(labels), _label("Setting")),
        "seed": ("seed", np.array(seeds, dtype=np.int64), _label("Seed of the run")),
        "step": ("step", steps, _label("Step") | {"units": "updates"}),
        "rows": ("rows", np.array(SWEEP_ROWS), _label("Set of rows")),
        "event": ("event", np.array(EVENTS), _label("Event")),
    }
    if any(setting.case is not None for setting in sweep.settings):
        cases = np.array([setting.case or "" for setting in sweep.settings])
        found["case"] = ("run", cases, _label("Case"))
    for field in sweep.settings[0].values if sweep.settings else ():
        values = _as_coordinate([setting.values[field] for setting in sweep.settings])
        found[field] = ("run", values, _label(field_words().get(field, field)))
    return found


def _label(long_name: str) -> dict[str, str]:
    return {
        "long_name": long_name,
        "units": "1",
        "formula": "a label, not a quantity",
        "source": "the sweep's specification",
    }


def _as_coordinate(values: list[Any]) -> ndarray:
    """Return numbers as numbers, anything else in words."""
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return np.array(values)
    return np.array([in_words(v) for v in values])


_Variables = dict[str, tuple[tuple[str, ...], ndarray, dict[str, str]]]
_Keyed = Mapping[tuple[str, int], _Read]


def _curves(
    labels: Sequence[str], seeds: Sequence[int], steps: Int[ndarray, " step"], read: _Keyed
) -> _Variables:
    shape = (len(SWEEP_ROWS), len(labels), len(seeds), len(steps))
    loss, accuracy = np.full(shape, np.nan), np.full(shape, np.nan)
    for (label, seed), run in read.items():
        at = np.searchsorted(steps, run.steps)
        loss[:, labels.index(label), seeds.index(seed), at] = run.loss
        accuracy[:, labels.index(label), seeds.index(seed), at] = run.accuracy
    dims = ("rows", "run", "seed", "step")
    return {
        "loss": (
            dims,
            loss,
            _about(
                "Loss", "nat", "mean cross-entropy; NaN where not evaluated, or no finite number"
            ),
        ),
        "accuracy": (
            dims,
            accuracy,
            _about("Accuracy", "1", "share of rows answered right; NaN where not evaluated"),
        ),
    }


def _numbers(
    labels: Sequence[str], seeds: Sequence[int], records: Sequence[SweepRun], read: _Keyed
) -> _Variables:
    each = (len(labels), len(seeds))
    best, final = (np.full((len(SWEEP_ROWS), *each), np.nan) for _ in range(2))
    low, high = (np.full((len(EVENTS), *each), np.nan) for _ in range(2))
    last_step, n_train = np.full(each, np.nan), np.zeros(each, np.int64)
    status, folder = np.full(each, "", object), np.full(each, "", object)
    for record in records:
        at = labels.index(record.label), seeds.index(record.seed)
        n_train[at], status[at], folder[at] = record.n_train, record.status, record.folder
        run = read[record.label, record.seed]
        if len(run.steps):
            last_step[at] = run.steps[-1]
        for row, values in enumerate(run.accuracy):
            known = values[~np.isnan(values)]
            if len(known):
                best[row, *at], final[row, *at] = known.max(), known[-1]
        for number, event in enumerate(run.events):
            low[number, *at] = np.nan if event.low is None else event.low
            high[number, *at] = np.nan if event.high is None else event.high
    by_rows, by_run, by_event = ("rows", "run", "seed"), ("run", "seed"), ("event", "run", "seed")
    in_steps = "low < step <= high, as in the attribute event_definitions"
    return {
        "best_accuracy": (
            by_rows,
            best,
            _about("Best accuracy", "1", "largest accuracy over the run's evaluated steps"),
        ),
        "final_accuracy": (
            by_rows,
            final,
            _about("Final accuracy", "1", "accuracy at the last step at which it was recorded"),
        ),
        "event_low": (
            by_event,
            low,
            _about(
                "Step before the event",
                "updates",
                f"{in_steps}; the last step looked at where censored; NaN where the event was there at the "
                "first evaluation, or nothing was looked at",
                EVENT_SOURCE,
            ),
        ),
        "event_high": (
            by_event,
            high,
            _about(
                "Step at which the event was first seen",
                "updates",
                f"{in_steps}; NaN where it was not seen (censored)",
                EVENT_SOURCE,
            ),
        ),
        "status": (by_run, status.astype(str), _about("How far the run came", "1", _STATUS)),
        "last_step": (
            by_run,
            last_step,
            _about("Last evaluated step", "updates", "NaN where nothing was evaluated"),
        ),
        "n_train": (
            by_run,
            n_train,
            _about("Training rows", "rows", "number of rows that train", "the run's split"),
        ),
        "folder": (
            by_run,
            folder.astype(str),
            _about("Directory of the run", "1", "relative to the sweep's", "sweep.json"),
        ),
    }


def _about(
    long_name: str, units: str, formula: str, source: str = "metrics.jsonl"
) -> dict[str, str]:
    return {"long_name": long_name, "units": units, "formula": formula, "source": source}


def _attributes(sweep: Sweep, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sweep's name and specification, the events' definitions, and the facts in which all runs agree."""
    import xarray

    from grokscope.transitions.events import transitions

    definitions = transitions(xarray.Dataset())  # of no run: without one run's numbers in them
    agreed = {
        k: v
        for k, v in (facts[0] if facts else {}).items()
        if k not in _OWN_FACTS and all(other.get(k) == v for other in facts)
    }
    return agreed | {
        "name": sweep.name,
        "kind": "sweep",
        "specification": json.dumps(sweep.specification, allow_nan=False),
        "event_definitions": json.dumps({n: definitions[n].definition for n in EVENTS}),
        "grokscope_version": __version__,
    }
