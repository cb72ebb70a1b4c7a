"""The report's tables, read from the Dataset and the Transitions: lists of rows of text."""

import numpy as np
import xarray as xr

from grokscope.figures.configuration import hyper_parameters as hyper_parameters
from grokscope.figures.marks import event_words, interval_words
from grokscope.figures.series import long_name
from grokscope.report.words import UNKNOWN, gap, interval, number, told
from grokscope.transitions.transition import Transitions

#: Attributes of the Dataset that have a place of their own in the report.
TOLD_ELSEWHERE = ("config", "run")


def provenance(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Return what the Dataset says of itself: task, sizes, versions, which checkpoints."""
    rows = [
        (name.replace("_", " "), told(value))
        for name, value in ds.attrs.items()
        if name not in TOLD_ELSEWHERE and str(value) not in ("", "{}", "[]")
    ]
    if "step" in ds.coords and ds.sizes["step"]:
        steps = ds["step"].values
        reach = f", steps {int(steps[0]):,} to {int(steps[-1]):,}" if len(steps) > 1 else ""
        rows.append(("checkpoints analysed", f"{len(steps)}{reach}"))
    return rows


def events(transitions: Transitions) -> list[dict[str, str]]:
    """Return one row per transition, seen or not."""
    return [
        {
            "name": event_words(event.name),
            "when": interval_words(event),
            "seen": "no" if event.censored else "yes",
            "rows": event.rows,
            "definition": event.definition,
            "note": event.note,
        }
        for event in transitions
    ]


def summary(transitions: Transitions) -> list[tuple[str, str]]:
    """Return delays and leads in words, each an interval."""
    rows: list[tuple[str, str]] = []
    words = {
        "delay": "delay: grokked − memorised (steps)",
        "delay_ratio": "delay ratio: grokked / memorised",
    }
    for name, value in transitions.summary().items():
        if name == "lead" and isinstance(value, dict):
            for alarm, targets in value.items():
                items = targets.items() if isinstance(targets, dict) else [("", targets)]
                for target, lead in items:
                    before = f" before {event_words(target)}" if target else ""
                    words_ = f"lead: {event_words(alarm)}{before} (steps)"
                    rows.append((words_, gap(lead)))
        else:
            label = words.get(name, name.replace("_", " "))
            rows.append((label, gap(value)))
    return rows


def variables(ds: xr.Dataset) -> list[dict[str, str]]:
    """Return one row per variable of the Dataset, a researcher's own measures included."""
    return [
        {
            "name": str(name),
            "long_name": long_name(ds, str(name)),
            "dims": " × ".join(map(str, array.dims)) or "one number",
            "value": final_value(array),
            "range": value_range(array),
            "units": str(array.attrs.get("units", "")) or UNKNOWN,
            "formula": str(array.attrs.get("formula", "")) or UNKNOWN,
            "source": str(array.attrs.get("source", "")) or UNKNOWN,
        }
        for name, array in ds.data_vars.items()
    ]


def final_value(array: xr.DataArray) -> str:
    """Return the value at the last step: one number, a few listed, or the span of many."""
    axis = next((dim for dim in ("step", "metric_step") if dim in array.dims), None)
    final = array if axis is None else array.isel({axis: -1})
    values = np.asarray(final.values).ravel()
    if not values.size:
        return "none"
    if final.ndim <= 1 and values.size <= 6:
        if final.ndim == 1 and final.dims[0] in final.coords:
            labels = final[final.dims[0]].values
            pairs = zip(labels, values.tolist(), strict=True)
            return ", ".join(f"{label}: {number(value)}" for label, value in pairs)
        return ", ".join(number(value) for value in values.tolist())
    return _span(values)


def value_range(array: xr.DataArray) -> str:
    """Return the span over everything."""
    return _span(np.asarray(array.values).ravel())


def _span(values: np.ndarray) -> str:
    if values.dtype.kind not in "iufb":
        return f"{values.size} values"
    values = values.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "not a number"
    lacking = values.size - finite.size
    text = interval(float(finite.min()), float(finite.max()))
    return f"{text} ({lacking:,} of {values.size:,} not a number)" if lacking else text
