"""Which runs of a plan are on the disk already: a run that is done is found again when the sweep grows."""

import os
from dataclasses import replace
from pathlib import Path

from grokscope.config import RunConfig, from_dict
from grokscope.errors import GrokscopeError
from grokscope.files import read_json
from grokscope.runs.run import CONFIG_FILE
from grokscope.sweeps.plan import Plan
from grokscope.sweeps.record import RUNS, SweepRun, read_records, run_now


def planned_runs(path: Path, plan: Plan) -> list[SweepRun]:
    """Return the runs of a plan with their folders under `path`, and how far they are there.

    A run has the folder that its name says or, where the sweep has other settings than when it was made, any in
    which its very configuration was trained.
    """
    folders = _folders(path / RUNS, plan)
    reasons = _reasons(path)
    found = []
    for planned, name in zip(plan.runs, folders, strict=True):
        folder = f"{RUNS}/{name}"
        run = SweepRun(planned.label, planned.seed, folder, planned.config.hash(), planned.n_train)
        found.append(run_now(path, replace(run, reason=reasons.get(folder))))
    return found


def _folders(runs: Path, plan: Plan) -> list[str]:
    """Return the folder's name of each planned run."""
    there = set(os.listdir(runs)) if runs.is_dir() else set()
    named = [planned.folder_name for planned in plan.runs]
    if set(named) <= there or not there - set(named):
        return named
    others = {_config_of(runs / name): name for name in sorted(there - set(named))}
    return [
        name if name in there else others.get(planned.config, name)
        for planned, name in zip(plan.runs, named, strict=True)
    ]


def _config_of(run: Path) -> RunConfig | None:
    try:
        return from_dict(read_json(run / CONFIG_FILE)["config"])
    except (GrokscopeError, KeyError, TypeError):
        return None


def _reasons(path: Path) -> dict[str, str]:
    """Return why runs failed the last time, by folder; nothing where sweep.json is not there or damaged."""
    try:
        return {run.folder: run.reason for run in read_records(path) if run.reason}
    except GrokscopeError:
        return {}
