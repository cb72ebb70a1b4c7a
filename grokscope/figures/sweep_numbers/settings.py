"""The settings of a sweep: what varies, and which runs lie on one line when one field is drawn across."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest

if TYPE_CHECKING:
    import xarray as xr

#: A run with one of these came to its end; of the others it is only known what happened so far.
ENDED = ("done", "stopped early", "diverged")


@dataclass(frozen=True, eq=False)
class Line:
    """Runs that differ in the field drawn across and in what follows from it, ascending in that field.

    Attributes
    ----------
    name
        What sets the line apart from the others ("AdamW, to zero"); empty where there is only one.
    values
        The same as field -> value.
    x
        The field drawn across.
    runs
        Positions on the dimension `run`.
    """

    name: str
    values: dict[str, Any]
    x: Float[ndarray, " setting"]
    runs: Int[ndarray, " setting"]


def varied_fields(ds: "xr.Dataset") -> list[str]:
    """Return the fields that differ between runs, `case` before all, then in the order of the data set."""
    names = [
        str(name)
        for name, coordinate in ds.coords.items()
        if coordinate.dims == ("run",)
        and name != "run"
        and len(set(coordinate.values.tolist())) > 1
    ]
    return sorted(names, key=lambda name: name != "case")


def numeric_fields(ds: "xr.Dataset") -> list[str]:
    """Return the varied fields that are numbers."""
    return [name for name in varied_fields(ds) if ds[name].dtype.kind in "iuf"]


def lines(ds: "xr.Dataset", against: str) -> list[Line]:
    """Return the lines of a figure that has the field `against` across.

    A field that follows from others (the batch size from the share of training rows, the optimiser from the case) sets
    nothing apart. Runs for which `against` is not a number are left out.

    Raises
    ------
    RequestError
        Where `against` is not a field that varies, or is not a number, or two runs of a line have the same.
    """
    across = numeric_fields(ds)
    if against not in across:
        fields = varied_fields(ds)
        why = "is not a number" if against in fields else "does not vary in this sweep"
        raise RequestError(
            f"'{against}' {why}", ", ".join(across) or "nothing: no number varies",
            nearest(against, across),
        )  # fmt: skip
    apart = _independent(ds, against)
    columns = {name: ds[name].values.tolist() for name in apart}
    found: dict[tuple[Any, ...], list[int]] = {}
    x = ds[against].values.astype(np.float64)
    for run in np.argsort(x, kind="stable").tolist():
        if np.isfinite(x[run]):
            found.setdefault(tuple(columns[name][run] for name in apart), []).append(run)
    made = []
    for key in sorted(found, key=lambda key: min(found[key])):
        runs = np.array(found[key], dtype=np.int64)
        if len(np.unique(x[runs])) < len(runs):
            twice = runs[np.flatnonzero(np.diff(x[runs]) == 0)[0]]
            raise RequestError(
                f"two runs with {against} = {x[twice]:g} differ in nothing that varies",
                "runs that differ in a field", "leave one out with ds.sel(run=[...])",
            )  # fmt: skip
        values = dict(zip(apart, key, strict=True))
        made.append(Line(", ".join(map(words, values, key)), values, x[runs], runs))
    return made


def words(field: str, value: Any) -> str:
    """Return a field and its value for reading: "weight decay 0.1"; a text by itself, "AdamW, to zero"."""
    if isinstance(value, str):
        return value
    if field == "frac_train":
        return f"{100 * value:g} % of data"
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{field.replace('_', ' ')} {number}"


def chosen_runs(ds: "xr.Dataset", run: str | Sequence[str] | None, most: int) -> list[int]:
    """Return the positions of the runs with these labels, of all where None.

    Raises
    ------
    RequestError
        For an unknown label, or more than `most` runs.
    """
    labels = [str(label) for label in ds["run"].values]
    wanted = labels if run is None else [run] if isinstance(run, str) else list(run)
    for label in wanted:
        if label not in labels:
            raise RequestError(f"run '{label}'", "; ".join(labels), nearest(label, labels))
    if not 1 <= len(wanted) <= most:
        raise RequestError(
            f"{len(wanted)} settings in one figure", f"1 to {most}",
            f"choose with run=[...], for example run='{labels[0]}'",
        )  # fmt: skip
    return [labels.index(label) for label in wanted]


def check_rows(ds: "xr.Dataset", rows: str) -> str:
    """Return `rows`; RequestError where the data set has no such rows."""
    known = [str(row) for row in ds["rows"].values]
    if rows not in known:
        raise RequestError(f"rows '{rows}'", ", ".join(known), nearest(rows, known))
    return rows


def ended(ds: "xr.Dataset") -> Bool[ndarray, "run seed"]:
    """Return which runs came to their end; all where the data set does not say."""
    if "status" not in ds.variables:
        return np.ones((ds.sizes["run"], ds.sizes["seed"]), dtype=bool)
    return np.isin(ds["status"].transpose("run", "seed").values.astype(str), ENDED)


def per_run(ds: "xr.Dataset", name: str, **where: str) -> Float[ndarray, "run seed"]:
    """Return one number per run and seed; `where` selects labels (`rows="test"`).

    Raises
    ------
    RequestError
        Where there is no such variable, or it does not have one number per run and seed.
    """
    if name not in ds.variables:
        fit = [
            str(n) for n, v in ds.data_vars.items()
            if {"run", "seed"} <= set(v.dims) <= {"run", "seed", "rows"} and v.dtype.kind in "iufb"
        ]  # fmt: skip
        raise RequestError(
            f"no variable '{name}'", ", ".join(fit),
            nearest(name, fit) or f"add it: ds.assign({name}=(('run', 'seed'), values))",
        )  # fmt: skip
    array = ds[name].sel({dim: label for dim, label in where.items() if dim in ds[name].dims})
    if set(array.dims) != {"run", "seed"} or array.dtype.kind not in "iufb":
        raise RequestError(
            f"'{name}' is not one number per run and seed: it has {', '.join(map(str, array.dims))}"
            f" of {array.dtype}", "a number for (run, seed)",
        )  # fmt: skip
    return np.asarray(array.transpose("run", "seed").values, dtype=np.float64)


def _independent(ds: "xr.Dataset", against: str) -> list[str]:
    """Return few fields that, with `against`, tell all settings apart: `case`, then those with few values, first."""
    columns = {name: ds[name].values.tolist() for name in varied_fields(ds)}
    kept: list[str] = []
    for name in sorted(columns, key=lambda name: (name != "case", len(set(columns[name])))):
        if name != against and not _follows(columns, name, [against, *kept]):
            kept.append(name)
    for name in reversed(list(kept)):
        others = [other for other in kept if other != name]
        if _follows(columns, name, [against, *others]):
            kept = others
    return [name for name in columns if name in kept]


def _follows(columns: dict[str, list[Any]], name: str, known: list[str]) -> bool:
    """Whether runs that agree in the fields `known` also agree in `name`."""
    seen: dict[tuple[Any, ...], Any] = {}
    keys = zip(*(columns[other] for other in known), strict=True)
    return all(
        seen.setdefault(key, value) == value for key, value in zip(keys, columns[name], strict=True)
    )
