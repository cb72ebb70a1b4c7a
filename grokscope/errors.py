"""What a user is told when a request makes no sense or a thing is not sound: one line, three parts."""

import difflib
from collections.abc import Iterable


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
        super().__init__(" ".join("; ".join(parts).split()))


class RequestError(GrokscopeError):
    """The request makes no sense (exit code 2)."""

    exit_code = 2


class UnsoundError(GrokscopeError):
    """The thing that was looked at is not sound: damaged, truncated, not a number (exit code 1)."""

    exit_code = 1


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest of `names`, or an empty string."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"did you mean '{found[0]}'?" if found else ""
