"""What else lies in the directory: links that lead out of it, what is no plain file, leftovers, unknown files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from grokscope.checking.finding import Finding, fault, note, warning
from grokscope.files import LEFTOVER
from grokscope.runs.checkpoints import NAME, checkpoint_path

FILES = {
    "config.json", "split.json", "metrics.jsonl", "densified.json", "analysis.nc", "transitions.json", "report.html",
    "SHA256SUMS", "CARD.md", "README.md", ".lock", ".gitignore",
}  # fmt: skip
FOLDERS = {"checkpoints", "state", "cache", "figures"}
OWN = {"cache": {"outputs.json", "final.safetensors"}}
FREE = {"figures"}
"""Folders in which anything may lie."""
MOST_ENTRIES = 1_000_000
NAMED = 10
"""Findings of one kind that are listed one by one."""


def check_folder(path: Path) -> Iterator[Finding]:
    """Yield links, special files, leftovers of killed writers and files that are no part of a run."""
    unknown: list[str] = []
    root = path.resolve()
    for folder in ("", *sorted(FOLDERS)):
        place = path / folder
        if folder and (place.is_symlink() or place.exists()) and not place.is_dir():
            yield fault(folder, "it is no folder", "move it away")
            continue
        for entry in _entries(place):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                yield _link(name, Path(entry.path), root)
            elif not entry.is_dir(follow_symlinks=False) and not _is_plain(entry):
                yield fault(name, "it is a pipe, socket or device", "remove it")
            elif LEFTOVER.fullmatch(entry.name):
                yield note(
                    name,
                    "a file that is being written, or that a killed writer left",
                    "it does no harm; remove it once nothing writes here",
                )
            elif not _is_known(folder, entry):
                unknown.append(name)
    for name in unknown[:NAMED]:
        yield note(name, "no part of a run; it was not looked at")
    if len(unknown) > NAMED:
        yield note(".", f"{len(unknown) - NAMED} more files that are no part of a run")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found.append(entry)
                if len(found) >= MOST_ENTRIES:
                    break
    except OSError:
        return []
    return sorted(found, key=lambda entry: entry.name)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # it went away
        return True


def _is_known(folder: str, entry: os.DirEntry[str]) -> bool:
    if folder == "":
        is_folder = entry.is_dir(follow_symlinks=False)
        return entry.name in (FOLDERS if is_folder else FILES)
    if folder in FREE or entry.name in OWN.get(folder, ()):
        return True
    found = NAME.fullmatch(entry.name)
    if found is None or entry.is_dir(follow_symlinks=False):
        return False
    return checkpoint_path(Path(folder), int(found[1])).name == entry.name  # no zeros more


def _link(name: str, link: Path, root: Path) -> Finding:
    try:
        target = link.resolve()
        inside = target.is_relative_to(root)
    except (OSError, RuntimeError):  # it leads to itself
        return fault(name, "a link that leads nowhere", "remove it")
    if not target.exists():
        return fault(name, f"a link to {target}, which is not there", "restore what it leads to")
    if inside:
        return note(name, f"a link to {target.relative_to(root)}")
    return warning(
        name, f"a link out of the run, to {target}", "copy what it leads to into the run"
    )
