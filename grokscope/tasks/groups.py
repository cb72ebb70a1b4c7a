"""Finite groups by their multiplication tables: cyclic, dihedral, symmetric, alternating, and products of these.

One convention throughout: x . y is *x first, then y*. A permutation is the list of where each point goes, so
(x . y)[i] = y[x[i]]; a word of generators is read from the left.

| name | elements, in order |
|---|---|
| C<n> | 0, 1, ..., n - 1; x . y = x + y mod n |
| D<n> | r^0 .. r^(n-1), then r^0 s .. r^(n-1) s; n rotations and n reflections, s r s = r^-1 |
| S<n>, A<n> | sympy's `SymmetricGroup(n).generate()`, `AlternatingGroup(n).generate()` (Chughtai et al. 2023 use it) |
| C4xC2, S3xC2, ... | tuples, the last factor fastest |
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import factorial

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.errors import RequestError, UnsoundError, nearest

MAX_ORDER = 1024
FAMILIES = "C<n>, D<n> (n >= 3), S3 to S6, A3 to A6, or a product such as C4xC2"

# zlib.crc32 of the permutations as bytes, in order. sympy does not promise its order; runs on disk depend on it.
_ORDER = {
    "S3": 0xA3E93941,
    "S4": 0xEB65DC21,
    "S5": 0x220C633D,
    "S6": 0xA8C3C6C1,
    "A3": 0x78236124,
    "A4": 0x1A32038C,
    "A5": 0xEC24422D,
    "A6": 0x56B7370A,
}

Table = Int[ndarray, "n n"]


@dataclass(frozen=True, eq=False)
class Group:
    """A finite group.

    Attributes
    ----------
    name
        As it is asked for: "S5", "C4xC2".
    elements
        A name of each element: cycles for permutations, "e" the identity.
    table
        Shape [n, n]. table[x, y] is x . y, x first.
    generators
        Elements that generate the group.
    permutations
        Shape [n, point]. Where each element takes each point; None for a group that is not given by permutations.
    """

    name: str
    elements: tuple[str, ...]
    table: Table
    generators: tuple[int, ...]
    permutations: Int[ndarray, "n point"] | None = None

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self.table)

    @cached_property
    def identity(self) -> int:
        """The element e with e . x = x."""
        return int(np.flatnonzero((self.table == np.arange(self.order)).all(axis=1))[0])

    @cached_property
    def inverse(self) -> Int[ndarray, " n"]:
        """Shape [n]. The element y with x . y = e, for each x."""
        return np.argmax(self.table == self.identity, axis=1)

    @cached_property
    def is_abelian(self) -> bool:
        """Whether x . y = y . x for all x, y."""
        return bool((self.table == self.table.T).all())

    @cached_property
    def element_orders(self) -> Int[ndarray, " n"]:
        """Shape [n]. The smallest k > 0 with x^k = e, for each x."""
        x = np.arange(self.order)
        power, orders = x.copy(), np.zeros(self.order, dtype=np.int64)
        for k in range(1, self.order + 1):
            orders[(power == self.identity) & (orders == 0)] = k
            if orders.all():
                break
            power = self.table[power, x]
        return orders

    @cached_property
    def logarithm(self) -> Int[ndarray, " n"] | None:
        """Shape [n]. The exponent of each element to the first element that generates the group; None if none does."""
        generating = np.flatnonzero(self.element_orders == self.order)
        if not len(generating):
            return None
        log = np.zeros(self.order, dtype=np.int64)
        power = self.identity
        for exponent in range(self.order):
            log[power] = exponent
            power = self.table[power, generating[0]]
        return log

    def product(self, *factors: Int[ndarray, " input"]) -> Int[ndarray, " input"]:
        """Return the product of the factors from the left: product(x, y, z) is x first, then y, then z."""
        found = np.asarray(factors[0])
        for factor in factors[1:]:
            found = self.table[found, factor]
        return found


@lru_cache(maxsize=16)
def make_group(name: str) -> Group:
    """Return the group `name`: "S5", "A4", "D59", "C12", or a product of such, "C4xC2".

    Raises
    ------
    RequestError
        For a name that is no group, or a group of more than 1,024 elements.

    Examples
    --------
    >>> s3 = make_group("S3")
    >>> s3.order, s3.elements[:3]
    (6, ('e', '(0 1 2)', '(0 2 1)'))
    """
    parts = name.split("x")
    factors = []
    for part in parts:
        match = re.fullmatch(r"([CDSA])([1-9][0-9]{0,5})", part)
        if match is None:
            upper = re.sub(r"[\s*×]+", "x", name.strip()).upper().replace("X", "x")
            todo = nearest(upper, ("S5", "A5", "D5", "C5", "C4xC2", upper))
            looks_right = re.fullmatch(r"([CDSA][1-9]\d*)(x[CDSA][1-9]\d*)*", upper)
            raise RequestError(f"group = '{name}'", FAMILIES, todo if looks_right else "")
        factors.append((match[1], int(match[2])))
    order = 1
    for family, n in factors:
        low, high = _RANGE[family]
        if not low <= n <= high:
            raise RequestError(f"group = '{name}': {family}{n}", f"{family}{low} to {family}{high}")
        order *= _SIZE[family](n)
    if order > MAX_ORDER:
        raise RequestError(f"group = '{name}' of {order:,} elements", f"at most {MAX_ORDER:,}")
    if order < 3:
        raise RequestError(f"group = '{name}' of {order} elements", "at least 3")
    made = [_MAKE[family](n) for family, n in factors]
    group = made[0] if len(made) == 1 else _direct_product(name, made)
    group.table.setflags(write=False)
    return group


def _cyclic(n: int) -> Group:
    x = np.arange(n)
    names = tuple(str(i) for i in range(n))
    return Group(f"C{n}", names, (x[:, None] + x[None, :]) % n, (1 % n,))


def _dihedral(n: int) -> Group:
    turn, flip = np.tile(np.arange(n), 2), np.repeat([0, 1], n)
    sign = np.where(flip == 1, -1, 1)
    turns = (turn[:, None] + sign[:, None] * turn[None, :]) % n
    table = turns + n * (flip[:, None] ^ flip[None, :])
    rotations = ["e", "r", *(f"r^{k}" for k in range(2, n))]
    reflections = ["s", *(f"{r} s" for r in rotations[1:])]
    points = np.arange(n)
    permutations = sign[:, None] * (points[None, :] + turn[:, None]) % n
    return Group(f"D{n}", (*rotations, *reflections), table, (1, n), permutations)


def _symmetric(n: int) -> Group:
    from sympy.combinatorics.named_groups import SymmetricGroup

    return _of_permutations(f"S{n}", SymmetricGroup(n))


def _alternating(n: int) -> Group:
    from sympy.combinatorics.named_groups import AlternatingGroup

    return _of_permutations(f"A{n}", AlternatingGroup(n))


def _of_permutations(name: str, theirs: object) -> Group:
    permutations = np.array(list(theirs.generate(af=True)), dtype=np.int64)  # type: ignore[attr-defined]
    if zlib.crc32(permutations.astype(np.uint8).tobytes()) != _ORDER[name]:
        raise UnsoundError(
            f"this sympy lists the elements of {name} in another order", "the order of sympy 1.14",
            "pip install sympy==1.14.0",
        )  # fmt: skip
    degree = permutations.shape[1]
    place = degree ** np.arange(degree)
    index = np.full(degree**degree, -1, dtype=np.int64)
    index[permutations @ place] = np.arange(len(permutations))
    table = np.empty((len(permutations), len(permutations)), dtype=np.int64)
    for x, permutation in enumerate(permutations):
        table[x] = index[permutations[:, permutation] @ place]
    generators = [list(g.array_form) for g in theirs.generators]  # type: ignore[attr-defined]
    return Group(
        name,
        tuple(_cycles(p) for p in permutations.tolist()),
        table,
        tuple(int(index[np.array(g) @ place]) for g in generators),
        permutations,
    )


def _cycles(permutation: list[int]) -> str:
    """Return the cycles of a permutation of points counted from 0, fixed points left out: "(0 1)(2 3)"."""
    seen: set[int] = set()
    words = ""
    for start in range(len(permutation)):
        cycle, point = [], start
        while point not in seen:
            seen.add(point)
            cycle.append(point)
            point = permutation[point]
        if len(cycle) > 1:
            words += f"({' '.join(map(str, cycle))})"
    return words or "e"


def _direct_product(name: str, factors: list[Group]) -> Group:
    sizes = [g.order for g in factors]
    parts = np.unravel_index(np.arange(np.prod(sizes)), sizes)
    tables = [g.table[part[:, None], part[None, :]] for g, part in zip(factors, parts, strict=True)]
    table = np.ravel_multi_index(tables, sizes)
    names = zip(
        *([g.elements[i] for i in part] for g, part in zip(factors, parts, strict=True)),
        strict=True,
    )
    identities = [g.identity for g in factors]
    generators = [
        int(np.ravel_multi_index([*identities[:i], x, *identities[i + 1 :]], sizes))
        for i, g in enumerate(factors)
        for x in g.generators
    ]
    return Group(name, tuple(f"({', '.join(n)})" for n in names), table, tuple(generators))


_RANGE = {"C": (1, MAX_ORDER), "D": (3, MAX_ORDER // 2), "S": (3, 6), "A": (3, 6)}
_SIZE: dict[str, Callable[[int], int]] = {
    "C": lambda n: n,
    "D": lambda n: 2 * n,
    "S": factorial,
    "A": lambda n: factorial(n) // 2,
}
_MAKE: dict[str, Callable[[int], Group]] = {
    "C": _cyclic,
    "D": _dihedral,
    "S": _symmetric,
    "A": _alternating,
}
