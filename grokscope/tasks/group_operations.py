"""Operations over a finite group: the product, conjugation, and a . b . a (Power et al. 2022, for S5).

x . y is x first, then y (`grokscope.tasks.groups`).
"""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.tasks.groups import Group
from grokscope.tasks.modular import POWER
from grokscope.tasks.registry import Exponents, operation

Operands = Int[ndarray, " input"]


def _exponents(group: Group, times: int) -> Exponents | None:
    """Return the exponents of x^times . y in a cyclic group, None where x^times does not reach every element."""
    log, n = group.logarithm, group.order
    if log is None or np.gcd(times, n) != 1:
        return None
    return times * log % n, log, log, n


@operation(
    formula="a . b",
    over="group",
    source=POWER,
    exponents=lambda group: _exponents(group, 1),
    builtin=True,
)
def group_mul(a: Operands, b: Operands, group: Group) -> Operands:
    """The product: a first, then b."""
    return group.product(a, b)


@operation(formula="a . b . a^-1", over="group", source=POWER, builtin=True)
def group_conjugate(a: Operands, b: Operands, group: Group) -> Operands:
    """The conjugate of b by a."""
    return group.product(a, b, group.inverse[a])


@operation(
    formula="a . b . a",
    over="group",
    source=POWER,
    exponents=lambda group: _exponents(group, 2),
    builtin=True,
)
def group_aba(a: Operands, b: Operands, group: Group) -> Operands:
    """The product a, b, a again."""
    return group.product(a, b, a)
