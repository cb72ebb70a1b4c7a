"""Modular arithmetic: the nine operations of Power et al. 2022, appendix A.1 (their x, y are a, b), and multiplication.

Answers are a function of the residues alone: for "b odd" b is the number from 0 to p - 1.
"""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from grokscope.harmonics.discrete_log import discrete_log
from grokscope.tasks.registry import Exponents, operation

POWER = "Power et al. 2022 (arXiv 2201.02177), appendix A.1"

Operands = Int[ndarray, " input"]


def _additive(p: int, sign: int) -> Exponents:
    x = np.arange(p)
    return x, sign * x % p, x, p


def _multiplicative(p: int, sign: int) -> Exponents | None:
    log = discrete_log(p)
    if log is None:
        return None
    n = int((log >= 0).sum())
    return log, np.where(log >= 0, sign * log % n, -1), log, n


def _b_not_zero(a: Operands, b: Operands, p: int) -> Bool[ndarray, " input"]:
    return b != 0


@operation(
    formula="a + b mod p",
    source=POWER,
    group="cyclic, order p",
    exponents=lambda p: _additive(p, 1),
    builtin=True,
)
def mod_add(a: Operands, b: Operands, p: int) -> Operands:
    """Addition."""
    return (a + b) % p


@operation(
    formula="a - b mod p",
    source=POWER,
    group="cyclic, order p, second operand inverted",
    exponents=lambda p: _additive(p, -1),
    builtin=True,
)
def mod_sub(a: Operands, b: Operands, p: int) -> Operands:
    """Subtraction."""
    return (a - b) % p


@operation(
    formula="a * b mod p",
    source="Power et al. 2022 has division; multiplication is its twin without an inverse",
    group="units modulo p by the discrete logarithm (order p - 1 for a prime); rows with a non-unit belong "
    "to the table but not to the group",
    exponents=lambda p: _multiplicative(p, 1),
    builtin=True,
)
def mod_mul(a: Operands, b: Operands, p: int) -> Operands:
    """Multiplication."""
    return a * b % p


@operation(
    formula="a / b mod p, b not 0, p prime",
    source=POWER,
    group="units modulo p by the discrete logarithm, order p - 1, second operand inverted; rows with "
    "a = 0 belong to the table but not to the group",
    exponents=lambda p: _multiplicative(p, -1),
    allowed=_b_not_zero,
    needs_prime=True,
    builtin=True,
)
def mod_div(a: Operands, b: Operands, p: int) -> Operands:
    """Division: a times the inverse of b; b = 0 is not in the table."""
    inverse = np.array([0] + [pow(x, -1, p) for x in range(1, p)], dtype=np.int64)
    return a * inverse[b] % p


@operation(
    formula="a / b if b odd, else a - b mod p, p prime",
    source=POWER,
    group="none: two groups, chosen by the parity of b",
    needs_prime=True,
    builtin=True,
)
def mod_div_or_sub(a: Operands, b: Operands, p: int) -> Operands:
    """Division where b is odd, subtraction where it is even."""
    return np.where(b % 2 == 1, mod_div(a, b, p), mod_sub(a, b, p))


@operation(formula="a^2 + b^2 mod p", source=POWER, group="none", builtin=True)
def mod_a2_b2(a: Operands, b: Operands, p: int) -> Operands:
    """Sum of squares."""
    return (a**2 + b**2) % p


@operation(formula="a^2 + ab + b^2 mod p", source=POWER, group="none", builtin=True)
def mod_a2_ab_b2(a: Operands, b: Operands, p: int) -> Operands:
    """The symmetric quadratic form."""
    return (a**2 + a * b + b**2) % p


@operation(formula="a^2 + ab + b^2 + a mod p", source=POWER, group="none", builtin=True)
def mod_a2_ab_b2_a(a: Operands, b: Operands, p: int) -> Operands:
    """The symmetric quadratic form, made asymmetric."""
    return (a**2 + a * b + b**2 + a) % p


@operation(formula="a^3 + ab mod p", source=POWER, group="none", builtin=True)
def mod_a3_ab(a: Operands, b: Operands, p: int) -> Operands:
    """A cubic polynomial."""
    return (a**3 + a * b) % p


@operation(formula="a^3 + ab^2 + b mod p", source=POWER, group="none", builtin=True)
def mod_a3_ab2_b(a: Operands, b: Operands, p: int) -> Operands:
    """The cubic polynomial that did not generalise in Power et al. 2022, figure 2."""
    return (a**3 + a * b**2 + b) % p
