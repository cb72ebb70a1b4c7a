"""Units modulo n and their discrete logarithm, which turns multiplication into addition.

Source: elementary number theory, primitive roots; Hardy & Wright, An Introduction to the Theory of Numbers.
"""

from math import gcd

import numpy as np
from jaxtyping import Int
from numpy import ndarray


def is_prime(n: int) -> bool:
    """Return whether `n` is prime, by trial division."""
    if n < 2:
        return False
    return all(n % d for d in range(2, int(n**0.5) + 1))


def units(n: int) -> Int[ndarray, " unit"]:
    """Return the residues that have an inverse modulo `n`, ascending."""
    return np.array([x for x in range(n) if gcd(x, n) == 1], dtype=np.int64)


def primitive_root(n: int) -> int | None:
    """Return the smallest generator of the units modulo `n`, or None where they are not cyclic.

    The units are cyclic exactly for n = 1, 2, 4, q^k and 2 q^k with q an odd prime (Gauss).
    """
    order = len(units(n))
    for g in units(n):
        power, steps = int(g) % n, 1
        while power != 1 % n:
            power = power * int(g) % n
            steps += 1
        if steps == order:
            return int(g)
    return None


def discrete_log(n: int) -> Int[ndarray, " residue"] | None:
    """Return log_g of every residue modulo `n` to the smallest generator g, -1 for residues that are no unit.

    None where the units modulo `n` are not cyclic. For units, log(x y) = log x + log y modulo their number.
    """
    root = primitive_root(n)
    if root is None:
        return None
    log = np.full(n, -1, dtype=np.int64)
    power = 1 % n
    for exponent in range(len(units(n))):
        log[power] = exponent
        power = power * root % n
    return log
