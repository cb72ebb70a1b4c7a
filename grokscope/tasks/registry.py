"""The registry of operations: what each computes, over what, and how a user adds one.

@gs.operation(formula="a^2 - b mod p")
def mod_a2_minus_b(a, b, p):
    return (a**2 - b) % p

@gs.operation(formula="a . b . b", over="group")
def group_abb(a, b, group):
    return group.product(a, b, b)
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

from jaxtyping import Bool, Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.tasks.groups import Group

Over = Literal["modulus", "group", "bits"]
Exponents = tuple[Int[ndarray, " element"], Int[ndarray, " element"], Int[ndarray, " element"], int]
"""Exponent of each value as first operand, as second operand and as answer, -1 outside the group; its order."""


@dataclass(frozen=True)
class Operation:
    """A registered operation: a task before its modulus or group is chosen.

    Attributes
    ----------
    name
        The function's name; `grokscope train NAME`.
    function
        over "modulus": (a, b, p) -> answers; over "group": (a, b, group) -> answers, the operands being numbers of
        elements; over "bits": (bits [input, bit], k) -> answers 0 or 1. On whole arrays.
    formula
        In a and b.
    over
        What the operands are: residues of a modulus, elements of a group, bits.
    source
        Where it comes from.
    group
        The group behind it in words.
    allowed
        (a, b, p or group) -> which pairs are in the table; all where None.
    needs_prime
        Whether it needs a prime modulus (it divides).
    exponents
        Modulus or group -> `Exponents`, where the operation is addition of exponents in a cyclic group; or None.
    """

    name: str
    function: Callable[..., Any]
    formula: str
    over: Over
    source: str
    group: str
    allowed: Callable[..., Bool[ndarray, " input"]] | None
    needs_prime: bool
    exponents: Callable[[Any], Exponents | None] | None
    builtin: bool


TASKS: dict[str, Operation] = {}
"""Name -> operation, built-in ones first."""


def operation(
    function: Callable[..., Any] | None = None,
    /,
    *,
    formula: str = "",
    over: str = "modulus",
    source: str = "",
    group: str = "",
    allowed: Callable[..., Bool[ndarray, " input"]] | None = None,
    needs_prime: bool = False,
    exponents: Callable[[Any], Exponents | None] | None = None,
    builtin: bool = False,
) -> Any:
    """Register a function of two operands as a task, which `gs.train` trains by its name.

    The run's config holds that name; the run can be opened wherever the same code has registered it again.

    Parameters
    ----------
    formula
        What it computes, in a and b; the docstring's first line where not given.
    over
        "modulus": a function of (a, b, p); "group": of (a, b, group), see `Group.product` and `Group.inverse`;
        "bits": of (bits, k). Operands and answers are whole arrays of integers.
    source, group, allowed, needs_prime, exponents
        See `Operation`.

    Raises
    ------
    RequestError
        For the name of a built-in task, or an unknown `over`.

    Examples
    --------
    >>> import grokscope as gs
    >>> @gs.operation(formula="a^2 - b mod p")
    ... def mod_a2_minus_b(a, b, p):
    ...     return (a**2 - b) % p
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        if over not in ("modulus", "group", "bits"):
            raise RequestError(f"over = '{over}'", "modulus, group, bits", nearest(over, _OVER))
        if name in TASKS and TASKS[name].builtin and not builtin:
            raise RequestError(f"'{name}' is a built-in task", "another name")
        line = (inspect.getdoc(function) or name).split("\n")[0].rstrip(".")
        TASKS[name] = Operation(
            name=name,
            function=function,
            formula=formula or line,
            over=cast(Over, over),
            source=source or "not given",
            group=group or ("none known" if over == "modulus" else _OVER[over]),
            allowed=allowed,
            needs_prime=needs_prime,
            exponents=exponents,
            builtin=builtin,
        )
        return function

    return register if function is None else register(function)


_OVER = {"modulus": "residues", "group": "any finite group", "bits": "none"}


def forget(name: str) -> None:
    """Remove a user's own operation from the registry; RequestError for a built-in or unknown one."""
    if name not in TASKS or TASKS[name].builtin:
        own = ", ".join(n for n, op in TASKS.items() if not op.builtin)
        raise RequestError(f"'{name}' is not a task of your own", own or "none registered")
    del TASKS[name]


def get_operation(name: str) -> Operation:
    """Return the operation `name`; RequestError with the nearest one for an unknown name."""
    if name not in TASKS:
        raise RequestError(f"unknown task '{name}'", ", ".join(TASKS), nearest(name, TASKS))
    return TASKS[name]


def describe(name: str, p: int, group: str, bits: int, relevant: int) -> str:
    """Return what was chosen for a task, as it stands in names of folders: p97, S5, 10-3."""
    over = get_operation(name).over
    return {"modulus": f"p{p}", "group": group, "bits": f"{bits}-{relevant}"}[over]


__all__ = [
    "TASKS", "Exponents", "Group", "Operation", "describe", "forget", "get_operation", "operation",
]  # fmt: skip
