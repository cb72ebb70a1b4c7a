"""The metrics of one run as a labelled dataset, with the facts about its task that events are judged by."""

from typing import TYPE_CHECKING, Any

import numpy as np

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
    """Return `ds` with `metric_loss` (nat) and `metric_accuracy` [rows, metric_step] where the run has metrics."""
    steps, arrays = metric_arrays(run.metrics())
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
    return ds


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
