"""Reading curves of a Dataset: one sorted grid of evaluations, absent ones left out.

A reader asks for a curve and gets one, empty where the Dataset lacks it. NaN is no evaluation: such
steps are not on the curve's grid.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from grokscope.errors import RequestError
from grokscope.transitions.sustained import Crossing, first_sustained

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Curve:
    """Values of one quantity at the steps at which it was evaluated, ascending, without NaN.

    Attributes
    ----------
    steps, values
        The evaluations.
    added
        0 for those that the run's schedule declared, n for those added the n-th time; all declared where None.
    """

    steps: Int[np.ndarray, " evaluation"]
    values: Float[np.ndarray, " evaluation"]
    added: Int[np.ndarray, " evaluation"] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> int | None:
        """The last step looked at, None for an empty curve."""
        return int(self.steps[-1]) if len(self) else None

    def where(self, keep: Bool[np.ndarray, " evaluation"]) -> "Curve":
        """Only the evaluations to keep."""
        added = None if self.added is None else self.added[keep]
        return Curve(self.steps[keep], self.values[keep], added)

    @property
    def declared(self) -> "Curve":
        """Only the evaluations that the run's schedule declared: those that a reference value is taken from."""
        return self if self.added is None else self.where(self.added == 0)

    def merged(self, other: "Curve") -> "Curve":
        """Return the evaluations of both; at a step of both this curve's stands, unless only the other declared it."""
        both = np.concatenate([self.steps, other.steps])
        values = np.concatenate([self.values, other.values])
        added = np.concatenate([c.levels for c in (self, other)])
        order = np.lexsort((added > 0, both))  # stable: of two alike this curve's is first
        steps, first = np.unique(both[order], return_index=True)
        return Curve(steps, values[order][first], added[order][first])

    @property
    def levels(self) -> Int[np.ndarray, " evaluation"]:
        """`added`, zeros where None."""
        return np.zeros(len(self), int) if self.added is None else self.added

    def since(self, step: int) -> "Curve":
        """Only the evaluations at `step` and later."""
        return self.where(self.steps >= step)

    def at(self, steps: Int[np.ndarray, " other"]) -> Float[np.ndarray, " other"]:
        """Return the values at exactly these steps, NaN where there was no evaluation."""
        values = np.full(len(steps), np.nan)
        _, here, there = np.intersect1d(self.steps, steps, return_indices=True)
        values[there] = self.values[here]
        return values

    def reaches(self, level: float, consecutive: int) -> Crossing:
        """Find the first sustained evaluation at which the curve is at or above a level."""
        return self.sustains(at_least(self.values, level), consecutive)

    def sustains(self, holds: Bool[np.ndarray, " evaluation"], consecutive: int) -> Crossing:
        """Find the first sustained evaluation at which a condition holds; see `first_sustained`."""
        return first_sustained(self.steps, holds, consecutive, self.added)


ADDED = {"step": "densified", "metric_step": "metric_densified"}
"""The coordinate, along each grid of steps, with 0 for declared evaluations and n for those added the n-th time."""
EMPTY = Curve(np.zeros(0, int), np.zeros(0))


def at_least(
    values: Float[np.ndarray, " evaluation"], level: float
) -> Bool[np.ndarray, " evaluation"]:
    """Compare with a level so that a stored float32 .99 is at .99 (one row in 1e5 is 1e-5)."""
    return values >= level - 1e-6


def curve(
    ds: "xr.Dataset", name: str, label: str | int | None = None, along: str = "rows"
) -> Curve:
    """Read one variable over `step`, or an empty curve where it is absent.

    Parameters
    ----------
    ds
        The Dataset of one run.
    name
        A variable with dimension `step`.
    label, along
        For a variable with one more dimension: which of it, and the dimension's name.

    Raises
    ------
    RequestError
        Where the variable has further dimensions, as when several runs are in one Dataset.
    """
    return _read(ds, name, "step", label, along)


def curve_on(ds: "xr.Dataset", name: str, grid: str) -> Curve:
    """Read a variable whose only dimension is `grid`, or an empty curve where it is absent."""
    return _read(ds, name, grid, None)


def merged_curve(ds: "xr.Dataset", name: str, rows: str) -> Curve:
    """Read `name` at checkpoints and `metric_<name>` from training as one curve.

    The trainer's metrics are denser than checkpoints; both are evaluations of the same quantity.
    Where both have a step, the checkpoint's value stands (it is computed in float64), but for an added checkpoint at a
    declared line of metrics: what is declared stays what it was.
    """
    checkpoints = _read(ds, name, "step", rows)
    return checkpoints.merged(_read(ds, f"metric_{name}", "metric_step", rows))


def declared_only(ds: "xr.Dataset") -> "xr.Dataset":
    """Return a Dataset without the evaluations that were added to it; itself where none were."""
    for grid, name in ADDED.items():
        if name in ds.coords and grid in ds[name].dims:
            ds = ds.isel({grid: np.flatnonzero(ds[name].values == 0)})
    return ds


def lowest_curve(ds: "xr.Dataset", name: str, over: str) -> Curve:
    """Read the least value over one further dimension at each step, as of random draws."""
    if name not in ds or over not in ds[name].dims:
        return EMPTY
    lowest = ds[name].min(over, skipna=True)
    return _read(lowest.to_dataset(name=name), name, "step", None)


def keyless_until(ds: "xr.Dataset") -> int | None:
    """Return the last checkpoint of a run in which nothing is key, though looked for; None for any other run."""
    key = key_variable(ds)
    if key not in ds or "excluded_loss" not in ds or ds[key].size:
        return None
    return int(ds["step"].values.max())


def key_variable(ds: "xr.Dataset") -> str:
    """Return the variable with what is key: of frequencies, or of representations on a group that is not cyclic."""
    return "key_irrep" if "key_irrep" in ds else "key_frequency"


def key_dimension(ds: "xr.Dataset") -> str:
    """Return the dimension that frequencies, or representations, lie along."""
    return "irrep" if key_variable(ds) == "key_irrep" else "freq"


def in_its_words(ds: "xr.Dataset", text: str) -> str:
    """Return a text about frequencies in the words of the run's group."""
    if key_variable(ds) == "key_frequency":
        return text
    return text.replace("frequency sets", "relabellings of the group's elements").replace(
        "key frequencies", "key representations"
    )


def _read(
    ds: "xr.Dataset", name: str, grid: str, label: str | int | None, along: str = "rows"
) -> Curve:
    if name not in ds or grid not in ds[name].dims:
        return EMPTY
    variable = ds[name]
    if label is not None:
        if along not in variable.dims or label not in variable.coords[along].values.tolist():
            return EMPTY
        variable = variable.sel({along: label})
    more = [str(dim) for dim in variable.dims if dim != grid]
    if more:
        raise RequestError(
            f"variable '{name}' also has the dimension {', '.join(more)}",
            "the Dataset of one run",
            f"select one first, as in ds.isel({more[0]}=0)",
        )
    values = np.asarray(variable.values, dtype=float)
    steps = np.asarray(variable.coords[grid].values).astype(int)
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    added = variable.coords.get(ADDED.get(grid, ""))
    levels = None if added is None else np.asarray(added.values).astype(int)[order]
    return Curve(steps, values, levels).where(~np.isnan(values))
