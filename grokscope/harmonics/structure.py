"""What is known of a group besides its table, and with it the best way to its representations.

| structure | route |
|---|---|
| `Cyclic`, `Dihedral` | closed form |
| `Symmetric`, `Alternating` | Young's orthogonal form |
| `Product` | outer products of the factors' representations |
| `Unknown` | closed form if some element generates the group, else the regular representation taken apart |

The order of the elements is free: each structure says what each element is.

Source: those of `cyclic_dihedral.py`, `permutation_irreps.py`, `tensor.py` and `decompose.py`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, reduce

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.harmonics.conjugacy import check_group, element_orders, identity_element
from grokscope.harmonics.cyclic_dihedral import cyclic_irreps, dihedral_irreps
from grokscope.harmonics.decompose import irreps_of_table
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.permutation_irreps import alternating_irreps, symmetric_irreps
from grokscope.harmonics.representations import Representation
from grokscope.harmonics.tensor import product_irreps


@dataclass(frozen=True, eq=False)
class Cyclic:
    """A cyclic group; `exponents` [element] is x of each element a^x."""

    exponents: Int[ndarray, " element"]


@dataclass(frozen=True, eq=False)
class Dihedral:
    """A dihedral group; `turns` and `flips` [element] are k and l of each element r^k s^l."""

    turns: Int[ndarray, " element"]
    flips: Int[ndarray, " element"]


@dataclass(frozen=True, eq=False)
class Symmetric:
    """All permutations; `points` [element, point] is where each element takes each point."""

    points: Int[ndarray, "element point"]


@dataclass(frozen=True, eq=False)
class Alternating:
    """All even permutations; `points` [element, point] is where each element takes each point."""

    points: Int[ndarray, "element point"]


@dataclass(frozen=True, eq=False)
class Unknown:
    """A group by its Cayley table alone."""

    table: Int[ndarray, "element element"]


@dataclass(frozen=True, eq=False)
class Product:
    """A direct product; `parts` [factor, element] is the factors' element in each element of the product."""

    factors: "tuple[Structure, ...]"
    parts: Int[ndarray, "factor element"]


Structure = Cyclic | Dihedral | Symmetric | Alternating | Unknown | Product


def make_irreps(
    table: Int[ndarray, "element element"], structure: Structure | None = None
) -> Irreps:
    """Return all real irreducible representations of a finite group.

    Parameters
    ----------
    table
        The Cayley table: table[x, y] is x . y.
    structure
        What the elements are, where that is known: names and matrices are the literature's then. Without it, every
        group works, and names say the degree only (but for cyclic groups).

    Raises
    ------
    ValueError
        For a table of no group, or a structure that is not the table's.

    Examples
    --------
    >>> klein = np.arange(4)[:, None] ^ np.arange(4)
    >>> make_irreps(klein).names
    ('trivial', 'sign_1', 'sign_2', 'sign_3')
    """
    check_group(table)
    known = _known(Unknown(table) if structure is None else structure)
    irreps = Irreps(table, _representations(known, np.diag(table)))
    irreps.check()
    return replace(irreps, exponents=known.exponents) if isinstance(known, Cyclic) else irreps


def _representations(
    structure: Structure, squares: Int[ndarray, " element"]
) -> tuple[Representation, ...]:
    match _known(structure):
        case Cyclic(exponents):
            return cyclic_irreps(exponents)
        case Dihedral(turns, flips):
            return dihedral_irreps(turns, flips)
        case Symmetric(points):
            return symmetric_irreps(points)
        case Alternating(points):
            return alternating_irreps(points)
        case Unknown(table):
            return _of_table(len(table), table.astype(np.uint16).tobytes())
        case Product(factors, parts):
            return _of_product(factors, parts, squares)


@lru_cache(maxsize=8)
def _of_table(n: int, table: bytes) -> tuple[Representation, ...]:
    """Keep what the regular representation gives; the table's bytes are the key."""
    return irreps_of_table(np.frombuffer(table, dtype=np.uint16).reshape(n, n).astype(np.int64))


def _known(structure: Structure) -> Structure:
    """Return `Cyclic` for a table that some element generates (the first one has exponent 1), all else as it is."""
    if not isinstance(structure, Unknown):
        return structure
    table = structure.table
    generating = np.flatnonzero(element_orders(table) == len(table))
    if not len(generating):
        return structure
    exponents = np.zeros(len(table), dtype=np.int64)
    power = identity_element(table)
    for x in range(len(table)):
        exponents[power] = x
        power = table[power, generating[0]]
    return Cyclic(exponents)


def _of_product(
    factors: tuple[Structure, ...],
    parts: Int[ndarray, "factor element"],
    squares: Int[ndarray, " element"],
) -> tuple[Representation, ...]:
    lifted = []
    for factor, part in zip(factors, parts, strict=True):
        # The square of a factor's element stands in the square of any element that it is part of.
        size = int(part.max()) + 1
        own_squares = np.zeros(size, dtype=np.int64)
        own_squares[part] = part[squares]
        lifted.append(
            tuple(
                Representation(rep.name, rep.matrices[part], rep.commutant, rep.label)
                for rep in _representations(factor, own_squares)
            )
        )
    found = reduce(lambda first, second: product_irreps(first, second, squares), lifted)
    trivial = found[0]
    return (
        Representation("trivial", trivial.matrices, trivial.commutant, trivial.label),
        *found[1:],
    )
