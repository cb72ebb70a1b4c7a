"""A figure's caption: what is shown, how to read it, definitions and sources, and every setting behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.configuration import flat, hyper_parameters
from grokscope.figures.marks import event_words, interval_words
from grokscope.figures.series import has, long_name, step_axis
from grokscope.transitions.transition import Transitions

if TYPE_CHECKING:
    from grokscope.figures.declare import Declared

#: What a Dataset says of itself that belongs to a figure's settings: attribute -> words.
COUNTS = {
    "n_train": "training rows", "n_test": "test rows", "n_test_twin_free": "twin-free test rows",
    "n_classes": "classes",
}  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """One variable of a figure: its name, its words, its formula and where that is from."""

    variable: str
    long_name: str
    formula: str
    source: str


def summary(drawing: "Declared", ds: xr.Dataset | None = None) -> str:
    """Return what the figure's docstring says before its parameters: what is shown, how to read it.

    With the Dataset of a group that is not cyclic, its representations stand where others have frequencies.
    """
    words = " ".join((drawing.__doc__ or "").split("\n    Parameters\n")[0].split())
    if ds is not None and "key_irrep" in ds.variables:
        words = words.replace("frequencies", "representations").replace(
            "frequency", "representation"
        )
    return words


def definitions(drawing: "Declared", ds: xr.Dataset) -> list[Definition]:
    """Return the definition and source of every variable that the figure draws from `ds`."""
    names = [name for group in drawing.needs for name in group] + list(drawing.uses)
    return [
        Definition(
            name,
            long_name(ds, name),
            str(ds[name].attrs.get("formula", "")),
            str(ds[name].attrs.get("source", "")),
        )
        for name in dict.fromkeys(names)
        if has(ds, name)
    ]


def caption(drawing: "Declared", ds: xr.Dataset) -> str:
    """Return the caption as plain text: title, reading, the run, definitions and sources."""
    told = [f"{drawing.title}. {summary(drawing, ds)}"]
    of = "Sweep" if ds.attrs.get("kind") == "sweep" else "Run"
    name = ds.attrs.get("name" if of == "Sweep" else "run")
    task = ds.attrs.get("task_formula") or ds.attrs.get("task")
    if name:
        told.append(f"{of}: {name} ({task})." if task else f"{of}: {name}.")
    for item in definitions(drawing, ds):
        source = f" [{item.source}]" if item.source else ""
        told.append(f"{item.long_name}: {item.formula or 'no formula given'}{source}.")
    return " ".join(told)


def options_told(options: Mapping[str, Any]) -> str:
    """Return the options that a figure was drawn with, where any were given."""
    given = "; ".join(f"{name} = {value}" for name, value in options.items())
    return f"Options: {given}." if given else ""


def events_told(drawing: "Declared", fig: go.Figure, transitions: Transitions | None) -> str:
    """Return the events and phases that are drawn on a figure, each with its number and its interval in steps.

    A figure that needs no variable, the time line, has nothing but events: all are told.
    """
    meta = fig.layout.meta or {}
    if transitions is None:
        return ""
    by_words = {event_words(event.name): event for event in transitions}
    events = [
        f"{number} {words}: {interval_words(by_words[words])}"
        for number, words, _ in meta.get("events", [])
    ]
    if not drawing.needs:
        events = [f"{words}: {interval_words(event)}" for words, event in by_words.items()]
    shaded = [name for name, _, _ in meta.get("phases", [])]
    phases = [
        f"{name}: steps {start:,} to {end:,}"
        for name, start, end in transitions.phases()
        if name in shaded
    ]
    told = [
        f"{what}: {'; '.join(listed)}."
        for what, listed in (("Events", events), ("Phases (shaded)", phases))
        if listed
    ]
    return " ".join(told)


def settings_told(ds: xr.Dataset, drawing: "Declared | None" = None) -> list[str]:
    """Return everything behind a figure of a Dataset: what was analysed, and how the run was made.

    With `drawing`, the steps are those of the variables that it draws.

    Returns
    -------
    list of str
        Two paragraphs: key frequencies, steps and rows; each field of the configuration, and versions.
    """
    version = ds.attrs.get("grokscope_version")
    by = f"Analysed with grokscope {version}." if version else ""
    return [
        _joined(_keys(ds), _steps(ds, drawing), _counts(ds)),
        _joined(configuration_told(hyper_parameters(ds)), by),
    ]


def _joined(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def configuration_told(rows: list[tuple[str, str]]) -> str:
    """Return (dotted name, value) rows as one sentence."""
    listed = "; ".join(f"{name.removeprefix('config.')} = {value}" for name, value in rows)
    return f"Settings: {listed}." if listed else ""


def snapshot_settings(source: Any) -> list[str]:
    """Return what is known of a Snapshot's run: its name, the step, each field of its configuration."""
    run = getattr(source, "run", None)
    if run is None:
        return []
    of = f"Run: {run.path.name}, step {source.step:,}."
    return [of, configuration_told(flat(run.info))]


def _keys(ds: xr.Dataset) -> str:
    for name, words in (
        ("key_frequency", "Key frequencies"),
        ("key_irrep", "Key representations"),
    ):
        if name in ds.variables:
            found = [str(value) for value in np.asarray(ds[name].values).ravel().tolist()]
            rule, at = ds.attrs.get("key_rule"), ds.attrs.get("key_at")
            how = ", ".join([*([f"rule: {rule}"] if rule else []), *([f"at: {at}"] if at else [])])
            return f"{words}: {', '.join(found) or 'none'}{f' ({how})' if how else ''}."
    return ""


def _steps(ds: xr.Dataset, drawing: "Declared | None") -> str:
    names = (
        None
        if drawing is None
        else [n for group in drawing.needs for n in group] + list(drawing.uses)
    )
    axes = [
        axis
        for axis in ("step", "metric_step")
        if axis in ds.coords
        and ds.sizes.get(axis, 0)
        and (not names or any(n in ds.variables and step_axis(ds, n) == axis for n in names))
    ]
    told = []
    for axis in axes:
        steps = np.asarray(ds[axis].values).tolist()
        what = "Steps analysed" if axis == "step" else "Steps of the trainer's metrics"
        told.append(f"{what} ({len(steps):,}): {step_ranges(steps)}.")
    return " ".join(told)


def step_ranges(steps: list[int]) -> str:
    """Return "0 to 100 every 10, 500, 1000": each number can be told from it."""
    told: list[str] = []
    start = 0
    while start < len(steps):
        end = start + 1
        if end < len(steps):
            gap = steps[end] - steps[start]
            while end + 1 < len(steps) and steps[end + 1] - steps[end] == gap:
                end += 1
        if end - start >= 3 and end < len(steps):
            told.append(f"{steps[start]} to {steps[end]} every {steps[end] - steps[end - 1]}")
            start = end + 1
        else:
            told.append(str(steps[start]))
            start += 1
    return ", ".join(told)


def _counts(ds: xr.Dataset) -> str:
    listed = [f"{ds.attrs[name]} {words}" for name, words in COUNTS.items() if name in ds.attrs]
    return f"Rows: {', '.join(listed)}." if listed else ""
