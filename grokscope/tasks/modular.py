"""Modular arithmetic: addition, subtraction, multiplication, division."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.harmonics.discrete_log import discrete_log, is_prime
from grokscope.tasks.table import CyclicForm, Task

MAX_MODULUS = 4096

Operands = Int[ndarray, " input"]


@dataclass(frozen=True)
class TaskSpec:
    """A task before its modulus is chosen.

    Attributes
    ----------
    operation
        (a, b, p) -> answers, on arrays of integers.
    allowed
        (a, b, p) -> which pairs are in the table; all where None.
    needs_prime
        Whether the operation needs a prime modulus (it divides).
    exponents
        p -> (exponent of a, exponent of b, exponent of c), arrays over the residues with -1 outside the group and the
        order of the group; None where the units are not cyclic.
    group
        The group in words.
    """

    name: str
    formula: str
    operation: Callable[[Operands, Operands, int], Operands]
    group: str
    exponents: Callable[[int], tuple[Operands, Operands, Operands, int] | None]
    allowed: Callable[[Operands, Operands, int], ndarray] | None = None
    needs_prime: bool = False


def _divide(a: Operands, b: Operands, p: int) -> Operands:
    inverse = np.array([0] + [pow(x, -1, p) for x in range(1, p)], dtype=np.int64)
    return a * inverse[b] % p


def _additive(p: int, sign: int) -> tuple[Operands, Operands, Operands, int]:
    x = np.arange(p)
    return x, sign * x % p, x, p


def _multiplicative(p: int, sign: int) -> tuple[Operands, Operands, Operands, int] | None:
    log = discrete_log(p)
    if log is None:
        return None
    n = int((log >= 0).sum())
    return log, np.where(log >= 0, sign * log % n, -1), log, n


TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        TaskSpec(
            "mod_add",
            "a + b mod p",
            lambda a, b, p: (a + b) % p,
            "cyclic, order p",
            lambda p: _additive(p, 1),
        ),
        TaskSpec(
            "mod_sub",
            "a - b mod p",
            lambda a, b, p: (a - b) % p,
            "cyclic, order p, second operand inverted",
            lambda p: _additive(p, -1),
        ),
        TaskSpec(
            "mod_mul",
            "a * b mod p",
            lambda a, b, p: a * b % p,
            "units modulo p by the discrete logarithm (order p - 1 for a prime); rows with a non-unit belong "
            "to the table but not to the group",
            lambda p: _multiplicative(p, 1),
        ),
        TaskSpec(
            "mod_div",
            "a / b mod p, b not 0, p prime",
            _divide,
            "units modulo p by the discrete logarithm, order p - 1, second operand inverted; rows with "
            "a = 0 belong to the table but not to the group",
            lambda p: _multiplicative(p, -1),
            allowed=lambda a, b, p: b != 0,
            needs_prime=True,
        ),
    )
}


def make_task(name: str, p: int) -> Task:
    """Return the table of task `name` modulo `p`, rows (a, b) with b running fastest, tokens a, b, =.

    Raises
    ------
    RequestError
        For an unknown task, a modulus out of range, or a composite modulus where a prime is needed.
    """
    if name not in TASKS:
        raise RequestError(f"unknown task '{name}'", ", ".join(TASKS), nearest(name, TASKS))
    spec = TASKS[name]
    if not 3 <= p <= MAX_MODULUS:
        raise RequestError(f"p = {p}", f"a modulus from 3 to {MAX_MODULUS}")
    if spec.needs_prime and not is_prime(p):
        near = next(q for d in range(1, p) for q in (p - d, p + d) if is_prime(q))
        raise RequestError(
            f"p = {p} is composite, and {name} divides: not every b has an inverse",
            f"a prime modulus for {name}",
            f"the nearest prime is {near}",
        )
    a, b = (side.reshape(-1) for side in np.meshgrid(np.arange(p), np.arange(p), indexing="ij"))
    if spec.allowed is not None:
        kept = spec.allowed(a, b, p)
        a, b = a[kept], b[kept]
    answers = spec.operation(a, b, p)
    return Task(
        name=name,
        formula=spec.formula,
        p=p,
        inputs=np.stack([a, b], axis=1),
        tokens=np.stack([a, b, np.full_like(a, p)], axis=1),
        answers=answers,
        n_classes=p,
        d_vocab=p + 1,
        cyclic=_cyclic_form(spec, p, a, b),
    )


def _cyclic_form(spec: TaskSpec, p: int, a: Operands, b: Operands) -> CyclicForm | None:
    exponents = spec.exponents(p)
    if exponents is None:
        return None
    of_x, of_y, of_c, n = exponents
    if n < 3:
        return None
    grid = np.full((n, n), -1, dtype=np.int64)
    inside = (of_x[a] >= 0) & (of_y[b] >= 0)
    grid[of_x[a[inside]], of_y[b[inside]]] = np.flatnonzero(inside)
    return CyclicForm(n, _inverse(of_x, n), _inverse(of_y, n), _inverse(of_c, n), grid, spec.group)


def _inverse(exponent_of: Operands, n: int) -> Int[ndarray, " n"]:
    """Return the residue that has each exponent."""
    residue = np.full(n, -1, dtype=np.int64)
    residue[exponent_of[exponent_of >= 0]] = np.flatnonzero(exponent_of >= 0)
    return residue
