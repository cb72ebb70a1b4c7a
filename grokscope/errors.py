"""What a user is told when a request makes no sense or a thing is not sound: one line, three parts."""

import difflib
from collections.abc import Iterable

MOST_LETTERS = 2000
"""Of a message: what is wrong may be a text of megabytes in a file from a stranger."""


class GrokscopeError(Exception):
    """A mistake that is not ours, said in one line.

    Parameters
    ----------
    given
        What was given, in the user's own words ("unknown task 'mod_ad'").
    accepted
        What would have been accepted ("mod_add, mod_sub, ...").
    todo
        What to do now ("did you mean 'mod_add'?").
    """

    exit_code = 2

    def __init__(self, given: str, accepted: str = "", todo: str = "") -> None:
        self.given, self.accepted, self.todo = given, accepted, todo
        parts = [given]
        if accepted:
            parts.append(f"accepted: {accepted}")
        if todo:
            parts.append(todo)
        super().__init__(one_line("; ".join(parts)))


class RequestError(GrokscopeError):
    """The request makes no sense (exit code 2)."""

    exit_code = 2


class UnsoundError(GrokscopeError):
    """The thing that was looked at is not sound: damaged, truncated, not a number (exit code 1)."""

    exit_code = 1


def printable(text: str) -> str:
    r"""Return text with what no terminal should be sent written as Python writes it: \x1b, \n, \u202e, \udcff."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(text: str, most: int = MOST_LETTERS) -> str:
    r"""Return text that any terminal can print: in one line, no control characters, at most `most` letters.

    What cannot be printed is written as Python writes it: the escape character, which begins a terminal's commands, as
    \x1b; a byte of a file name that is no UTF-8 as \udcff.
    """
    # Cut first: what follows costs time for each letter. Cut within words, that an end remains to be seen.
    cut = text if len(text) <= 2 * most else f"{text[:most]} ... {text[-most // 4 :]}"
    words = " ".join(cut.split())
    plain = printable(words)
    return plain if len(plain) <= most else f"{plain[: most - most // 4]} ... {plain[-most // 5 :]}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest of `names`, or an empty string."""
    # The time grows with the product of the lengths, and no name is this long.
    found = difflib.get_close_matches(name[:200], list(names), n=1, cutoff=0.5)
    return f"did you mean '{found[0]}'?" if found else ""
