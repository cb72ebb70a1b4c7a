"""Make measure-data.npz, which the small plots of the measures' catalogue are drawn from.

    python docs/_data/make_measure_data.py cyclic RUN CONTROL
    python docs/_data/make_measure_data.py group RUN CONTROL

RUN groks, CONTROL does not (the same setting with weight decay 0); both are run directories. `cyclic`
or `group` says which of the two pairs of the file is replaced; the other one stays. What is measured
on request only is measured at a tenth of the steps.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

import grokscope as gs
from grokscope.files import replacing
from grokscope.measures import catalogue

FILE = Path(__file__).with_name("measure-data.npz")
PAIRS, RUNS = ("cyclic", "group"), ("groks", "control")
MOST_STEPS = 60
KEPT_EVENTS = ("memorised", "circuit_onset", "circuit_formed", "grokked_99")
QUANTILES = {"neuron": (0.1, 0.5, 0.9), "draw": (0.0, 0.5, 1.0)}
"""Of a dimension with hundreds of places: these quantiles are kept in their place."""


def thinned(steps: np.ndarray, most: int = MOST_STEPS) -> np.ndarray:
    """Return the places of at most `most` steps, evenly spread over the list, with both ends."""
    return np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))


def reduced(values) -> np.ndarray:
    """Return one variable, the step last, with quantiles in place of neurons and draws."""
    for dimension, levels in QUANTILES.items():
        if dimension in values.dims:
            values = values.quantile(levels, dim=dimension).rename(quantile=dimension)
    if "step" in values.dims:
        values = values.transpose(..., "step")
    return values.values.astype(np.float32)


def on_request(run, steps: list[int]) -> dict[str, np.ndarray]:
    """Measure what `analyze` leaves out unless it is asked for; every step between is not-a-number."""
    found = {}
    some = set(thinned(np.array(steps), max(2, len(steps) // 5)))
    for measure in catalogue():
        snapshot = run.snapshot(steps[-1])
        if measure.default or measure.at != "every" or measure.why_not(snapshot):
            continue
        for place in sorted(some):
            for name, value in measure(run.snapshot(steps[place])).items():
                lacking = np.full((*value.shape, len(steps)), np.nan, np.float32)
                found.setdefault(name, lacking)[..., place] = value
    return found


def of_run(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Return the arrays of a run, and what is said about it: events, dimensions, key, task."""
    with tempfile.TemporaryDirectory() as folder:  # the run itself is not written into
        copy = Path(folder) / path.name
        shutil.copytree(path, copy)
        run = gs.open_run(copy)
        ds = gs.analyze(run)
        places = thinned(ds["step"].values)
        small = ds.isel(step=places)
        steps = [int(step) for step in small["step"].values]
        arrays = {"step": np.array(steps, np.int32)}
        told = {
            "task": str(ds.attrs["task_formula"]),
            "weight_decay": run.config.optimiser.weight_decay,
            "frac_train": run.config.split.frac_train,
            "name": run.config.preset or run.name,
            "seed": run.config.model.init_seed,
            "dims": {},
            "coordinates": {},
            "key": [str(k) for name in ("key_frequency", "key_irrep") if name in ds for k in ds[name].values],
            "events": {
                t.name: [t.low, t.high]
                for t in gs.transitions(ds)
                if t.name in KEPT_EVENTS and not t.censored
            },
        }  # fmt: skip
        for name, variable in small.data_vars.items():
            if "input" in variable.dims or "metric_step" in variable.dims:
                continue
            if variable.dtype.kind not in "fiu" or name.startswith("ablation"):
                continue
            arrays[name] = reduced(variable)
            told["dims"][name] = [d for d in variable.dims if d != "step"]
        for name, values in on_request(run, steps).items():
            arrays[name], told["dims"][name] = values, []
        for name in ("freq", "irrep", "param", "rows", "rule", "phase"):
            if name in ds.coords:
                told["coordinates"][name] = [str(value) for value in ds[name].values]
        return arrays, told


def main(argv: list[str]) -> None:
    """Replace one pair of the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pair", choices=PAIRS)
    parser.add_argument("groks", type=Path, metavar="RUN")
    parser.add_argument("control", type=Path, metavar="CONTROL")
    options = parser.parse_args(argv)
    kept, told = {}, {}
    if FILE.is_file():
        with np.load(FILE) as old:
            kept = {k: old[k] for k in old.files if not k.startswith((options.pair, "told"))}
            told = json.loads(str(old["told"]))
    told[options.pair] = {}
    for which in RUNS:
        arrays, told[options.pair][which] = of_run(getattr(options, which))
        kept |= {f"{options.pair}/{which}/{name}": values for name, values in arrays.items()}
    with replacing(FILE) as aside, open(aside, "wb") as part:
        np.savez_compressed(part, told=np.array(json.dumps(told)), **kept)


if __name__ == "__main__":
    main(sys.argv[1:])
