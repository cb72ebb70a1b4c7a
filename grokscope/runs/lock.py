"""One writer at a time for a folder.

The lock is the system's own, on a file in the folder: it ends with the process that holds it, however that ends, and
is the same by whatever path the folder is reached. The file stays, and says nothing.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from grokscope.errors import RequestError

FILE = ".lock"


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the lock of a run's, or sweep's, folder; RequestError where another process holds it."""
    file = path / FILE
    try:
        # A link would make a file, or hold one, that lies elsewhere.
        handle = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise RequestError(
            f"cannot write {file}: {error.strerror or error}",
            "a run directory that can be written",
            "delete it" if os.path.lexists(file) and path.is_dir() else "",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RequestError(
                f"{path} is being written by another process", "one writer at a time"
            ) from error
        except OSError as error:
            raise RequestError(
                f"cannot lock {file}: {error.strerror or error}",
                "a file system with locks (flock)",
                "train on a local disk",
            ) from error
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def no_writer(path: Path) -> Iterator[None]:
    """Keep writers out of a folder that is read as a whole; RequestError where another process writes it now.

    Readers do not keep each other out. Where the folder cannot be locked by us (it was never written here, or is read
    only) nothing is done.
    """
    try:
        handle = os.open(path / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RequestError(
                f"{path} is being written by another process",
                "a run that nobody writes now",
                "wait for its end, or interrupt it and go on later",
            ) from error
        except OSError:  # no locks on this file system: then nobody can have one
            pass
        yield
    finally:
        os.close(handle)


def refuse_if_written(path: Path) -> None:
    """Raise RequestError where another process writes a folder: a look before anything that takes long."""
    with no_writer(path):
        pass
