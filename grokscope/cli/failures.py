"""What went wrong in a command, as one line and an exit code."""

import errno
import os
import traceback

from grokscope.cli.streams import silence_stdout, write_error
from grokscope.errors import GrokscopeError, one_line

OURS = 3
TRACEBACK = "GROKSCOPE_TRACEBACK"
_OF_STREAMS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)


def say(error: BaseException) -> int:
    """Say in one line what went wrong and return the exit code; what ends Python itself is raised again."""
    if isinstance(error, GrokscopeError):
        write_error(str(error))
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        silence_stdout()
        return 0
    if isinstance(error, OSError):
        _of_system(error)
        return 2
    if isinstance(error, MemoryError):
        write_error("not enough memory for this; a smaller run, fewer --threads or more memory")
        return 2
    if isinstance(error, Exception) and not os.environ.get(TRACEBACK):
        write_error(one_line(_mistake(error)))
        return OURS
    raise error


def _of_system(error: OSError) -> None:
    """Say what the system refused; our files are written elsewhere, with their own line, so that it is seldom one."""
    said = error.strerror or str(error) or type(error).__name__
    if error.filename is None and error.errno in _OF_STREAMS:
        silence_stdout()
        write_error(
            one_line(f"cannot write standard output: {said}; what was asked for is cut off")
        )
        return
    where = "" if error.filename is None else f" {error.filename}"
    write_error(one_line(f"cannot read or write{where}: {said}; nothing is left half written"))


def _mistake(error: Exception) -> str:
    places = [f for f in traceback.extract_tb(error.__traceback__) if "grokscope" in f.filename]
    at = f" at {os.path.basename(places[-1].filename)}:{places[-1].lineno}" if places else ""
    return (
        f"this is a mistake of grokscope's own{at}: {type(error).__name__}: {error}; "
        f"please report it: with {TRACEBACK}=1 all of it is shown"
    )
