"""An HDF5 file is read by another process first: one that may crash, loop or run out of memory without harm to us."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from grokscope.errors import UnsoundError

MOST_ALWAYS = 512 << 20
MOST_SHARE = 32
"""Values of a file, in bytes: 512 MiB, or 32 times what the file has where that is more. Our own are compressed to a
third; a bomb to a thousandth."""
MOST = 4 << 30
SECONDS = 3
"""Of the processor, of which it needs a quarter; and one more for every 10 MiB of the file."""
BYTES_PER_SECOND = 10 << 20
PATIENCE = 20
"""Times as long on the clock: other programs may have the processor."""


def vet(path: Path) -> None:
    """Raise UnsoundError where the HDF5 file is not one that can be opened safely.

    It reads the whole file in a process of its own, with bounds on memory and time (`vet_hdf5`). What is refused:
    links to other places, values kept in other files, objects, other filters than netCDF's, dimensions above 2^24,
    more values than the bounds here, and anything at which the library fails.
    """
    size = path.stat().st_size
    most = min(MOST, max(MOST_ALWAYS, MOST_SHARE * size))
    seconds = SECONDS + size // BYTES_PER_SECOND
    program = str(files("grokscope.analysis").joinpath("vet_hdf5.py"))
    command = [sys.executable, "-I", program, str(path.resolve()), str(most), str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE * seconds, check=False)
    except subprocess.TimeoutExpired:
        raise _unsound(path, "reading it does not end") from None
    if done.returncode:
        raise _unsound(path, f"it makes the HDF5 library fail ({_ending(done.returncode)})")
    fault = json.loads(done.stdout)["fault"]
    if fault:
        raise _unsound(path, fault)


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _unsound(path: Path, how: str) -> UnsoundError:
    return UnsoundError(f"{path} is damaged: {how}", todo="run grokscope analyze again")
