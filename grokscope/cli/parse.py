"""Options from dataclasses, by tyro; a mistake becomes one line."""

import contextlib
import io
import re
from collections.abc import Sequence
from typing import Any

from grokscope.errors import RequestError

_BOX = re.compile(r"[\u2500-\u257f]+")
_HEADINGS = (
    "Parsing error",
    "Unrecognized options ;",
    "Value error ;",
    "Missing argument ;",
    "Required options",
)
_RULE = re.compile(r"-{4,}")


def parse(kind: Any, command: str, argv: Sequence[str], default: Any = None) -> Any:
    """Return the options `argv` as the dataclass `kind`; RequestError in one line for anything else.

    Parameters
    ----------
    kind
        A dataclass; field docstrings are the help.
    command
        Its name, for the usage line.
    default
        Values of fields that `argv` does not give.
    """
    import tyro

    extra = {} if default is None else {"default": default}
    if {"-h", "--help"} & set(argv):
        return tyro.cli(kind, prog=f"grokscope {command}", args=list(argv), **extra)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return tyro.cli(kind, prog=f"grokscope {command}", args=list(argv), **extra)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise RequestError(
            f"{command}: {_in_one_line(said.getvalue())}", todo=f"see grokscope {command} --help"
        ) from None


def _in_one_line(box: str) -> str:
    """Return what tyro says in its box, without the box and its headings."""
    words = " ".join(_RULE.sub(" ; ", _BOX.sub(" ", box)).split())
    words = words.split("For full helptext")[0]
    for heading in _HEADINGS:
        words = words.replace(heading, "")
    words = re.sub(r"Unrecognized options: ([^;]*)", r"unknown option \1", words)
    return re.sub(r"(\s*;\s*)+", "; ", words).strip(" ;:.")
