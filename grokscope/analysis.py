"""From a run to a labelled dataset: every chosen measure at every chosen step."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope import __version__
from grokscope.errors import RequestError, UnsoundError
from grokscope.files import replacing
from grokscope.measures.registry import Measure, choose
from grokscope.runs.context import Context
from grokscope.runs.key import GROUP_RULES, RULES
from grokscope.runs.metrics_dataset import task_facts, with_metrics
from grokscope.runs.products import irreps_of, product_form_of
from grokscope.runs.run import Run, open_run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS
from grokscope.tasks import ROWS, TASKS

if TYPE_CHECKING:
    import xarray

OnStep = Callable[[int, int], None]
_COMPRESSED_FROM = 4096
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


def analyze(
    run: Run | str | Path,
    measures: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    on_step: OnStep | None = None,
    key_rule: str | None = None,
) -> "xarray.Dataset":
    """Measure a run at its checkpoints and return a labelled dataset with dimension `step`.

    Parameters
    ----------
    run
        A run or its directory.
    measures
        Names of measures or of their variables; "default" where None (see `choose`).
    steps
        Checkpointed steps; all where None. The last of them counts as the final one for what is measured there only;
        key frequencies are read at the run's last checkpoint.
    on_step
        Called with (done, total) after each step.
    key_rule
        How key frequencies, or key representations, are chosen: majority, neuron, embedding, logit or similarity
        (`key_frequencies`). The run's own where None: majority, or that of an imported run's authors.

    Raises
    ------
    RequestError
        For an unknown measure, a step without a checkpoint, or a run without checkpoints.
    UnsoundError
        For a damaged checkpoint.
    """
    run = open_run(run.path if isinstance(run, Run) else run)
    context = run.new_context(key_rule)
    chosen = choose(measures)
    wanted = sorted(set(run.steps if steps is None else steps))
    if not wanted:
        raise RequestError(
            f"{run.path} has no checkpoint", "a run with checkpoints", "train it first"
        )
    final = wanted[-1]
    missing = set(wanted) - set(run.steps)
    if missing:
        run.weights(min(missing))
    per_step: dict[str, list[np.ndarray]] = {}
    at_end: dict[str, np.ndarray] = {}
    skipped: dict[str, str] = {}
    coordinates: dict[str, Any] = {}
    for done, step in enumerate(wanted, start=1):
        snap = run.snapshot(step, context)
        if not snap.is_finite:
            raise UnsoundError(
                f"{run.path}: the logits at step {step} are not finite", todo="leave the step out"
            )
        for m in chosen:
            reason = m.why_not(snap)
            if reason:
                skipped[m.name] = reason
            elif m.at == "every":
                for name, value in m(snap).items():
                    per_step.setdefault(name, []).append(value)
            elif step == final:
                at_end.update(m(snap))
        if step == final:
            coordinates = _coordinates(snap, at_end)
        snap.context.remember(step, snap.weights)
        if on_step is not None:
            on_step(done, len(wanted))
    taken = [m for m in chosen if m.name not in skipped]
    for base, instead in _counterparts(chosen):
        skipped.pop(base if irreps_of(snap) is not None else instead, None)
    arrays = {name: np.stack(values, axis=-1) for name, values in per_step.items()}
    return _dataset(run, taken, wanted, arrays, at_end, coordinates, skipped, context)


def _counterparts(chosen: list[Measure]) -> list[tuple[str, str]]:
    """Return (measure, the one that stands in for it on other groups): one of the two is not for this kind of group."""
    names = {m.name for m in chosen}
    return [(m.instead_of, m.name) for m in chosen if m.instead_of in names]


def _dataset(
    run: Run,
    chosen: list[Measure],
    steps: list[int],
    arrays: dict[str, np.ndarray],
    at_end: dict[str, np.ndarray],
    coordinates: dict[str, Any],
    skipped: dict[str, str],
    context: Context,
) -> "xarray.Dataset":
    import xarray

    ds = xarray.Dataset(coords={"step": np.array(steps, dtype=np.int64)})
    ds["step"].attrs = {"long_name": "Step", "units": "updates"}
    for m in chosen:
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


def _coordinates(snap: Snapshot, at_end: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the coordinate of each dimension that has names or numbers of its own."""
    from grokscope.measures.ablations import MODES, component_names
    from grokscope.measures.displays import example_neurons

    config, task = snap.config, snap.task
    found: dict[str, Any] = {
        "rows": list(ROWS),
        "param": [*snap.weights, "all"],
        "head": np.arange(config.n_heads),
        "pos": np.arange(config.n_ctx),
        "draw": np.arange(N_DRAWS),
        "phase": ["cos", "sin"],
        "mode": list(MODES),
        "rule": list(RULES),
        "token": np.arange(task.p),
        "class": np.arange(task.n_classes),
        "input": np.arange(task.n_inputs),
        "d_model": np.arange(config.d_model),
    }
    if snap.has_neurons:
        found["neuron"] = np.arange(config.d_mlp)
    if task.cyclic is not None:
        found["freq"] = np.arange(1, task.cyclic.n_freq + 1)
    elif irreps_of(snap) is not None:
        found["rule"] = list(GROUP_RULES)
    form = product_form_of(snap)
    if form is not None:
        found["irrep"] = list(form.irreps.names)
    if "ablation_loss" in at_end:
        found["component"] = component_names(snap)
    if "neuron_activation" in at_end:
        found["example_neuron"] = example_neurons(snap)
    return found


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
    if run.task.cyclic is None and context.product_form is not None:
        attrs["n_irrep"] = len(context.product_form.irreps)
    return attrs


def write_dataset(ds: "xarray.Dataset", path: Path) -> None:
    """Write the dataset as netCDF (HDF5), whole or not at all; large variables compressed."""
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, v in ds.data_vars.items()
        if v.size > _COMPRESSED_FROM and v.dtype.kind in "fi"
    }
    with replacing(path) as aside:
        ds.to_netcdf(aside, engine="h5netcdf", encoding=encoding)


def read_dataset(path: Path) -> "xarray.Dataset":
    """Read what `write_dataset` wrote; UnsoundError where the file is missing or damaged."""
    import xarray

    if not path.is_file():
        raise RequestError(f"{path} is not there", "an analysed run", "run grokscope analyze first")
    try:
        with xarray.open_dataset(path, engine="h5netcdf") as ds:
            return ds.load()
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise UnsoundError(
            f"{path} is damaged: {error}", todo="run grokscope analyze again"
        ) from error
