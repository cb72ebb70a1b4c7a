"""Files appear whole or not at all: write aside, flush to the disk, rename, flush the folder.

What is aside is named .NAME.PID-RANDOM.part, hidden: no reader takes it for a file of the run. A writer that was killed
leaves it; whoever writes there next removes what is of no living process.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError

LEFTOVER = re.compile(r"\.(?P<name>.+)\.(?:(?P<pid>\d+)-)?[a-z0-9_]{8}\.part")
"""A file aside; those of older versions tell no process."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all; RequestError in one line where that cannot be."""
    with replacing(path) as aside:
        aside.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON (no NaN) to `path` whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` to write to; it takes the place of `path` if nothing was raised.

    Raises
    ------
    RequestError
        Where the folder cannot be written, the disk is full, or the path is no place for a file.
    """
    # Named and noted before it is made: an interrupt at any moment leaves nothing that is not known of.
    aside = path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part"
    with unfinished(aside):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.chmod(0o666 & ~_umask())
            os.replace(aside, path)
            flush_folder(path.parent)
        except OSError as error:
            raise RequestError(
                f"cannot write {path}: {error.strerror or error}",
                "a folder with space that can be written",
            ) from error


@contextlib.contextmanager
def unfinished(aside: Path) -> Iterator[None]:
    """Know of a file or folder that is being written aside; what is left of it at the end of the block is removed."""
    _unfinished.add(aside)
    try:
        yield
    finally:
        _remove(aside)
        _unfinished.discard(aside)


def remove_unfinished() -> None:
    """Remove what is being written aside now, by any thread: for a process that ends in the midst of it."""
    for aside in list(_unfinished):
        _remove(aside)


_unfinished: set[Path] = set()


def _remove(aside: Path) -> None:
    with contextlib.suppress(OSError):
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk too, where the system can do that: a rename outlives a power cut."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def leftovers(folder: Path) -> list[Path]:
    """Return what writers that were killed left in a folder, and what others are writing now, by name."""
    with contextlib.suppress(OSError):
        return sorted(p for p in folder.iterdir() if LEFTOVER.fullmatch(p.name))
    return []


def clear_leftovers(folder: Path) -> list[Path]:
    """Remove what killed writers left in a folder, not in folders within, and return it; nothing of a living process.

    A file of a version that told no process counts as left, so the caller must be the folder's only writer.
    """
    left = [path for path in leftovers(folder) if not _is_in_work(path)]
    for path in left:
        _remove(path)
    return left


def _is_in_work(path: Path) -> bool:
    found = LEFTOVER.fullmatch(path.name)
    pid = 0 if found is None or found["pid"] is None else int(found["pid"][:10])
    if pid == os.getpid():  # or of an earlier process of the same number, as in containers
        return path in _unfinished
    if not 0 < pid < 2**31:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's process
        return True
    return True


def make_folder(path: Path) -> None:
    """Create a folder and its parents; RequestError in one line where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"cannot create {path}: {error.strerror or error}", "a folder that can be written"
        ) from error


def read_json(path: Path, limit: int = 64 << 20) -> Any:
    """Read JSON of at most `limit` bytes; RequestError naming the file where it is not there or not JSON."""
    try:
        if path.stat().st_size > limit:
            raise RequestError(f"{path} has {path.stat().st_size} bytes", f"at most {limit}")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is not JSON: {error}", todo="restore the file") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
