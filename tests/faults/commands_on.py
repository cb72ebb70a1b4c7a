"""Every command that takes a run, on a run directory that may hold anything."""

import contextlib
import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from interrupting import files_below

from grokscope.cli import COMMANDS, main

PATIENCE = 180
"""Seconds after which a command counts as hanging."""
SIZE = (
    "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 16 --steps 40 "
    "--checkpoint-every 10 --keyframe-every 20"
).split()
_FIELDS = [
    f"{name.removeprefix('--').replace('-', '_')} = {value}"
    for name, value in zip(SIZE[::2], SIZE[1::2], strict=True)
]
SWEEP = "\n".join(['name = "two"', "seeds = [0, 1]", "[set]", *_FIELDS, ""])
OUTPUTS = ("analysis.nc", "transitions.json", "report.html", "sweep.nc", "sweep.json")
OUTPUT_FOLDERS = ("cache", "figures")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{' '.join(self.words)}: code {self.code}, said {self.err!r}"


def run_command(words: list[str]) -> Answer:
    """Run a command in this process, with what it prints; a command that hangs raises TimeoutError."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _limit(" ".join(words))
    ):  # fmt: skip
        code = main(words)
    return Answer(tuple(words), code, out.getvalue(), err.getvalue())


def faults_of(answer: Answer) -> str:
    """Return what is wrong with an answer; empty where it is a result, or one line that tells what to do."""
    said = answer.err.strip()
    if answer.code not in (0, 1, 2):
        return "exit code"
    if "Traceback" in said or "mistake of grokscope" in said:
        return "a traceback"
    if answer.code == 2 or (answer.code == 1 and said):
        lines = said.split("\n")
        if len(lines) != 1 or not lines[0].startswith("grokscope: "):
            return "not one line"
        if len(said) > 3000:
            return "too long"
    elif answer.code == 1 and not answer.out.strip():
        return "nothing said"
    return ""


def commands_on_run(run: Path, spare: Path) -> dict[str, list[str]]:
    """Return the command lines that take a run directory, by a short name; `spare` is a folder for new files."""
    from grokscope.figures import NAMES

    new = str(spare / "new")
    name, checkpoint = str(run), _a_checkpoint(run)
    found = {
        "analyze": ["analyze", name, "--quiet", "--threads", "1"],
        "analyze anew": ["analyze", name, "--json", "--no-cache", "--quiet", "--measures", "gini,performance"],
        "figures": ["figure", name],
        "report": ["report", name],
        "resume": ["resume", name, "--quiet"],
        "pack": ["pack", name, "--out", f"{new}.zip", "--quiet", "--state"],
        "import checkpoint": ["import", str(checkpoint), "--layout", "transformerlens", "--out", new],
        "import folder": ["import", str(run / "checkpoints"), "--out", new],
        "import run": ["import", name, "--out", new],
        "train": ["train", "mod_add", *SIZE, "--out", name, "--quiet"],
        "train seeds": ["train", "mod_add", *SIZE, "--seeds", "0..1", "--workers", "0", "--out", name, "--quiet"],
        "demo": ["demo", "--out", name, "--quiet"],
        "check": ["check", name, "--quiet"],
        "check json": ["check", name, "--json", "--quiet"],
        "densify": ["densify", name, "--between", "12", "18", "--every", "2", "--quiet"],
    }  # fmt: skip
    for figure in NAMES:
        found[f"figure {figure}"] = ["figure", name, figure, "--out", f"{new}.html"]
    return {key: words for key, words in found.items() if words[0] in COMMANDS}


def commands_on_sweep(folder: Path, file: Path, spare: Path) -> dict[str, list[str]]:
    """Return the command lines that take a sweep's folder."""
    from grokscope.figures import SWEEP_NAMES

    name, new = str(folder), str(spare / "new.html")
    found = {
        "sweep": ["sweep", str(file), "--out", name, "--workers", "0", "--quiet"],
        "dry run": ["sweep", str(file), "--out", name, "--dry-run"],
        "figures": ["figure", name],
        "seeds": ["train", "mod_add", *SIZE, "--seeds", "0..1", "--workers", "0", "--out", name, "--quiet"],
        "analyze": ["analyze", name, "--quiet"],
    }  # fmt: skip
    for figure in SWEEP_NAMES:
        found[f"figure {figure}"] = ["figure", name, figure, "--out", new]
    return found


def spoiled(
    before: dict[str, bytes], run: Path, damaged: set[str], grows: bool = False
) -> list[str]:
    """Return the files of a run that were sound before a command and are not what they were after it.

    Parameters
    ----------
    before
        `files_below` of the run.
    damaged
        Files that were not sound; they may be made again.
    grows
        Whether the command goes on with training: metrics may have more lines then, and key frames are replaced.
    """
    after, wrong = files_below(run), []
    for name, data in before.items():
        top = Path(name).parts[0]
        if (
            name in damaged
            or name in OUTPUTS
            or top in OUTPUT_FOLDERS
            or Path(name).name in OUTPUTS
        ):
            continue
        now = after.get(name)
        if now == data or (grows and (top == "state" or (now or b"").startswith(data))):
            continue
        wrong.append(name)
    return wrong


@contextlib.contextmanager
def spare_folder(path: Path) -> Iterator[Path]:
    """Yield a folder that is empty, and removed afterwards."""
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _a_checkpoint(run: Path) -> Path:
    found = sorted((run / "checkpoints").glob("*")) if (run / "checkpoints").is_dir() else []
    return found[len(found) // 2] if found else run / "checkpoints" / "step-00000020.safetensors"


@contextlib.contextmanager
def _limit(what: str) -> Iterator[None]:
    """Raise TimeoutError where the block hangs."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"{what} hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def by_hand(other: Path) -> dict[str, Callable[[Path], None]]:
    """Return ways to spoil one file or folder, by name; `other` is another run."""

    def put(make: Callable[[Path], object]) -> Callable[[Path], None]:
        def spoil(path: Path) -> None:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            path.parent.mkdir(exist_ok=True)
            make(path)

        return spoil

    def of_other(path: Path) -> None:
        found = next((p for p in sorted(other.rglob(path.name))), other / "config.json")
        shutil.copytree(found, path) if found.is_dir() else shutil.copy(found, path)

    return {
        "missing": put(lambda path: None),
        "empty": put(lambda path: path.touch()),
        "a folder": put(lambda path: path.mkdir()),
        "a full folder": put(lambda path: shutil.copytree(other / "checkpoints", path)),
        "a file": put(lambda path: path.write_bytes(b"\x00\xff{]")),
        "text": put(lambda path: path.write_text('{"step": 1, "a": [1, 2]}\n')),
        "a pipe": put(lambda path: os.mkfifo(path)),
        "a link to zeros": put(lambda path: path.symlink_to("/dev/zero")),
        "a link to itself": put(lambda path: path.symlink_to(path.name)),
        "a link outside": put(lambda path: path.symlink_to("/etc/passwd")),
        "a link to nothing": put(lambda path: path.symlink_to("/nowhere/at/all")),
        "another run's": put(of_other),
        "sparse": put(_sparse),
    }


def _sparse(path: Path) -> None:
    """Write a file that says it has 100 GB, of which the disk holds none."""
    with path.open("wb") as file:
        file.truncate(100 << 30)
