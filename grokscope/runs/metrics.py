"""metrics.jsonl: one line per evaluation, append only."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, UnsoundError
from grokscope.tasks.splits import ROWS

FILE = "metrics.jsonl"
MAX_STEP = 10**12


class MetricsWriter:
    """Appends lines; each is flushed, so that a crash loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise RequestError(f"cannot write {path}: {error.strerror or error}") from error

    def append(self, line: dict[str, Any]) -> None:
        """Append one line; not-a-number becomes null."""
        clean = {
            k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()
        }
        try:
            self._file.write(json.dumps(clean, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise RequestError(
                f"cannot write {self._file.name}: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `path`, [] where there is none; a half-written last line is left out.

    Raises
    ------
    UnsoundError
        Naming the first line that is not a JSON object with a whole-number step.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnsoundError(f"cannot read {path}: {error}") from error
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise UnsoundError(f"{path}, line {number} is not JSON: {error}") from error
        if not isinstance(value, dict) or not _is_step(value.get("step")):
            raise UnsoundError(
                f"{path}, line {number} has no step", "an object with a whole-number step"
            )
        found.append(value)
    return found


def _is_step(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_STEP


def metric_arrays(
    lines: list[dict[str, Any]],
) -> tuple[Int[ndarray, " metric_step"], dict[str, Float[ndarray, "rows metric_step"]]]:
    """Return (steps, {"loss": [rows, metric_step], "accuracy": ...}).

    NaN where not recorded, infinity where diverged.
    """
    by_step = {line["step"]: line for line in lines}
    steps = np.array(sorted(by_step), dtype=np.int64)
    arrays = {}
    for kind in ("loss", "accuracy"):
        table = np.full((len(ROWS), len(steps)), np.nan)
        for column, step in enumerate(steps):
            line = by_step[int(step)]
            for row, name in enumerate(ROWS):
                value = line.get(f"{kind}_{name}")
                if isinstance(value, (int, float)):
                    table[row, column] = value
            if kind == "loss" and line.get("diverged"):
                table[ROWS.index("train"), column] = np.inf
        arrays[kind] = table
    return steps, arrays
