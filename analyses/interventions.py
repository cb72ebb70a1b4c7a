"""Who really helps: steps to grok of the interventions beside AdamW, all with the same tuning effort.

    python analyses/interventions.py            # about half an hour on two cores
    python analyses/interventions.py --dry-run

Each method is tried with the same number of settings on a seed of its own (analyses/sweeps/interventions/tuning.toml);
the setting with the smallest median number of steps to 99 % test accuracy then runs on five new seeds. Runs that did
not get there count as later than their last step, in the choice and in the medians.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
import xarray as xr

import grokscope as gs
from grokscope.cli.output import print_table
from grokscope.errors import GrokscopeError
from grokscope.figures.sweep_numbers.censored import event_bounds, median_steps
from grokscope.files import write_text
from grokscope.sweeps.specification import read_specification
from published import claims

TUNING = Path(__file__).parent / "sweeps" / "interventions" / "tuning.toml"
REFERENCE, CONTROL = "AdamW", "Adam, no weight decay (control)"
EVENT = "grokked_99"
SEEDS = (0, 1, 2, 3, 4)
HEADER = (
    "method",
    "chosen setting",
    "tried",
    "memorised, median",
    "99 % test accuracy, median",
    "range over seeds",
    "not reached",
    "AdamW's steps / these",
)


@dataclass(frozen=True)
class Options:
    """Tune every method alike, then compare them on new seeds."""

    out: Path = Path("checkpoints")
    """Folder in which the two sweeps' folders are made."""
    workers: int | None = None
    """Runs at the same time; one for each core where not given."""
    dry_run: bool = False
    """Print the settings that would be tried, and stop."""


def main(options: Options) -> int:
    """Tune, compare, print the table, and write it beside the runs."""
    data = read_specification(TUNING).data
    if options.dry_run:
        print_table(("method", "setting"), [_split(case["name"]) for case in data["case"]])
        return 0
    tuning = gs.sweep(TUNING, out=options.out / "interventions-tuning", workers=options.workers)
    chosen = best_settings(tuning.dataset())
    final = gs.sweep(
        compared(data, list(chosen.values())),
        out=options.out / "interventions",
        workers=options.workers,
    )
    tried = {method: sum(_split(c["name"])[0] == method for c in data["case"]) for method in chosen}
    cells = table(final.dataset(), tried)
    print_table(HEADER, cells, title="Steps to grok, median and range over seeds")
    path = final.path / "interventions.md"
    write_text(path, claims.markdown(HEADER, cells) + "\n")
    print(path)
    return 0


def best_settings(ds: xr.Dataset) -> dict[str, str]:
    """Return, for each method, the case with the smallest median step; the higher accuracy decides among equals."""
    found: dict[str, tuple[tuple[float, float], str]] = {}
    high = median_steps(ds, EVENT).high
    accuracy = ds["best_accuracy"].sel(rows="test").mean("seed").values
    for run, case in enumerate(ds["case"].values.tolist()):
        method = _split(case)[0]
        step = math.inf if math.isnan(high[run]) else high[run]
        rank = (step, -float(accuracy[run]))
        if method not in found or rank < found[method][0]:
            found[method] = (rank, case)
    return {method: case for method, (_, case) in found.items()}


def compared(data: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
    """Return the sweep of the chosen cases and the control on the new seeds."""
    cases = [case for case in data["case"] if case["name"] in chosen]
    control = {"name": CONTROL, "optimiser": "adam", "weight_decay": 0.0}
    return {**data, "name": "interventions", "seeds": list(SEEDS), "case": [*cases, control]}


def table(ds: xr.Dataset, tried: dict[str, int]) -> list[tuple[str, ...]]:
    """Return one row for each method, the fastest first."""
    grokked, memorised = median_steps(ds, EVENT), median_steps(ds, "memorised")
    low, high = event_bounds(ds, EVENT)
    cases = [_split(case) for case in ds["case"].values.tolist()]
    reference = [grokked.high[run] for run, case in enumerate(cases) if case[0] == REFERENCE][0]
    order = sorted(range(len(cases)), key=lambda run: (grokked.high[run], grokked.low[run]))
    rows = []
    for run in order:
        method, setting = cases[run]
        steps = np.sort(np.where(np.isfinite(high[run]), high[run], np.inf))
        rows.append(
            (
                method,
                setting or "-",
                str(tried.get(method, 1)),
                _step(memorised.high[run], memorised.low[run]),
                _step(grokked.high[run], grokked.low[run]),
                f"{_step(steps[0], low[run].max())} to {_step(steps[-1], low[run].max())}",
                f"{grokked.censored[run]} of {grokked.n[run]}",
                f"{reference / grokked.high[run]:.2f}" if np.isfinite(grokked.high[run]) else "-",
            )
        )
    return rows


def _split(case: str) -> tuple[str, str]:
    """Return (method, setting) of a case's name."""
    method, _, setting = case.partition(": ")
    return method, setting


def _step(high: float, low: float) -> str:
    return f"{high:,.0f}" if np.isfinite(high) else f"after {low:,.0f}"


if __name__ == "__main__":
    try:
        sys.exit(main(tyro.cli(Options, description=__doc__)))
    except GrokscopeError as error:
        print(f"interventions: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interventions: interrupted; call it again to go on", file=sys.stderr)
        sys.exit(130)
