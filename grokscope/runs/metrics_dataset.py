"""The metrics of one run as a labelled dataset, with the facts about its task that events are judged by."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.runs.densified import densified_levels, densified_metric_levels
from grokscope.runs.metrics import metric_arrays
from grokscope.runs.run import Run
from grokscope.tasks import ROWS

if TYPE_CHECKING:
    import xarray


def metrics_dataset(run: Run) -> "xarray.Dataset":
    """Return what metrics.jsonl holds, with `task_facts` as attributes: enough for events of accuracy and loss.

    No weights are read.

    Raises
    ------
    UnsoundError
        Where metrics.jsonl is damaged.
    """
    import xarray

    return with_metrics(xarray.Dataset(attrs=task_facts(run)), run)


def with_metrics(ds: "xarray.Dataset", run: Run) -> "xarray.Dataset":
    """Return `ds` with `metric_loss` (nat) and `metric_accuracy` [rows, metric_step] where the run has metrics.

    And with `metric_softmax_collapse`, `metric_loss_underflow` [metric_step] where they were recorded.

    Where densify added checkpoints, coordinates say so: `densified` [step], `metric_densified` [metric_step].
    """
    if "step" in ds.coords:
        there = ds["step"].values.tolist()
        ds = _with_added(ds, "step", "densified", densified_levels(run, there))
    lines = run.metrics()
    steps, arrays = metric_arrays(lines)
    if not len(steps):
        return ds
    ds = ds.assign_coords(metric_step=("metric_step", steps), rows=list(ROWS))
    for kind, unit in (("loss", "nat"), ("accuracy", "1")):
        attrs = {
            "long_name": f"{kind.capitalize()} recorded in training",
            "units": unit,
            "formula": f"{kind} as recorded in metrics.jsonl",
            "source": "the run's metrics",
        }
        ds[f"metric_{kind}"] = (("rows", "metric_step"), arrays[kind], attrs)
    for name, values in numerical_arrays(lines, steps).items():
        ds[f"metric_{name}"] = (("metric_step",), values, dict(NUMERICAL[name]))
    levels = densified_metric_levels(run, steps.tolist())
    return _with_added(ds, "metric_step", "metric_densified", levels)


NUMERICAL = {
    "softmax_collapse": {
        "long_name": "Training rows in softmax collapse",
        "units": "1",
        "formula": "share of training rows with sum_j exp(z_j - max z) exactly 1 in the precision of the training loss",
        "source": "Prieto et al. 2025, arXiv 2501.04697; the run's metrics",
    },
    "loss_underflow": {
        "long_name": "Training loss is exactly 0",
        "units": "1",
        "formula": "1 where the training loss is exactly 0 in its precision, 0 elsewhere",
        "source": "the run's metrics",
    },
}
"""What metrics.jsonl records of the arithmetic, with what is said of it in the dataset."""


def numerical_arrays(
    lines: Sequence[Mapping[str, Any]], steps: Int[np.ndarray, " metric_step"]
) -> dict[str, Float[np.ndarray, " metric_step"]]:
    """Return `NUMERICAL` at each step, NaN where not recorded; nothing where no line records any."""
    known = [line for line in lines if isinstance(line.get("softmax_collapse"), (int, float))]
    if not known:
        return {}
    place = {int(step): number for number, step in enumerate(steps)}
    found = {name: np.full(len(steps), np.nan) for name in NUMERICAL}
    for line in known:
        at = place[line["step"]]
        found["softmax_collapse"][at] = line["softmax_collapse"]
        found["loss_underflow"][at] = 1.0 if line.get("loss_underflow") else 0.0
    return found


def _with_added(
    ds: "xarray.Dataset", grid: str, name: str, levels: Int[np.ndarray, " step"]
) -> "xarray.Dataset":
    """Return `ds` with a coordinate that says which steps were added by densify; itself where none were."""
    if not levels.any():
        return ds
    attrs = {
        "long_name": "Added by densify",
        "units": "1",
        "formula": "0 where the run's schedule has the step, n where the n-th densifying added it",
        "source": "densified.json",
    }
    return ds.assign_coords({name: (grid, levels, attrs)})


def task_facts(run: Run) -> dict[str, Any]:
    """Return the task's formula, classes, chance levels and group, and the numbers of rows where the split is known."""
    task, split = run.task, run.split
    facts: dict[str, Any] = {
        "task": task.name,
        "task_formula": task.formula,
        "p": task.p,
        "layout": task.layout,
        "n_classes": task.n_classes,
        "chance_accuracy": 1 / task.n_classes,
        "chance_loss": float(np.log(task.n_classes)),
    }
    if task.cyclic is not None:
        facts |= {"n_freq": task.cyclic.n_freq, "group": task.cyclic.group}
    elif task.group is not None:
        facts["group"] = task.group.name
    if split is not None:
        for name in ("train", "test", "test_twin_free"):
            facts[f"n_{name}"] = len(split.rows(name))
    return facts
