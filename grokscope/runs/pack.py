"""A run as one file, to be shared: see `grokscope.runs.packed_form`."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from grokscope.errors import RequestError
from grokscope.files import replacing
from grokscope.runs.byte_planes import to_planes
from grokscope.runs.lock import no_writer
from grokscope.runs.packed_form import (
    FOLDERS,
    MANIFEST,
    MAX_CODED,
    MAX_MEMBER,
    MAX_MEMBERS,
    MAX_TOTAL,
    Member,
    is_safe,
    manifest_of,
    sha256,
)
from grokscope.runs.run import Run, open_run

WEIGHTS = ".safetensors"
STATE = "state"
DATE = (1980, 1, 1, 0, 0, 0)
"""Of every member: a run that is packed twice gives the same bytes."""


def pack(
    run: Run | str | Path,
    out: str | Path | None = None,
    state: bool = False,
    on_member: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a whole run as one file, and return its path.

    Configuration, metrics, checkpoints, analysis, report, figures and what else lies in the directory. Left out are the
    cache, the lock, hidden files, and the optimiser's state unless it is asked for: training goes on from it alone.

    Parameters
    ----------
    run
        A run or its directory.
    out
        The file; the directory's name with ".zip" where None. It must not exist yet.
    state
        Whether the optimiser's key frames are packed too.
    on_member
        Called with (done, total) after each file.

    Raises
    ------
    RequestError
        Where `out` is there already or cannot be written, another process writes the run, or the run holds a link or a
        file of a name that not every system can have.
    """
    run = open_run(run.path if isinstance(run, Run) else run)
    if not run.steps:
        raise RequestError(
            f"{run.path} has no checkpoint", "a run with checkpoints", "train it first"
        )
    folder = run.path.resolve()
    target = folder.with_name(folder.name + ".zip") if out is None else Path(out)
    if target.exists():
        raise RequestError(f"{target} is there already", "a new file", "choose another --out")
    if target.resolve().is_relative_to(folder):
        raise RequestError(f"{target} lies in the run itself", "a file beside it")
    with no_writer(folder), replacing(target) as aside:
        paths = list(_files(folder, state))
        _check_sizes(run.path, paths)
        _write(aside, folder, paths, on_member)
    return target


def _check_sizes(run: Path, paths: list[Path]) -> None:
    if len(paths) > MAX_MEMBERS:
        raise RequestError(f"{run} has {len(paths)} files", f"up to {MAX_MEMBERS}")
    if sum(path.stat().st_size for path in paths) > MAX_TOTAL:
        raise RequestError(f"{run} is too large", f"up to {MAX_TOTAL} bytes")


def _write(
    aside: Path, folder: Path, paths: list[Path], on_member: Callable[[int, int], None] | None
) -> None:
    members: list[Member] = []
    # Checkpoints, and states, in the order of steps: each is compared with the one before in its folder.
    before: dict[Path, tuple[str, bytes]] = {}
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as file:
        for done, path in enumerate(paths, start=1):
            name, data = path.relative_to(folder).as_posix(), path.read_bytes()
            if len(data) > MAX_MEMBER:
                raise RequestError(f"{path} has {len(data)} bytes", f"up to {MAX_MEMBER}")
            member, coded = Member(name, len(data), sha256(data)), data
            if path.suffix == WEIGHTS and len(data) <= MAX_CODED:
                earlier, old = before.get(path.parent, ("", b""))
                if len(old) == len(data):
                    member = Member(name, len(data), member.sha256, "difference", earlier)
                    coded = to_planes(data, old)
                else:
                    member = Member(name, len(data), member.sha256, "planes")
                    coded = to_planes(data)
                before[path.parent] = name, data
            members.append(member)
            file.writestr(_entry(name), coded)
            if on_member is not None:
                on_member(done, len(paths))
        file.writestr(_entry(MANIFEST), json.dumps(manifest_of(members), indent=1))


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _files(folder: Path, state: bool) -> Iterator[Path]:
    """Yield the files to be packed, by name."""
    wanted = [folder, *(folder / name for name in FOLDERS if name != STATE or state)]
    for place in wanted:
        if place.is_symlink():
            raise RequestError(f"{place} is a link", "a run that holds its files itself")
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.name.startswith(".") or (path.is_dir() and not path.is_symlink()):
                continue
            if path.is_symlink() or not path.is_file():
                raise RequestError(f"{path} is no plain file", "a run that holds its files itself")
            name = path.relative_to(folder).as_posix()
            if not is_safe(name):
                raise RequestError(
                    f"{path} has a name that not every system can have", todo="rename it"
                )
            yield path
