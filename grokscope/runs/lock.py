"""One writer at a time for a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from grokscope.errors import RequestError


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the lock of a run's, or sweep's, folder; RequestError where another process holds it."""
    try:
        handle = os.open(path / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror or error}", "a run directory that can be written"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RequestError(
                f"{path} is being written by another process", "one writer at a time"
            ) from error
        yield
    finally:
        os.close(handle)
