"""Hashes: of files, of the code that computes, of a run's task and split, of any list of parts."""

import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import grokscope
from grokscope.reading import is_plain_file

if TYPE_CHECKING:
    from grokscope.runs.context import Context
    from grokscope.runs.run import Run

PACKAGE = Path(grokscope.__file__).parent
BLOCK = 1 << 20
VALUES_DEPEND_ON = ("config.py", "harmonics", "measures", "models", "runs", "tasks")
"""The parts of grokscope that a measured value depends on."""


def digest(*parts: bytes | str) -> str:
    """Return the hash of a list of parts, 32 hex digits: other parts, or the same cut elsewhere, give another."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "little"))
        found.update(data)
    return found.hexdigest()


def array_digest(array: np.ndarray) -> str:
    """Return the hash of an array: its kind, shape and bytes."""
    plain = np.asarray(array, order="C")
    return digest(plain.dtype.str, str(plain.shape), plain.tobytes())


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, None where there is none or it cannot be read."""
    found = hashlib.sha256()
    if not is_plain_file(path):  # opening a pipe waits for ever
        return None
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
    except OSError:
        return None
    return found.hexdigest()


@lru_cache
def code_digest(parts: tuple[str, ...] = VALUES_DEPEND_ON) -> str:
    """Return the hash of the files of some parts of grokscope; () stands for all of it.

    A version number says what was released. A cache must also notice what was edited since.
    """
    return files_digest(PACKAGE, parts)


def files_digest(root: Path, parts: tuple[str, ...]) -> str:
    """Return the hash of the files of some parts of a package, by name."""
    named = {str(path.relative_to(root)): path for path in _source_files(root, parts)}
    words = ((name, file_digest(named[name]) or "") for name in sorted(named))
    return digest(*(word for pair in words for word in pair))


def is_edited(root: Path = PACKAGE, since: float | None = None) -> bool:
    """Return whether a file of grokscope was written since this process loaded it.

    Then the files do not say what computes here, and nothing may be kept under their hash.
    """
    since = grokscope._LOADED if since is None else since
    try:
        return any(path.stat().st_mtime > since for path in _source_files(root, ()))
    except OSError:  # a file that went away meanwhile
        return True


def _source_files(root: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts or ("",):
        place = root / part
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.name[0] != ".":
                yield path


def machine() -> str:
    """Return the versions, the kind of processor and torch's settings that the last bits of a value depend on."""
    import torch

    from grokscope.runs.run import versions

    found = versions() | {
        "capability": torch.backends.cpu.get_cpu_capability(),
        "dtype": str(torch.get_default_dtype()),
        "precision": torch.get_float32_matmul_precision(),
    }
    return json.dumps(found, sort_keys=True)


def base_digest(run: "Run", context: "Context") -> str:
    """Return the hash of all that every measured value of a run depends on, but for the weights.

    The code, versions, configuration, the table of the task, its split, and the rule for key frequencies.
    """
    task, split = run.task, run.split
    arrays = [task.inputs, task.tokens, task.answers]
    if task.cyclic is not None:
        arrays += [task.cyclic.token_x, task.cyclic.token_y, task.cyclic.class_c]
    if split is not None:
        arrays += [split.train, split.labels, split.twin_free, split.outlier]
    return digest(
        code_digest(),
        machine(),
        run.config_hash,
        json.dumps(run.info.get("step_known", True)),
        task.formula,
        task.layout,
        "" if task.group is None else task.group.name,
        context.rule,
        *map(array_digest, arrays),
    )


class FileDigests:
    """SHA-256 of files that others may write to: a file is read again where its size, time or place has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Any, str | None]] = {}

    def __call__(self, path: Path) -> str | None:
        """Return the hash of a file, None where there is none."""
        state = _state(path)
        known = self._known.get(path)
        if known is None or known[0] != state:
            known = state, None if state is None else file_digest(path)
            self._known[path] = known
        return known[1]


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
