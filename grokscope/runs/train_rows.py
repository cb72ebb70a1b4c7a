"""split.json: the training rows of a run whose split no rule draws, as its source lists them."""

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from grokscope.errors import UnsoundError
from grokscope.files import write_json
from grokscope.reading import is_plain_file, read_json_bounded

FILE = "split.json"
HEAD_BYTES, ROW_BYTES = 1000, 24
"""Of the file at most: a row's number stands in a line of its own, with its indent."""


def write_train_rows(folder: Path, train: Bool[ndarray, " input"]) -> None:
    """Write which rows train."""
    rows = np.flatnonzero(train).tolist()
    write_json(folder / FILE, {"rows": len(train), "train": rows})


def read_train_rows(folder: Path, n: int, expected: str) -> Bool[ndarray, " input"]:
    """Return which of n rows train.

    Raises
    ------
    UnsoundError
        The file is missing, was changed, or is of another table.
    """
    path = folder / FILE
    if not is_plain_file(path):
        raise UnsoundError(f"{path} is missing", "the list of training rows", "restore it")
    content = read_json_bounded(path, HEAD_BYTES + ROW_BYTES * n, inside=folder)
    train = np.zeros(n, dtype=bool)
    rows = content.get("train") if isinstance(content, dict) else None
    if isinstance(rows, list) and all(type(r) is int and 0 <= r < n for r in rows):
        train[rows] = True
    if not isinstance(content, dict) or content.get("rows") != n or rows_hash(train) != expected:
        raise UnsoundError(f"{path} was changed: it is not the list of this run", todo="restore it")
    return train


def rows_hash(train: Bool[ndarray, " input"]) -> str:
    """Return the hash that the run's config.json holds, and `read_train_rows` asks for."""
    return hashlib.sha256(np.packbits(train).tobytes()).hexdigest()[:16]
