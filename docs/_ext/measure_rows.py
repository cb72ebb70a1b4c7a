"""What is drawn of a measure: the rows of its small plot, from docs/_data/measure-data.npz, or why there is none.

A row is a few lines of one unit, in a run that groks and in its control. A variable with hundreds of
places (neurons, frequencies) becomes a few lines and a band.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parents[1] / "_data" / "measure-data.npz"
RUNS = ("groks", "control")
MOST_LINES = 4
SHOWN_ROWS = ("train", "test_twin_free")
SHOWN_PARAMS = ("all", "embed.W_E", "blocks.0.mlp.W_in", "unembed.W_U", "embed_left.W_E")
NOT_AMOUNTS = {
    "neuron_frequency": "which frequency each neuron has is a name and no amount",
    "neuron_irrep": "which representation each neuron has is a name and no amount",
}


@dataclass
class Line:
    """One line of a plot: run -> values along its steps, and for a band its lower and upper edge."""

    label: str
    middle: dict[str, np.ndarray] = field(default_factory=dict)
    low: dict[str, np.ndarray] = field(default_factory=dict)
    high: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Row:
    """Lines that share a vertical axis."""

    units: str
    lines: list[Line]
    is_full: bool = False
    """Whether other variables of the same units get an axis of their own."""


@cache
def stored(file: Path = FILE) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of the data file by name, and what is said about its runs."""
    with np.load(file) as found:
        arrays = {name: found[name] for name in found.files if name != "told"}
        return arrays, json.loads(str(found["told"]))


def pair_of(measure: Any) -> str:
    """Return which pair of runs shows a measure: what needs a group that is not cyclic is shown on one."""
    return "group" if {"irreps", "subgroups"} & set(measure.needs) else "cyclic"


def rows_of(measure: Any) -> tuple[list[Row], str]:
    """Return the rows of a measure's plot, or none and the reason."""
    if measure.at != "every":
        return [], "It is measured at the final step only: there is no curve over the steps."
    arrays, told = stored()
    pair = pair_of(measure)
    rows: list[Row] = []
    reasons = []
    for variable, output in measure.outputs.items():
        if variable in NOT_AMOUNTS:
            reasons.append(NOT_AMOUNTS[variable])
        elif not all(f"{pair}/{run}/{variable}" in arrays for run in RUNS):
            reasons.append(f"{variable} is not in the data of these plots")
        elif not variable.endswith("_se"):
            values = {run: arrays[f"{pair}/{run}/{variable}"] for run in RUNS}
            lines = lines_of(variable, values, {run: told[pair][run] for run in RUNS})
            if lines:
                _add(rows, Row(output.units, lines, bool(set(output.dims) - {"rows", "draw"})))
    return rows, "" if rows else f"No plot: {'; '.join(reasons)}."


def final_of(measure: Any) -> list[tuple[str, dict[str, float]]]:
    """Return (what, run -> value at the end) of a measure of the final step, where that is a number or two."""
    arrays, told = stored()
    pair = pair_of(measure)
    found = []
    for variable, output in measure.outputs.items():
        names = {run: f"{pair}/{run}/{variable}" for run in RUNS}
        if measure.at == "every" or not all(name in arrays for name in names.values()):
            continue
        values = {run: arrays[name] for run, name in names.items()}
        if output.dims == ():
            found.append((variable, {run: float(v) for run, v in values.items()}))
        elif output.dims == ("rows",):
            place = told[pair]["groks"]["coordinates"]["rows"].index("test_twin_free")
            one = {run: float(v[place]) for run, v in values.items()}
            found.append((f"{variable}, test_twin_free", one))
        elif output.dims == ("draw",):
            found.append(
                (f"{variable}, median draw", {run: float(v[1]) for run, v in values.items()})
            )
        elif output.dims == ("freq",):
            lines = _by_frequency(variable, "freq", values, told[pair])
            mean = {run: float(v) for run, v in lines[0].middle.items()}
            found.append((f"{variable}, mean over key frequencies", mean))
    return found


def _add(rows: list[Row], new: Row) -> None:
    """Add a row, to an earlier one of the same units where its lines fit in."""
    for row in rows:
        fits = len(row.lines) + len(new.lines) <= MOST_LINES
        if fits and row.units == new.units and not (row.is_full or new.is_full):
            row.lines += new.lines
            return
    rows.append(new)


def lines_of(variable: str, values: dict[str, np.ndarray], told: dict[str, Any]) -> list[Line]:
    """Return the lines of one variable."""
    dims = told["groks"]["dims"][variable]
    places = told["groks"]["coordinates"]
    if not dims:
        return [Line(variable, values)]
    if dims == ["rows"]:
        return _named(variable, values, places["rows"], SHOWN_ROWS)
    if dims == ["param"]:
        return _named(variable, values, places["param"], SHOWN_PARAMS)[:MOST_LINES]
    if dims[-1] in ("neuron", "draw"):
        of = "median neuron, 10 to 90 %" if dims[-1] == "neuron" else "20 draws, least to greatest"
        low, middle, high = (_at(values, k) for k in range(3))
        return [Line(f"{variable}, {of}", middle, low, high)]
    if dims == ["phase", "freq"]:
        best = {run: int(np.nanargmax(v[..., -1].sum(0))) for run, v in values.items()}
        return [
            Line(
                f"{variable}, {phase}, strongest frequency",
                {run: v[k, best[run]] for run, v in values.items()},
            )
            for k, phase in enumerate(places["phase"])
        ]
    return _by_frequency(variable, dims[-1], values, told)


def _named(
    variable: str, values: dict[str, np.ndarray], names: list[str], shown: Sequence[str]
) -> list[Line]:
    """Return the lines of some places of a dimension, those that have a finite value."""
    lines = [Line(f"{variable}, {n}", _at(values, names.index(n))) for n in shown if n in names]
    return [line for line in lines if np.isfinite(line.middle["groks"]).any()]


def _by_frequency(
    variable: str, dimension: str, values: dict[str, np.ndarray], told: dict[str, Any]
) -> list[Line]:
    """Return the key frequencies of each run (their mean), and the band of the others."""
    noun = "frequencies" if dimension == "freq" else "representations"
    key, rest = Line(f"{variable}, mean over key {noun}"), Line(f"{variable}, all other {noun}")
    for run, table in values.items():
        names = told[run]["coordinates"][dimension]
        wanted = {name for k in told[run]["key"] for name in (k, f"freq_{k}")}
        is_key = np.array([name in wanted for name in names])
        nothing = np.full(table.shape[1:], np.nan)
        key.middle[run] = table[is_key].mean(0) if is_key.any() else nothing
        if not is_key.all():
            others = table[~is_key & ~np.array([name == "trivial" for name in names])]
            rest.low[run], rest.high[run] = others.min(0), others.max(0)
            rest.middle[run] = np.median(others, axis=0)
    return [key, rest] if rest.middle.keys() == set(values) else [key]


def _at(values: dict[str, np.ndarray], place: int) -> dict[str, np.ndarray]:
    return {run: table[place] for run, table in values.items()}
