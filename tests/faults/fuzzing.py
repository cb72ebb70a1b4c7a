"""Inputs to a reader, each read in a process that may crash, loop or run out of memory, and what became of them.

A process reads many inputs, one after another, and writes before each which it is: where it dies, that one is at fault,
and another process goes on with the next. An input follows from the reader's name and a number alone.
"""

import contextlib
import faulthandler
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError

MEMORY = 1 << 30
"""Bytes that a reader may take beside what is taken before it reads."""
SECONDS = 5
"""Of the processor for one input; on the clock ten times that, as other programs may have the processor."""
MOST_LETTERS = 2100
"""Of an error's line: `grokscope.errors.MOST_LETTERS` and what stands around it."""
A_PROCESS_READS = 200


@dataclass(frozen=True)
class Reader:
    """Something that reads bytes of strangers.

    Attributes
    ----------
    name
        What it reads.
    write
        Called with an empty folder: writes sound files there with grokscope's own writers.
    spoil
        Called with that folder and a source of chance: changes one of its files.
    read
        Called with the folder: what is under test. Returns something that can be compared.
    judge
        Called with what was read of the sound files and of the spoiled ones: what is wrong with the latter, or "".
    """

    name: str
    write: Callable[[Path], None]
    spoil: Callable[[Path, random.Random], None]
    read: Callable[[Path], Any]
    judge: Callable[[Any, Any], str]


@dataclass
class Outcome:
    """What became of many inputs: how many ended how, and a line about each that ended wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(reader: Reader, numbers: range, folder: Path) -> Outcome:
    """Read the inputs of these numbers and return what became of them."""
    sound = folder / "sound"
    sound.mkdir()
    reader.write(sound)
    right = reader.read(sound)
    outcome, left = Outcome(), list(numbers)
    while left:
        batch, left = left[:A_PROCESS_READS], left[A_PROCESS_READS:]
        done = _in_a_process(reader, sound, right, batch, folder)
        for number, what, words in done:
            outcome.counts[what] += 1
            if what not in ("refused", "read"):
                outcome.wrong.append(f"{reader.name} {number}: {what}: {words}")
        left = batch[len(done) :] + left
    return outcome


def _in_a_process(
    reader: Reader, sound: Path, right: Any, numbers: list[int], folder: Path
) -> list[tuple[int, str, str]]:
    """Return (number, what, words) of the inputs in order, up to the one at which the process died."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        code = 1
        try:
            _confine()
            for number in numbers:
                _send(writing, (number, *_once(reader, sound, right, number, folder)))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as pipe:
        done = list(_received(pipe.read()))
    _, status = os.waitpid(child, 0)
    if len(done) < len(numbers):
        how = (
            f"signal {signal.Signals(os.WTERMSIG(status)).name}"
            if os.WIFSIGNALED(status)
            else f"exit code {os.WEXITSTATUS(status)}"
        )
        what = "endless" if "ALRM" in how or "PROF" in how else "crashed"
        done.append((numbers[len(done)], what, how))
    return done


def _once(reader: Reader, sound: Path, right: Any, number: int, folder: Path) -> tuple[str, str]:
    with spoiled(reader, sound, number, folder) as place:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 10 * SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = reader.read(place)
                said = reader.judge(right, found)
        except GrokscopeError as error:
            line = str(error)
            fit = line.isprintable() and line and len(line) < MOST_LETTERS
            return ("refused", "") if fit else ("badly said", repr(line)[:300])
        except BaseException as error:
            return "another error", f"{type(error).__name__}: {error}"[:300]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
    return ("wrong result", said) if said else ("read", "")


@contextlib.contextmanager
def spoiled(reader: Reader, sound: Path, number: int, folder: Path) -> Iterator[Path]:
    """Yield a folder with the spoiled files of a number; it is gone afterwards."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        shutil.copytree(sound, place, dirs_exist_ok=True)
        reader.spoil(place, random.Random(f"{reader.name} {number}"))
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _confine() -> None:
    faulthandler.disable()  # a crash here is counted, not told
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)


def _send(pipe: int, value: Any) -> None:
    data = pickle.dumps(value)
    os.write(pipe, struct.pack("<I", len(data)) + data)


def _received(data: bytes) -> Iterator[Any]:
    while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack("<I", data[:4])[0]):
        yield pickle.loads(data[4 : 4 + size])
        data = data[4 + size :]
