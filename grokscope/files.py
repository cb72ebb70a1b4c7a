"""Files appear whole or not at all: write aside, flush to the disk, rename."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grokscope.errors import RequestError


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
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        aside = Path(name)
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.chmod(0o666 & ~_umask())
        os.replace(aside, path)
    except OSError as error:
        raise RequestError(
            f"cannot write {path}: {error.strerror or error}",
            "a folder with space that can be written",
        ) from error
    finally:
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


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
