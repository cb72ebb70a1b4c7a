"""metrics.jsonl: one line per evaluation, append only, each with a check sum of itself."""

import errno
import json
import math
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, UnsoundError
from grokscope.files import write_text
from grokscope.reading import opened
from grokscope.runs.seal import text_sum
from grokscope.tasks.splits import ROWS

FILE = "metrics.jsonl"
MAX_STEP = 10**12
MAX_BYTES = 256 << 20
MAX_LINE = 1 << 20
MAX_NUMBER = 2**63
SUM = re.compile(r'(\{.+), "sum": "([0-9a-f]{16})"\}')
"""A line: what the sum is of, but for the closing brace, and the sum."""


def metric_line(values: dict[str, Any]) -> str:
    """Return a line of metrics, with its end; not-a-number becomes null, and "sum", of the line without it, is last."""
    clean = {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()
    }
    text = json.dumps(clean, allow_nan=False)
    return f'{text[:-1]}, "sum": "{text_sum(text)}"}}\n'


def write_metrics(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write the whole of metrics.jsonl anew, whole or not at all."""
    write_text(path, "".join(map(metric_line, lines)))


class MetricsWriter:
    """Appends lines; each goes to the system at once, so that a crash loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise RequestError(f"cannot write {path}: {error.strerror or error}") from error
        self._path = path

    def append(self, line: dict[str, Any]) -> None:
        """Append one line, whole or not at all; not-a-number becomes null."""
        data = metric_line(line).encode()
        try:
            end = os.fstat(self._file.fileno()).st_size
            if self._file.write(data) != len(data):
                # A disk that is almost full takes a part of it. The file stays what it was.
                self._file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise RequestError(f"cannot write {self._path}: {error.strerror or error}") from error

    def sync(self) -> None:
        """Have all lines on the disk: they outlive a power cut."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise RequestError(f"cannot write {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `path` without their sums, [] where there is none; a half-written last line is left out.

    Raises
    ------
    UnsoundError
        Naming the first line that is not a JSON object of plain values with a whole-number step, or does not have the
        sum that it says, or none where others have one; or where the file, or a line, is too large.
    """
    return [value for value, _ in read_lines(path)[0]]


def read_lines(path: Path) -> tuple[list[tuple[dict[str, Any], bool]], bytes]:
    """Return ((line, whether it had a sum) of each, the half-written last line or b""); raises as `read_metrics`."""
    if not os.path.lexists(path):
        return [], b""
    found: list[tuple[dict[str, Any], bool]] = []
    number = 0
    with opened(path, MAX_BYTES, inside=path.parent) as file:
        while data := file.readline(MAX_LINE + 1):
            number += 1
            where = f"{path}, line {number}"
            if len(data) > MAX_LINE:
                raise UnsoundError(f"{where} has more than {MAX_LINE:,} bytes", todo="restore it")
            if not data.strip():
                continue
            try:
                value, has_sum = _parse(data)
            except ValueError as error:
                if not data.endswith(b"\n"):
                    return found, data
                raise UnsoundError(f"{where} {error}", todo="restore the file") from error
            if found and found[0][1] != has_sum:
                what = "a sum, and the lines before it none" if has_sum else "no sum, others have"
                raise UnsoundError(f"{where} has {what}", todo="restore the file")
            found.append((value, has_sum))
    return found, b""


def read_sound_lines(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """Return the lines before the first that is damaged or half written, sound ones after it, and whether it is whole.

    It is whole where all lines are sound and have sums: an older file, without any, has to be written anew before a
    line is appended.
    """
    found: list[dict[str, Any]] = []
    beyond: list[dict[str, Any]] = []
    sound, sums = True, set()
    if not os.path.lexists(path):
        return found, beyond, sound
    with opened(path, MAX_BYTES, inside=path.parent) as file:
        while data := file.readline(MAX_LINE + 1):
            try:
                value, has_sum = _parse(data)
            except ValueError:
                sound = False
                continue
            sums.add(has_sum)
            if data.endswith(b"\n") and len(sums) == 1:
                (found if sound else beyond).append(value)
            else:
                sound = False
    return found, beyond, sound and sums <= {True}


def _parse(data: bytes) -> tuple[dict[str, Any], bool]:
    """Return what a line says, and whether it has a sum; ValueError, going on from "line 3", for a wrong one."""
    try:
        text = data.decode("utf-8").strip()
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("is not JSON: it is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(value, dict) or not _is_step(value.get("step")):
        raise ValueError("has no step: it is no object with a whole-number step")
    for name, each in value.items():
        if not _is_plain(each):
            raise ValueError(f"has a value of '{name}' that is no number, text or null")
    if "sum" not in value:
        return value, False
    parts = SUM.fullmatch(text)
    if parts is None or text_sum(parts[1] + "}") != parts[2]:
        raise ValueError("was changed: it does not have the sum that it says")
    del value["sum"]
    return value, True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A million lines have the same few names: kept once, they take half the memory.
    value = {sys.intern(name): each for name, each in pairs}
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in it")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < MAX_NUMBER
    return value is None or isinstance(value, str)


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
