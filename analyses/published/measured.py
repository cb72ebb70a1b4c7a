"""Measures of finished runs, taken once and kept in files."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from grokscope import __version__
from grokscope.analysis import analyze, read_dataset, write_dataset
from grokscope.cli.progress import progress
from grokscope.errors import GrokscopeError
from grokscope.measures.registry import choose
from grokscope.runs.run import Run
from grokscope.sweeps import Sweep, SweepRun

FINISHED = ("done", "stopped early")
Measured = list[tuple[SweepRun, Run, xr.Dataset]]
Add = Callable[[Run], dict[str, xr.DataArray]]


def finished_runs(sweep: Sweep) -> Iterator[tuple[SweepRun, Run]]:
    """Yield every run of a sweep that came to its end, with its record."""
    for record in sweep.runs:
        if record.status in FINISHED:
            yield record, sweep.run(record.label, record.seed)


def measure_runs(
    sweep: Sweep,
    measures: Sequence[str],
    add: Add | None = None,
    key_rule: str | None = None,
    every_step: bool = False,
    quiet: bool = False,
) -> Measured:
    """Return each finished run, measured at its last checkpoint or at all; with progress on standard error.

    Parameters
    ----------
    sweep
        Where the runs are.
    measures
        Names of measures.
    add
        Further variables of a run, kept with the others.
    key_rule
        How key representations are chosen; each run's own rule where None.
    every_step
        Whether all checkpoints are measured.
    quiet
        Whether to show no progress.
    """
    runs = list(finished_runs(sweep))
    found = []
    with progress("measuring", len(runs), quiet) as advance:
        for done, (record, run) in enumerate(runs, start=1):
            ds = measured(run, measures, sweep.path / "measured", add, key_rule, every_step)
            found.append((record, run, ds))
            advance(done, f"{record.label}, seed {record.seed}")
    return found


def measured(
    run: Run,
    measures: Sequence[str],
    folder: Path,
    add: Add | None = None,
    key_rule: str | None = None,
    every_step: bool = False,
) -> xr.Dataset:
    """Return the measures of a run's last checkpoint, or of all; read from `folder` where they were taken before."""
    path = folder / f"{run.path.name}-{_fingerprint(run, measures, add, key_rule, every_step)}.nc"
    if path.is_file():
        try:
            return read_dataset(path)
        except GrokscopeError:
            path.unlink()
    steps = None if every_step else [run.steps[-1]]
    ds = analyze(run, list(measures), steps, key_rule=key_rule)
    if add is not None:
        ds = ds.assign(add(run))
    folder.mkdir(parents=True, exist_ok=True)
    write_dataset(ds, path)
    return ds


def last(ds: xr.Dataset, name: str, **where: object) -> float:
    """Return a number of the last step; not-a-number where the data set does not have it."""
    if name not in ds:
        return float("nan")
    values = ds[name].sel(**where) if where else ds[name]
    return float(values.isel(step=-1) if "step" in values.dims else values)


def key_names(ds: xr.Dataset) -> list[str]:
    """Return the names of the key representations; of a cyclic group those of its key frequencies."""
    if "key_frequency" in ds:
        return [f"freq_{k}" for k in np.atleast_1d(ds["key_frequency"].values).tolist()]
    return [str(name) for name in np.atleast_1d(ds["key_irrep"].values).tolist()]


def _fingerprint(
    run: Run, measures: Sequence[str], add: Add | None, key_rule: str | None, every_step: bool
) -> str:
    what = {
        "config": run.config_hash,
        "steps": list(run.steps) if every_step else [run.steps[-1]],
        "measures": [(m.name, m.version) for m in choose(list(measures))],
        "add": "" if add is None else f"{add.__module__}.{add.__qualname__}",
        "key rule": key_rule or run.key_rule,
        "grokscope": __version__,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
