"""From values to a labelled dataset: dimensions, coordinates, what each variable is, and the facts about the run."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope import __version__
from grokscope.errors import RequestError
from grokscope.measures.registry import Measure
from grokscope.runs.context import Context
from grokscope.runs.metrics_dataset import task_facts, with_metrics
from grokscope.runs.run import Run
from grokscope.runs.status import run_status
from grokscope.tasks import TASKS

if TYPE_CHECKING:
    import xarray

_COORDINATES = {
    "step": "Step",
    "metric_step": "Step of a line of metrics",
    "rows": "Set of rows",
    "freq": "Frequency",
    "irrep": "Real irreducible representation of the group",
    "key": "Key frequency, or key representation, by number",
    "param": "Weight, or all together",
    "component": "What was taken away",
    "mode": "How it was taken away",
    "draw": "Draw of the null",
    "rule": "Rule for key frequencies",
    "phase": "Phase of the Fourier component",
    "input": "Row of the task's table",
    "a": "First operand",
    "b": "Second operand",
    "answer": "Answer as trained",
    "train": "Whether the row trains",
    "head": "Attention head",
    "pos": "Position",
    "neuron": "Neuron",
    "example_neuron": "Neuron that is shown",
}


def make_dataset(
    run: Run,
    context: Context,
    taken: list[Measure],
    skipped: dict[str, str],
    steps: list[int],
    arrays: dict[str, np.ndarray],
    at_end: dict[str, np.ndarray],
    coordinates: dict[str, Any],
) -> "xarray.Dataset":
    """Return the dataset of an analysis.

    Parameters
    ----------
    run, context
        What was measured, and its key frequencies.
    taken, skipped
        The measures that were taken; name -> reason of those that were not.
    steps
        Ascending.
    arrays, at_end
        Variable -> values with a last axis of steps; those of the final step only.
    coordinates
        Dimension -> labels, used where a variable has as many.

    Raises
    ------
    RequestError
        Where two measures differ about the size of a dimension.
    """
    import xarray

    ds = xarray.Dataset(coords={"step": np.array(steps, dtype=np.int64)})
    ds["step"].attrs = {"long_name": "Step", "units": "updates"}
    for m in taken:
        for name, output in m.outputs.items():
            if name in arrays:
                dims, values = _with_step(output.dims), _step_in_place(arrays[name], output.dims)
            elif name in at_end:
                dims, values = output.dims, at_end[name]
            else:
                continue
            attrs = {
                "long_name": output.long_name,
                "units": output.units,
                "formula": output.formula,
                "source": m.source,
                "measure": m.name,
                "cost": m.cost,
                "reads": ", ".join(m.reads),
                "label_free": int(m.label_free),
                "causal": int(m.causal),
                "at": m.at,
            }
            for dim, size in zip(dims, values.shape, strict=True):
                if dim not in ds.sizes:
                    known = coordinates.get(dim)
                    fits = known is not None and len(known) == size
                    ds = ds.assign_coords({dim: known if fits else np.arange(size)})
                elif ds.sizes[dim] != size:
                    raise RequestError(
                        f"measure '{m.name}' gave {size} values along '{dim}'",
                        f"{ds.sizes[dim]}",
                        "use another name for the dimension",
                    )
            ds[name] = (dims, values, attrs)
    if "input" in ds.sizes and run.task.is_binary:
        ds = ds.assign_coords(_table(run))
    if "irrep" in ds.sizes:
        ds = ds.assign_coords(_degrees(ds, context))
    ds = with_metrics(ds, run)
    ds = _with_key(ds, run, context)
    for label, coordinate in ds.coords.items():
        known = {"long_name": _COORDINATES.get(str(label), str(label)), "units": "1"}
        known |= {"source": "the run", "formula": "a label, not a quantity"}
        coordinate.attrs = known | coordinate.attrs
    ds.attrs = _attributes(run, skipped, context)
    return ds


def _table(run: Run) -> dict[str, Any]:
    """Return the task's table by input: operands, answers as trained, and which rows trained where that is known."""
    a, b = run.task.inputs.T
    source, split = TASKS[run.task.name].source, run.split
    words = {"long_name": "Answer", "units": "class", "formula": run.task.formula, "source": source}
    answers = run.task.answers if split is None else split.labels
    found = {"a": ("input", a), "b": ("input", b), "answer": ("input", answers, words)}
    if split is None:
        return found
    train = {
        "long_name": "Whether the row trained",
        "units": "1",
        "formula": "1 for training rows, 0 for test rows",
        "source": "the run's split",
    }
    return found | {"train": ("input", split.train.astype(np.int8), train)}


def _degrees(ds: "xarray.Dataset", context: Context) -> dict[str, Any]:
    """Return the degree of each representation; nothing where a user's own measure has another dimension `irrep`."""
    form = context.product_form
    if form is None or ds.sizes["irrep"] != len(form.irreps):
        return {}
    words = {
        "long_name": "Real degree of the representation",
        "formula": "d of its real matrices [d, d]; on a cyclic group 1 for trivial and sign, 2 for a frequency",
        "source": "Serre, Linear Representations of Finite Groups",
    }
    return {"irrep_degree": ("irrep", np.array([rep.degree for rep in form.irreps]), words)}


def _with_step(dims: tuple[str, ...]) -> tuple[str, ...]:
    return ("step", *dims) if dims == ("draw",) else (*dims, "step")


def _step_in_place(values: np.ndarray, dims: tuple[str, ...]) -> np.ndarray:
    return np.moveaxis(values, -1, 0) if dims == ("draw",) else values


def _with_key(ds: "xarray.Dataset", run: Run, context: Context) -> "xarray.Dataset":
    attrs = {
        "long_name": "Key frequencies",
        "units": "frequency",
        "formula": "see `grokscope.runs.key.key_frequencies`",
        "source": "Nanda et al. 2023 (arXiv 2301.05217), section 4",
        "rule": context.rule,
        "at": "final",
    }
    if run.task.cyclic is not None:
        attrs["group"] = run.task.cyclic.group
        return ds.assign(key_frequency=("key", np.array(context.key, dtype=np.int64), attrs))
    form = context.product_form
    if form is None:
        return ds
    attrs |= {
        "long_name": "Key representations",
        "units": "name",
        "formula": "see `grokscope.runs.key_irreps.key_irreps`",
        "source": f"{attrs['source']}, carried over; similarity: Chughtai et al. 2023 (arXiv 2302.03025)",
        "group": form.group,
    }
    names = np.array([form.irreps.names[i] for i in context.key], dtype=str)
    return ds.assign(key_irrep=("key", names, attrs))


def _attributes(run: Run, skipped: dict[str, str], context: Context) -> dict[str, Any]:
    attrs = task_facts(run) | {
        "run": run.name,
        "config": json.dumps(run.info, allow_nan=False),
        "config_hash": run.config_hash,
        "grokscope_version": __version__,
        "skipped": json.dumps(skipped),
    }
    if run.task.cyclic is not None or context.product_form is not None:
        attrs |= {"key_rule": context.rule, "key_at": "final"}
    if (
        "origin" not in run.info
    ):  # an imported run was not trained here: nothing tells how far it was to go
        attrs["status"] = run_status(run)
    if run.task.cyclic is None and context.product_form is not None:
        attrs["n_irrep"] = len(context.product_form.irreps)
    return attrs
