"""The harness itself: each way in which a reader can fail is seen as what it is."""

import os
import random
import signal
import sys
from pathlib import Path

from fuzzing import Reader, fuzz

from grokscope.errors import UnsoundError


def test_the_harness_sees_every_kind_of_fault(tmp_path):
    """Else 10,000 inputs pass because nothing that goes wrong is ever noticed."""

    def read(place: Path) -> str:
        number = int((place / "n").read_text())
        if number == 1:
            raise KeyError("ours")
        if number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 3:
            while True:
                pass
        if number == 4:
            return f"{len(bytearray(2 << 30))}"
        if number == 5:
            raise UnsoundError("fine")
        if number == 6:
            sys.exit(3)
        return "wrong" if number == 7 else "right"

    def write(place: Path) -> None:
        (place / "n").write_text("0")

    def spoil(place: Path, rng: random.Random) -> None:
        (place / "n").write_text(str(next(numbers)))

    reader = Reader(
        "harness", write, spoil, read, lambda right, found: "" if found == right else found
    )
    outcomes = []
    for number in range(1, 9):
        numbers = iter([number])
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes.append(next(iter(fuzz(reader, range(1), folder).counts)))
    assert outcomes == ["another error", "crashed", "endless", "another error", "refused", "another error",
                        "wrong result", "read"]  # fmt: skip
