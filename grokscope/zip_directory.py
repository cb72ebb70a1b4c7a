"""The end of a zip file, judged before Python's reader makes an object of every entry that it lists.

A zip file ends with where its directory is, and how long; where that needs more than 32 bits, a longer record stands
before. Python's reader takes 1 kB for each entry of 46 bytes, and asks for nothing but the directory's length.
"""

import struct
from pathlib import Path
from typing import Any, BinaryIO

from grokscope.errors import UnsoundError

END = struct.Struct("<4s4H2LH")
"""Signature PK\\5\\6, disks, entries here and in all, bytes of the directory, its place, length of the comment."""
LOCATOR_BYTES = 20
LONG_END = struct.Struct("<4sQ2H2L4Q")
LEAST_ENTRY = 46
LONG_FIELDS = 32


def check_directory(file: BinaryIO, path: Path, most: int, name_bytes: int, kind: str) -> None:
    """Raise UnsoundError for a file that does not end as a zip file does, or lists too much.

    Parameters
    ----------
    file
        The open file; it is at its beginning afterwards.
    path
        Its name, for messages.
    most
        Members that it may list.
    name_bytes
        What a member's name may have, on the average.
    kind
        What it should be, for messages: "a packed run".
    """
    size = file.seek(0, 2)
    last = None if size < END.size else _at(file, size - END.size, END)
    if last is None or last[0] != b"PK\x05\x06" or last[7] != 0:
        raise UnsoundError(
            f"{path} is truncated or damaged: it does not end as {kind} does", "a whole file"
        )
    entries, length = max(last[3], last[4]), last[5]
    at = size - END.size - LOCATOR_BYTES
    if at >= LONG_END.size and _read(file, at, 4) == b"PK\x06\x07":
        found = _at(file, at - LONG_END.size, LONG_END)
        if found[0] == b"PK\x06\x06":  # Python's reader goes by the same rule
            entries, length = max(found[6], found[7]), found[8]
    if entries > most:
        raise UnsoundError(f"{path} has {entries:,} members", f"up to {most:,}")
    if length > (bound := most * (LEAST_ENTRY + name_bytes + LONG_FIELDS)):
        raise UnsoundError(f"{path} has a directory of {length:,} bytes", f"up to {bound:,}")
    file.seek(0)


def _at(file: BinaryIO, place: int, form: struct.Struct) -> tuple[Any, ...]:
    return form.unpack(_read(file, place, form.size))


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)
