"""Any variable of the runs side by side, at the last step, at a step, or at an event."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grokscope.comparison.member import Member
from grokscope.comparison.table import Table, by_runs
from grokscope.errors import RequestError, nearest
from grokscope.figures.marks import event_words
from grokscope.figures.series import step_axis

#: Labels of a variable that are listed one under the other.
MOST_LABELS = 64
#: Variables whose values are a list of a run's own, not along labels that runs share.
LISTS = ("key", "key_frequency")
STACKED = "grokscope labels"  # no dimension of a run's own


def value_table(members: Sequence[Member], variable: str, at: str | int | None = None) -> Table:
    """Return a variable's values, a row for each label of its other dimension and a column for each run.

    Parameters
    ----------
    members
        The runs.
    variable
        Name of a variable of their Datasets; or verdict, algorithm.
    at
        A step, or an event: the first checkpoint at or after the step at which it was first seen. The last step where
        None.

    Raises
    ------
    RequestError
        For a variable or an event that no run has, one with too many labels, or a step of what has none.
    """
    if variable in ("verdict", "algorithm"):
        if at is not None:
            raise RequestError(f"'{variable}' at {at}", f"{variable}: it is of the last step")
        return _judged(members, variable)
    having = [m for m in members if variable in m.ds.variables]
    if not having:
        known = dict.fromkeys(
            ["verdict", "algorithm", *(str(n) for m in members for n in m.ds.data_vars)]
        )
        raise RequestError(
            f"no run has a variable '{variable}'", ", ".join(known), nearest(variable, known)
        )
    _check_event(members, at)
    columns = [_values(m, variable, at) for m in members]
    labels = list(dict.fromkeys(label for values, _ in columns for label in values))
    if len(labels) > MOST_LABELS:
        raise RequestError(
            f"'{variable}' has {len(labels):,} values a run beside the step",
            f"at most {MOST_LABELS}", "take it from the run's Dataset",
        )  # fmt: skip
    attrs = having[0].ds[variable].attrs
    units = str(attrs.get("units", ""))
    words = str(attrs.get("long_name") or variable)
    title = words if units in ("", "1") else f"{words} ({units})"
    when = f"at {event_words(at)}" if isinstance(at, str) else f"at step {at}"
    when = "at the last step" if at is None else when
    rows: list[tuple[str, ...]] = []
    if any(note for _, note in columns):
        rows.append(("read at step", *(note or "-" for _, note in columns)))
    rows += [
        (label or variable, *(values.get(label, "-") for values, _ in columns)) for label in labels
    ]
    dims = [d for d in having[0].ds[variable].dims if d not in ("step", "metric_step")]
    corner = ", ".join(str(d) for d in dims if d not in LISTS) or "variable"
    lacking = [m.name for m in members if m not in having]
    notes = (f"without this variable: {', '.join(lacking)}",) if lacking else ()
    return by_runs(f"{title}, {when}", (corner, *(m.name for m in members)), rows, notes)


def _check_event(members: Sequence[Member], at: str | int | None) -> None:
    known = dict.fromkeys(name for m in members for name in m.transitions.names)
    if isinstance(at, str) and at not in known:
        raise RequestError(f"no event '{at}'", ", ".join(known), nearest(at, known))


def _values(member: Member, variable: str, at: str | int | None) -> tuple[dict[str, str], str]:
    """Return label -> value in words, and the step read at."""
    if variable not in member.ds.variables:
        return {}, ""
    array, note = member.ds[variable], ""
    axis = step_axis(member.ds, variable)
    if axis is None:
        if at is not None:
            raise RequestError(f"'{variable}' at {at}", f"{variable}: it has no steps")
    else:
        position, note = _position(member, array[axis].values, at)
        if position is None:
            return {}, note
        array = array.isel({axis: position})
    if any(dim in LISTS for dim in array.dims):
        return {"": ", ".join(map(_words, array.values.ravel().tolist())) or "none"}, note
    if array.size > 64 * MOST_LABELS:
        labels: list[Any] = list(range(array.size))
        return dict.fromkeys(map(str, labels), ""), note
    flat = array.stack({STACKED: array.dims}) if array.dims else array.expand_dims(STACKED)
    names = (
        [", ".join(map(str, np.atleast_1d(np.array(label, dtype=object)))) for label in flat[STACKED].values]
        if array.dims else [""]
    )  # fmt: skip
    return dict(zip(names, map(_words, flat.values.tolist()), strict=True)), note


def _position(member: Member, steps: np.ndarray, at: str | int | None) -> tuple[int | None, str]:
    """Return which step is read, and in words."""
    if at is None:
        return len(steps) - 1, f"{int(steps[-1]):,}"
    wanted: int | None
    if isinstance(at, str):
        event = member.transitions[at] if at in member.transitions.names else None
        wanted = None if event is None else event.high
        if wanted is None:
            return None, "not seen"
    else:
        wanted = at
    later = np.flatnonzero(steps >= wanted)
    if not len(later):
        return None, f"ends at {int(steps[-1]):,}"
    return int(later[0]), f"{int(steps[later[0]]):,}"


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _judged(members: Sequence[Member], which: str) -> Table:
    from grokscope.transitions.verdict import judge

    found = [judge(m.ds, m.transitions) for m in members]
    if which == "verdict":
        rows = tuple(
            (m.name, f["label"], f["sentence"]) for m, f in zip(members, found, strict=True)
        )
        return Table("What became of each run", ("run", "verdict", "in words"), rows)
    rows = tuple(
        (m.name, f["algorithm"]["name"], f["algorithm"]["sentence"])
        for m, f in zip(members, found, strict=True)
    )
    return Table("Which algorithm each run uses", ("run", "algorithm", "in words"), rows)
