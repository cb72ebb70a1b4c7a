"""SHA256SUMS, where a run has one: every file that it lists is what it was."""

import re
from collections.abc import Iterator
from pathlib import Path

from grokscope.analysis.digests import file_digest
from grokscope.checking.finding import Finding, fault, guarded, note
from grokscope.checking.scene import Scene
from grokscope.pipeline import OUTPUTS
from grokscope.reading import is_plain_file, read_bounded

FILE = "SHA256SUMS"
MAX_BYTES = 16 << 20
LINE = re.compile(r"([0-9a-f]{64}) [ *]([^\x00]+)")


def check_sums_file(scene: Scene, made_again: set[str]) -> Iterator[Finding]:
    """Yield files that do not have the SHA-256 that is listed; `made_again`: outputs that analyze wrote since."""
    path = scene.run.path
    if not (path / FILE).exists():
        return
    text = read_bounded(path / FILE, MAX_BYTES, inside=path).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line)
        if found is None:
            yield fault(FILE, f"line {number} is no SHA-256 with the name of a file")
            continue
        yield from guarded(found[2], _compare, path, found[2], found[1], made_again)


def _compare(path: Path, name: str, wanted: str, made_again: set[str]) -> Iterator[Finding]:
    if Path(name).is_absolute() or not (path / name).resolve().is_relative_to(path.resolve()):
        yield fault(FILE, f"it lists '{name}', which is not in the run")
    elif not is_plain_file(path / name):
        yield fault(name, f"missing, and {FILE} lists it")
    elif file_digest(path / name) != wanted:
        if name in made_again:
            yield note(name, f"made again since {FILE} was written")
        elif name in OUTPUTS:
            yield fault(name, f"not the file that {FILE} lists", "grokscope analyze makes it again")
        else:
            yield fault(name, f"not the file that {FILE} lists: another SHA-256")
