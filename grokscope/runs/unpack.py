"""A packed run becomes a run directory again, byte for byte, or nothing does.

The file may come from anybody: nothing is believed that its manifest does not say and its hashes do not show.
"""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from grokscope.errors import RequestError, UnsoundError
from grokscope.files import make_folder
from grokscope.reading import open_checked, parse_json
from grokscope.runs.byte_planes import from_planes
from grokscope.runs.packed_form import (
    MANIFEST,
    MAX_MANIFEST,
    MAX_MEMBERS,
    MAX_NAME,
    MAX_TOTAL,
    Member,
    read_manifest,
)
from grokscope.runs.run import Run, open_run
from grokscope.zip_directory import check_directory

BLOCK = 1 << 20
MAX_FILE = MAX_TOTAL + (1 << 30)

DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError,
    RecursionError, OverflowError,
)  # fmt: skip
"""What the readers of zip files and of JSON raise for one that is damaged, encrypted or of a kind they do not know."""


def unpack(
    file: str | Path, out: str | Path, on_member: Callable[[int, int], None] | None = None
) -> Run:
    """Restore the run that `grokscope pack` wrote, and open it.

    Everything is written and checked beside `out`, which appears whole or not at all.

    Raises
    ------
    RequestError
        Where `file` is not there, or `out` is there already, or there is no room for it.
    UnsoundError
        Where the file is no packed run; is damaged, with the member named; or has members that lead out of the folder,
        stand twice, are links, are larger than they say, are missing or not listed.
    """
    file, out = Path(file), Path(out)
    if not file.exists():
        raise RequestError(f"{file} is not a file", "a file written by grokscope pack")
    if out.exists() or out.is_symlink():
        raise RequestError(
            f"{out} is there already", "a directory that does not exist yet", "choose another --out"
        )
    aside: Path | None = None
    try:
        with open_checked(file, MAX_FILE, error=RequestError) as source:
            check_directory(
                source, file, MAX_MEMBERS + 1, MAX_NAME, "a packed run"
            )  # before anything is made of the disk
            make_folder(out.parent)
            aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
            with zipfile.ZipFile(source) as packed:
                _restore(packed, file, aside, on_member)
        aside.chmod(out.parent.stat().st_mode & 0o777)
        os.rename(aside, out)
    except DAMAGE as error:
        raise _damaged(file, str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place in the file before its beginning
            raise _damaged(file, "its directory is wrong") from error
        raise RequestError(
            f"cannot unpack {file} to {out}: {error.strerror or error}",
            "a folder with space that can be written",
        ) from error
    finally:
        if aside is not None and aside.exists():
            shutil.rmtree(aside, ignore_errors=True)
    return open_run(out)


def _damaged(file: Path, how: str) -> UnsoundError:
    return UnsoundError(f"{file} is damaged: {how}", "a file written by grokscope pack")


def _restore(
    packed: zipfile.ZipFile, file: Path, folder: Path, on_member: Callable[[int, int], None] | None
) -> None:
    entries = _entries(packed, file)
    if MANIFEST not in entries:
        raise UnsoundError(f"{file} has no {MANIFEST}", "a file written by grokscope pack")
    content = _read(packed, entries[MANIFEST], MAX_MANIFEST, f"{file}: {MANIFEST}")
    members = read_manifest(parse_json(content), str(file))
    listed = {member.name for member in members}
    for name in sorted(listed - entries.keys()):
        raise UnsoundError(f"{file} lacks '{name}', which its manifest lists", todo="get it again")
    for name in sorted(entries.keys() - listed - {MANIFEST}):
        raise UnsoundError(f"{file} holds '{name}', which its manifest does not list")
    total, room = sum(m.size for m in members), shutil.disk_usage(folder).free
    if total > room:
        raise RequestError(f"{file} unpacks to {total} bytes", f"the {room} that are free")
    for done, member in enumerate(members, start=1):
        where = f"{file}: '{member.name}'"
        if entries[member.name].file_size != member.size:
            raise UnsoundError(
                f"{where} has {entries[member.name].file_size} bytes", f"{member.size}, as listed"
            )
        target = folder / member.name
        target.parent.mkdir(exist_ok=True)
        if _write(packed, entries[member.name], member, folder, where) != member.sha256:
            raise UnsoundError(f"{where} is damaged: it has another SHA-256", todo="get it again")
        if on_member is not None:
            on_member(done, len(members))


def _entries(packed: zipfile.ZipFile, file: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, each once, none of them a link or of a compression that we do not write."""
    infos = packed.infolist()
    if len(infos) > MAX_MEMBERS + 1:
        raise UnsoundError(f"{file} has {len(infos)} members", f"up to {MAX_MEMBERS}")
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename in entries:
            raise UnsoundError(f"{file} holds '{info.filename}' twice", "every file once")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise UnsoundError(f"{file}: '{info.filename}' is a link or no plain file")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnsoundError(
                f"{file}: '{info.filename}' is compressed by method {info.compress_type}",
                "stored or deflated",
            )
        entries[info.filename] = info
    return entries


def _write(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, member: Member, folder: Path, where: str
) -> str:
    """Write the file that a member stands for; return its SHA-256."""
    found, target = hashlib.sha256(), folder / member.name
    with target.open("xb") as out:
        if member.coding == "plain":
            with packed.open(info) as source:
                for block in _blocks(source.read, member.size, where):
                    found.update(block)
                    out.write(block)
        else:
            coded = _read(packed, info, member.size, where)
            before = (folder / member.before).read_bytes() if member.before else None
            data = from_planes(coded, before)
            found.update(data)
            out.write(data)
    return found.hexdigest()


def _read(packed: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, where: str) -> bytes:
    with packed.open(info) as source:
        return b"".join(_blocks(source.read, limit, where))


def _blocks(read: Callable[[int], bytes], limit: int, where: str) -> Iterator[bytes]:
    """Yield what a member holds, of which no more than `limit` bytes are ever unpacked, whatever it says."""
    left = limit
    while block := read(min(BLOCK, left + 1)):
        left -= len(block)
        if left < 0:
            raise UnsoundError(f"{where} holds more than {limit} bytes", "as many as it says")
        yield block
