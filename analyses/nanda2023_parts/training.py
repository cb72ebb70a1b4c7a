"""A fresh training of the mainline run and of the studies; what is there already is gone on with, or left."""

from pathlib import Path

import grokscope as gs
from grokscope.cli.sweep_progress import sweep_progress
from grokscope.errors import RequestError
from grokscope.runs.run import Run, open_run
from nanda2023_parts.studies import NAMES
from nanda2023_parts.subject import PRESET
from published.study import SWEEPS

#: Steps at which the reference run was kept; a longer one is kept every 5,000 after.
CHECKPOINTS = (
    100, 200, 500, 1000, 1400, 1700, 2000, 2300, 2600, 3000, 3500, 4000, 4700, 5400, 6100, 6800, 7500, 8000, 8500,
    9000, 9400, 9800, 10200, 10600, 11200, 12000, 14000, 16000, 18000,
)  # fmt: skip


def mainline(out: Path, seed: int, steps: int) -> Run:
    """Train the published setting, or go on with it; return its run.

    Raises
    ------
    RequestError
        Where the folder holds a run of another length.
    """
    path = out / f"mainline-seed{seed}"
    if (path / "config.json").is_file():
        there = open_run(path).config.schedule.steps
        if there != steps:
            given = f"'{path}' is a run of {there:,} steps, and {steps:,} are asked for"
            raise RequestError(given, todo=f"--steps {there}, or another --out")
        return gs.resume(path)
    kept = [step for step in (*CHECKPOINTS, *range(20_000, steps, 5_000)) if step < steps]
    found = gs.train(
        preset=PRESET, out=path, seed=seed, steps=steps, eval_every=10, checkpoint_every=0,
        checkpoint_steps=[*kept, steps],
    )  # fmt: skip
    assert isinstance(found, Run)
    return found


def studies(out: Path, workers: int | None) -> None:
    """Train the sweeps over seeds, weight decays and shares of the pairs, as far as they are not."""
    for name in NAMES:
        file = SWEEPS / "nanda2023" / f"{name}.toml"
        with sweep_progress() as hear:
            gs.sweep(file, out=out / name, workers=workers, on_update=hear)
