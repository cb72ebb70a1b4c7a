"""The rows of the output layer, one for each answer, and what is known about the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError


@dataclass(frozen=True, eq=False)
class OutputRows:
    """The rows of the output layer.

    Attributes
    ----------
    rows
        One row for each answer, in float64.
    names
        A name of each answer.
    table
        The Cayley table of the group whose elements the answers are; None where there is none.
    is_cyclic
        Whether answer i is the number i of a cycle, so that i + 8 means something.
    of
        The run and step in words, empty for an array.
    """

    rows: Float[ndarray, "answer d_model"]
    names: tuple[str, ...]
    table: Int[ndarray, "answer answer"] | None
    is_cyclic: bool
    of: str


def output_rows(
    source: Any, labels: Sequence[object] | None = None, table: Int[ndarray, "n n"] | None = None
) -> OutputRows:
    """Return the rows of a Snapshot's output layer, or of an array [answer, d_model].

    The answers of a cyclic task are numbered by exponent (for addition the numbers themselves), those of a group task
    are the group's elements.

    Parameters
    ----------
    source
        A Snapshot, or an array.
    labels
        For an array: a name of each answer.
    table
        For an array: the Cayley table of the answers.

    Raises
    ------
    RequestError
        For anything else, or labels or a table of another size, or rows that are not finite.
    """
    if hasattr(source, "task") and hasattr(source, "W_U"):
        if labels is not None or table is not None:
            raise RequestError(
                "labels or a table beside a snapshot", "a snapshot alone: it knows its answers"
            )
        return _of_snapshot(source)
    rows = np.asarray(source, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 4:
        raise RequestError(
            f"an array of shape {rows.shape}", "[answer, d_model], 4 answers or more"
        )
    if not np.isfinite(rows).all():
        raise RequestError("rows that are not finite", "finite weights")
    n = len(rows)
    if labels is not None and len(labels) != n:
        raise RequestError(f"{len(labels)} labels for {n} rows", "one label for each row")
    if table is not None and np.shape(table) != (n, n):
        raise RequestError(f"a table of shape {np.shape(table)} for {n} rows", f"({n}, {n})")
    names = tuple(str(label) for label in (range(n) if labels is None else labels))
    return OutputRows(rows, names, table, table is None, "")


def _of_snapshot(source: Any) -> OutputRows:
    task = source.task
    rows = np.asarray(source.W_U, dtype=np.float64).T
    name = source.run.name if source.run is not None else "a snapshot"
    of = f"{name} ({task.formula}) at step {source.step:,}"
    if len(rows) < 4:
        raise RequestError(f"{len(rows)} answers", "a task with 4 answers or more")
    n = len(rows)
    if task.cyclic is None and task.group is not None:
        return OutputRows(rows, tuple(task.group.elements), task.group.table, False, of)
    cycle = np.arange(n)
    table = None if task.cyclic is None else (cycle[:, None] + cycle) % n
    return OutputRows(rows, tuple(str(c) for c in range(n)), table, True, of)
