"""A folder that holds one file for each of many steps."""

import re
from pathlib import Path

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign.pickle_file import SUFFIXES

MAX_FILES = 20_000
MAX_DIGITS = 12
"""Of a step; a longer number in a name is something else."""
FIRST = ("init", "initial")
LAST = ("final", "last", "latest")


def series_files(folder: Path) -> list[tuple[int | None, Path]]:
    """Return (step, file) of a series, by step.

    `init` is step 0; `final` comes last with None, as its step must stand in the file. The step is
    the last integer of the name; an only file has None, as its name is read like that of a file by
    itself. The names of a series differ in that integer only: two families of names in one folder
    are two series (or two models that merely have digits in their names), and which is meant is the
    user's to say.

    Raises
    ------
    RequestError
        There is no checkpoint in the folder, a name has no number, or the names are of several
        families.
    UnsoundError
        Two files have the same step.
    """
    files = _checkpoints(folder)
    if not files:
        inside = sorted(f.name for f in folder.iterdir() if f.is_dir() and _checkpoints(f))
        some = ", ".join(inside[:4]) + (f" and {len(inside) - 4} more" if len(inside) > 4 else "")
        raise RequestError(
            f"'{folder}' has no checkpoint in it"
            + (f", but folders with checkpoints: {some}" if inside else ""),
            "a folder with files " + ", ".join("*" + s for s in SUFFIXES),
            "give one of the folders" if inside else "",
        )
    if len(files) > MAX_FILES:
        raise RequestError(f"'{folder}' has {len(files):,} checkpoints", f"up to {MAX_FILES:,}")
    if len(files) == 1:
        return [(None, files[0])]
    families: dict[tuple[str, str], Path] = {}
    by_step: dict[int, Path] = {}
    last: list[tuple[int | None, Path]] = []
    for file in files:
        if file.stem.lower() in LAST:
            last.append((None, file))
            continue
        step = 0 if file.stem.lower() in FIRST else _number(file)
        if step is None:
            raise RequestError(
                f"'{file.name}' in '{folder}' has no step in its name",
                "names that end in the step (step-100.pt), init and final",
                "rename it or move it away",
            )
        if file.stem.lower() not in FIRST:
            families.setdefault(_family(file), file)
        if step in by_step:
            raise UnsoundError(
                f"'{by_step[step].name}' and '{file.name}' in '{folder}' are both step {step}"
            )
        by_step[step] = file
    if len(families) > 1:
        some = ", ".join(file.name for file in list(families.values())[:4])
        raise RequestError(
            f"'{folder}' holds several series: {some}",
            "a folder whose file names differ in one number only",
            "give one file, or move the others away",
        )
    return [*sorted(by_step.items()), *last]


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_file() and f.suffix in SUFFIXES)


def _number(file: Path) -> int | None:
    found = re.findall(r"\d+", file.stem)
    return int(found[-1]) if found and len(found[-1]) <= MAX_DIGITS else None


def _family(file: Path) -> tuple[str, str]:
    before, _, after = re.fullmatch(r"(.*?)(\d+)(\D*)", file.stem).groups()  # type: ignore[union-attr]
    return before, after + file.suffix
