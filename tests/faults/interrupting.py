"""A command in a process of its own that is told to end at some moment, and what is left of it."""

import contextlib
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "GROKSCOPE_TEST_MARK"
"""In the environment of the command, and so of whatever it starts, in whichever session."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    code, out, err
        Exit code, standard output and standard error.
    seconds
        From the signal to the end; from the start where there was no signal.
    left
        Command lines of processes that it started and that still run.
    """

    code: int
    out: str
    err: str
    seconds: float
    left: tuple[str, ...]

    @property
    def again(self) -> list[str]:
        """The command line that it says to go on with, without the program's name."""
        program, *words = shlex.split(self.err.rpartition("go on with: ")[2])
        assert program == "grokscope", self.err
        return words


def start(
    words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen, str]:
    """Start a command in a session of its own; return it and its mark."""
    mark = secrets.token_hex(8)
    process = subprocess.Popen(
        [sys.executable, "-m", "grokscope", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", MARK: mark, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return process, mark


def interrupted(
    words: Sequence[str],
    folder: Path,
    after: float,
    number: signal.Signals = signal.SIGINT,
    group: bool = False,
    times: int = 1,
) -> Ended:
    """Run a command in `folder`, send it a signal after some seconds, and wait for its end.

    Parameters
    ----------
    group
        Whether the whole process group gets the signal, as from a terminal.
    times
        How often it is sent, at once one after the other.
    """
    process, mark = start(words, folder)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        sent = time.monotonic()
        for _ in range(times):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number) if group else process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return Ended(process.returncode, out, err, time.monotonic() - sent, marked(mark))
    finally:
        for each in marked_processes(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        process.wait()


def marked(mark: str) -> tuple[str, ...]:
    """Return the command lines of the processes that carry a mark."""
    found = []
    for number in marked_processes(mark):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found.append(text.strip() or "a zombie")
    return tuple(found)


def marked_processes(mark: str) -> list[int]:
    """Return the processes that carry a mark."""
    found, wanted = [], f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def litter(folder: Path) -> list[str]:
    """Return the files and folders below a folder that were written aside and left there."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.part"))


def files_below(folder: Path) -> dict[str, bytes]:
    """Return what every file below a folder holds, but for locks; of a link or a huge file what it is."""
    return {
        str(p.relative_to(folder)): _content(p)
        for p in sorted(folder.rglob("*"))
        if (p.is_symlink() or p.is_file()) and p.name != ".lock"
    }


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    size = path.stat().st_size
    return path.read_bytes() if size < 1 << 30 else b"%d bytes" % size
