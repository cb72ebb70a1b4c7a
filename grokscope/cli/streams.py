"""Standard output and standard error, whatever they are: closed, full, or of an encoding that lacks a letter."""

import contextlib
import io
import os
import sys


def prepare_streams() -> None:
    """Let every text be printed, and no file be opened in the place of a closed stream.

    What an encoding lacks is written as an escape: the name of a run may hold any letter, and a C locale has 128.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except (
            OSError
        ):  # closed: the next file that is opened would get what is printed by a library in C
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Let nothing more be printed: its reader left, or its disk is full, and Python would try again at its exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def flush_stdout() -> None:
    """Write what is buffered, so that an error is met here and not at Python's exit."""
    if sys.stdout is not None:
        sys.stdout.flush()


def write_error(text: str) -> None:
    """Write one line to standard error, where there is one."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"grokscope: {text}\n")
        sys.stderr.flush()
