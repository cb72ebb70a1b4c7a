"""Pieces of evidence for an algorithm: a value, what it must be, and by how much it is."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence.

    Attributes
    ----------
    quantity
        A variable of the dataset, with the set of rows where it has them.
    value
        Its value at the last step; None where it was not measured.
    at_least, at_most
        What it must be; one of them is None.
    of
        What it speaks for.
    note
        Why there is no value, or what a reader should know.
    """

    quantity: str
    value: float | None
    at_least: float | None
    at_most: float | None
    of: str
    note: str = ""

    @property
    def margin(self) -> float | None:
        """How far the value is on the right side of its threshold; negative on the wrong one; None without a value."""
        if self.value is None:
            return None
        if self.at_least is not None:
            return self.value - self.at_least
        assert self.at_most is not None
        return self.at_most - self.value

    @property
    def holds(self) -> bool | None:
        """Whether it is as it must be; None without a value."""
        return None if self.margin is None else self.margin >= 0

    @property
    def wanted(self) -> str:
        """What it must be, in words."""
        return f">= {self.at_least:.4g}" if self.at_least is not None else f"<= {self.at_most:.4g}"

    def to_json(self) -> dict[str, Any]:
        """As one entry of the verdict."""
        return {
            "quantity": self.quantity,
            "value": self.value,
            "wanted": self.wanted,
            "margin": self.margin,
            "holds": self.holds,
            "of": self.of,
            "note": self.note,
        }


class Reader:
    """Reads values at a dataset's last step and says why one is missing."""

    def __init__(self, ds: "xarray.Dataset") -> None:
        self.ds = ds
        self._skipped: dict[str, str] = json.loads(ds.attrs.get("skipped", "{}"))

    def value(self, name: str, **at: str) -> float | None:
        """Return a number, None where it was not measured or is not a number."""
        if name not in self.ds:
            return None
        array = self.ds[name].sel(dict(at))
        if "step" in array.dims:
            array = array.isel(step=-1)
        found = np.asarray(array.values)
        return float(found) if found.ndim == 0 and np.isfinite(found) else None

    def array(self, name: str) -> np.ndarray | None:
        """Return the values at the last step, None where they were not measured."""
        if name not in self.ds:
            return None
        array = self.ds[name]
        return np.asarray((array.isel(step=-1) if "step" in array.dims else array).values)

    def why_missing(self, *measures: str) -> str:
        """Return why a measure gave nothing."""
        for name in measures:
            if name in self._skipped:
                return self._skipped[name]
        return "not measured"
