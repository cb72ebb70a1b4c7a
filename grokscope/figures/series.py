"""Reading the Dataset: what is there, its curves without gaps, its words for axes."""

import html
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

#: Points of one drawn line; longer series keep the lowest and highest value of each stretch.
MOST_POINTS = 2000


def has(ds: xr.Dataset, name: str) -> bool:
    """Whether `name` is in the data set with at least one finite value."""
    if name not in ds.variables or ds[name].size == 0:
        return False
    values = ds[name].values
    return bool(np.isfinite(values).any()) if values.dtype.kind == "f" else True


def missing(ds: xr.Dataset, needs: Sequence[Sequence[str]]) -> list[str]:
    """Return, for each group of alternatives in `needs` of which none is there, its wording."""
    return [
        " or ".join(f"'{name}'" for name in group)
        for group in needs
        if not any(has(ds, name) for name in group)
    ]


def plain(text: object) -> str:
    """Return `text` so that plotly shows it as it stands: its labels read a few HTML tags."""
    return html.escape(str(text), quote=False)


def long_name(ds: xr.Dataset, name: str) -> str:
    """Return the variable's words for itself."""
    return str(ds[name].attrs.get("long_name", "")) or name.replace("_", " ")


def with_units(ds: xr.Dataset, name: str, words: str | None = None) -> str:
    """Return an axis title: `words` (default: the variable's long name) and its units."""
    units = str(ds[name].attrs.get("units", "")) if name in ds.variables else ""
    words = plain(long_name(ds, name)) if words is None else words
    return words if units in ("", "1", "dimensionless", "-") else f"{words} ({plain(units)})"


def step_axis(ds: xr.Dataset, name: str) -> str | None:
    """Return the step-like dimension of a variable: `step`, `metric_step` or none."""
    return next((dim for dim in ("step", "metric_step") if dim in ds[name].dims), None)


def curve(ds: xr.Dataset, name: str, **where: Hashable) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and the finite values of one series, both empty if there are none.

    `where` selects labels of other dimensions (`rows="train"`).
    """
    empty = np.empty(0, dtype=np.int64), np.empty(0)
    if name not in ds.variables:
        return empty
    for dim, label in where.items():
        if dim in ds[name].dims and label not in ds[name][dim].values:
            return empty
    array = ds[name].sel({dim: label for dim, label in where.items() if dim in ds[name].dims})
    axis = step_axis(ds, name)
    if array.dims != (axis,):
        return empty
    values = np.asarray(array.values, dtype=np.float64)
    steps = np.asarray(array[axis].values)
    finite = np.isfinite(values)
    return steps[finite], values[finite]


def thin(
    steps: np.ndarray, values: np.ndarray, most: int = MOST_POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Return at most about `most` points that keep each stretch's lowest and highest value."""
    if len(steps) <= most:
        return steps, values
    keep = {0, len(steps) - 1}
    for stretch in np.array_split(np.arange(len(steps)), most // 2):
        keep.add(int(stretch[np.argmin(values[stretch])]))
        keep.add(int(stretch[np.argmax(values[stretch])]))
    order = np.array(sorted(keep))
    return steps[order], values[order]


def step_range(ds: xr.Dataset, names: Iterable[str]) -> tuple[float, float]:
    """Return the first and last step over the named variables that are there."""
    found: list[float] = []
    for name in names:
        axis = step_axis(ds, name) if name in ds.variables else None
        if axis is not None and ds.sizes[axis]:
            values = ds[axis].values
            found += [float(values.min()), float(values.max())]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def key_frequencies(ds: xr.Dataset) -> list[int]:
    """Return the key frequencies, ascending; empty when there are none."""
    if "key_frequency" not in ds.variables:
        return []
    values = np.asarray(ds["key_frequency"].values, dtype=np.float64).ravel()
    return sorted(int(value) for value in values[np.isfinite(values)])


@dataclass(frozen=True)
class Parts:
    """What a spectrum lies along: frequencies, or representations of a group that is not cyclic.

    Attributes
    ----------
    dim
        The dimension.
    one, many, axis
        Its words: for one, for several, for an axis.
    labels
        Its labels, numbers or names.
    keys
        Those of them that are key.
    """

    dim: str
    one: str
    many: str
    axis: str
    labels: np.ndarray
    keys: list[Any]


def parts(ds: xr.Dataset, name: str) -> Parts:
    """Return what the variable `name` lies along beside the step."""
    if "irrep" not in ds[name].dims:
        axis = "frequency k (cycles per n)"
        return Parts(
            "freq", "frequency", "frequencies", axis, ds["freq"].values, key_frequencies(ds)
        )
    labels = ds["irrep"].values
    found = ds["key_irrep"].values.tolist() if "key_irrep" in ds.variables else []
    keys = [label for label in labels.tolist() if label in found]
    return Parts("irrep", "representation", "representations", "representation", labels, keys)


def last_steps(ds: xr.Dataset, name: str, most: int = 40) -> list[int]:
    """Return positions on the step axis, evenly spread, at most `most`, the last one among them."""
    count = ds.sizes["step"] if "step" in ds[name].dims else 1
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})


def position_of_step(ds: xr.Dataset, step: int | None) -> int:
    """Return the position of the checkpoint at `step`, or of the nearest one; the last by default."""
    if step is None:
        return ds.sizes["step"] - 1
    return int(np.abs(ds["step"].values - step).argmin())


def input_grid(ds: xr.Dataset, values: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay values over inputs out on the (a, b) plane.

    Returns
    -------
    a, b
        The values that occur, ascending.
    grid
        [b a], float32; NaN for pairs that the task does not have.
    """
    first, second = np.asarray(ds["a"].values), np.asarray(ds["b"].values)
    a, column = np.unique(first, return_inverse=True)
    b, row = np.unique(second, return_inverse=True)
    grid = np.full((len(b), len(a)), np.nan, dtype=np.float32)
    grid[row, column] = np.asarray(values.values, dtype=np.float32)
    return a, b, grid


def rounded(values: np.ndarray, digits: int = 4) -> list[Any]:
    """Return nested lists of numbers of `digits` significant digits, NaN as None: small in JSON."""
    if values.ndim > 1:
        return [rounded(row, digits) for row in values]
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values.tolist()]
