"""Reading a file that anybody may have made: what it is and how large is judged before memory is taken.

A name in a run's folder may stand for a pipe, which would wait for ever, a device, which never ends, a sparse file of
100 GB, or a link to a file of the reader's own. JSON may be nested without end, or hold text that nothing can print.
"""

import contextlib
import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from grokscope.errors import GrokscopeError, UnsoundError

MAX_HEADER = 16 << 20
"""Bytes of a safetensors file's header: 100 a tensor."""
MAX_JSON = 16 << 20
"""Bytes of a JSON file: config.json has 4 kB, and 16 MB of "{}," take 0.4 GB of memory."""
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


@contextlib.contextmanager
def opened(
    path: Path,
    limit: int,
    inside: Path | None = None,
    error: type[GrokscopeError] = UnsoundError,
) -> Iterator[BinaryIO]:
    """Yield a plain file of at most `limit` bytes, opened for reading; never waits, whatever `path` is.

    Parameters
    ----------
    path
        The file.
    limit
        Its greatest size in bytes.
    inside
        The folder that it must lie in, links followed; None: anywhere. The folder itself may be a link.
    error
        What is raised, `RequestError` where the user named the file himself.

    Raises
    ------
    GrokscopeError
        (`error`) Where it cannot be read, is no plain file or too large, or is a link out of `inside`.
    """
    with open_checked(path, limit, inside, error) as file:
        try:
            yield file
        except OSError as failure:
            _unreadable(path, failure, error)


def open_checked(
    path: Path,
    limit: int,
    inside: Path | None = None,
    error: type[GrokscopeError] = UnsoundError,
) -> BinaryIO:
    """Return the open file that `opened` yields; what goes wrong after that is the caller's."""
    checked_size(path, limit, inside, error)
    try:
        # Between the look and this a pipe may have taken its place: without NONBLOCK the open would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as failure:
        _unreadable(path, failure, error)
    file = open(handle, "rb")
    try:
        _judge(path, os.fstat(handle), limit, error)
    except BaseException:
        file.close()
        raise
    return file


def read_bounded(
    path: Path,
    limit: int,
    inside: Path | None = None,
    error: type[GrokscopeError] = UnsoundError,
) -> bytes:
    """Return the bytes of a plain file of at most `limit` bytes; see `opened`."""
    with opened(path, limit, inside, error) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it grows while it is read, or says 0 bytes as files of /proc do
        raise error(f"{path} has more than {limit:,} bytes", f"at most {limit:,}")
    return data


def checked_size(
    path: Path,
    limit: int,
    inside: Path | None = None,
    error: type[GrokscopeError] = UnsoundError,
) -> int:
    """Return the size of a plain file in bytes without opening it; raises as `opened` does.

    For files that a library opens by name (safetensors, HDF5).
    """
    try:
        found = path.stat()
        real = None if inside is None else path.resolve(strict=True)
        root = None if inside is None else inside.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as failure:
        _unreadable(path, failure, error)
    if real is not None and root is not None and not real.is_relative_to(root):
        raise error(
            f"{path} is a link out of {inside}",
            "files that lie in the folder itself",
            "copy it there",
        )
    _judge(path, found, limit, error)
    return found.st_size


def check_header(path: Path, error: type[GrokscopeError] = UnsoundError) -> None:
    """Raise `error` where the header of a safetensors file is longer than the file, or too long for memory.

    The library judges all else, but reads headers of 100 MB.
    """
    with opened(path, 1 << 62, error=error) as file:
        first, size = file.read(8), os.fstat(file.fileno()).st_size
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > size - 8:
        raise error(f"{path} is damaged: its header is cut off", "a whole safetensors file")
    if length > MAX_HEADER:
        raise error(f"{path} has a header of {length:,} bytes", f"at most {MAX_HEADER:,}")


def is_plain_file(path: Path) -> bool:
    """Return whether there is a plain file, or a link to one; False too where nobody can tell."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_json_bounded(
    path: Path,
    limit: int = MAX_JSON,
    inside: Path | None = None,
    error: type[GrokscopeError] = UnsoundError,
) -> Any:
    """Return the value of a JSON file of at most `limit` bytes; see `opened` and `parse_json`."""
    data = read_bounded(path, limit, inside, error)
    try:
        return parse_json(data)
    except ValueError as failure:
        raise error(f"{path} is not JSON: {failure}", todo="restore the file") from failure


def parse_json(data: bytes | str) -> Any:
    """Return the value of JSON text in UTF-8, by the standard: no NaN, no Infinity, no halves of a surrogate pair.

    Raises
    ------
    ValueError
        In a few words, for anything else, also for what is nested too deep to be read.
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as failure:
        raise ValueError("it is nested too deep") from failure
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e999 is JSON, and infinity to Python
        raise ValueError(f"{digits[:20]} is larger than a number can be")
    return number


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _refuse_surrogates(value: Any) -> None:
    """Raise ValueError where a text holds half of a surrogate pair, which can be neither printed nor written."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            if any("\ud800" <= letter <= "\udfff" for letter in each):
                raise ValueError("a text in it holds half of a surrogate pair")
        elif isinstance(each, dict):
            left.extend(each.keys())
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each)


def _judge(path: Path, found: os.stat_result, limit: int, error: type[GrokscopeError]) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise error(f"{path} is not a file but {kind}", "a plain file")
    if found.st_size > limit:
        raise error(f"{path} has {found.st_size:,} bytes", f"at most {limit:,}")


def _unreadable(path: Path, failure: Exception, error: type[GrokscopeError]) -> NoReturn:
    words = failure.strerror if isinstance(failure, OSError) and failure.strerror else str(failure)
    raise error(f"cannot read {path}: {words}") from failure
