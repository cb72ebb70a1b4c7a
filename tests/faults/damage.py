"""Damage to a run on disk, as a bad disk, a broken copy or a stranger does it: bytes of one file flipped or removed."""

import random
from dataclasses import dataclass
from pathlib import Path

UNCOUNTED = (".lock",)
"""Files without content."""


@dataclass(frozen=True)
class Damage:
    """What was done to which file.

    Attributes
    ----------
    file
        The file, relative to the run's directory.
    kind
        flip: bits in the range were inverted; cut: the range was removed; truncate: so was all after it.
    start, length
        The range in bytes.
    before, after
        The whole content of the file.
    """

    file: Path
    kind: str
    start: int
    length: int
    before: bytes
    after: bytes

    def __str__(self) -> str:
        return f"{self.kind} of {self.length} bytes at {self.start} in {self.file}"


def files_of(run: Path) -> list[Path]:
    """Return the files of a run that hold anything, relative to it, sorted."""
    found = (path for path in run.rglob("*") if path.is_file() and path.name not in UNCOUNTED)
    return sorted(path.relative_to(run) for path in found if path.stat().st_size)


def damage(run: Path, rng: random.Random, file: Path | None = None) -> Damage:
    """Flip or remove a byte range in one file of the run, any one where none is named, and return what was done.

    Half of the ranges are a single byte, which is where a careless check looks away; every flip changes each byte.
    """
    file = rng.choice(files_of(run)) if file is None else file
    before = (run / file).read_bytes()
    kind = rng.choice(("flip", "cut", "truncate"))
    start = rng.randrange(len(before))
    most = len(before) - start
    length = 1 if rng.random() < 0.5 else rng.randint(1, min(most, 4096))
    if kind == "flip":
        flipped = bytes(byte ^ rng.randint(1, 255) for byte in before[start : start + length])
        after = before[:start] + flipped + before[start + length :]
    elif kind == "cut":
        after = before[:start] + before[start + length :]
    else:
        length, after = most, before[:start]
    (run / file).write_bytes(after)
    return Damage(file, kind, start, length, before, after)


def undo(run: Path, done: Damage) -> None:
    """Put the file back as it was."""
    (run / done.file).write_bytes(done.before)
