"""The real irreducible representations of the groups that tasks are over, by the group's name."""

import re
from functools import lru_cache

import numpy as np

from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.structure import (
    Alternating,
    Cyclic,
    Dihedral,
    Product,
    Structure,
    Symmetric,
    make_irreps,
)
from grokscope.tasks.groups import Group, make_group


@lru_cache(maxsize=8)
def group_irreps(name: str) -> Irreps:
    """Return all real irreducible representations of the group `name` ("S5", "D59", "C4xC2"), in its order of elements.

    They are kept: asking again for one of the last eight groups costs nothing.

    Raises
    ------
    RequestError
        For a name that is no group (`make_group`).

    Examples
    --------
    >>> group_irreps("S4").names
    ('trivial', 'sign', 'standard', 'standard_sign', 's4_2d')
    """
    group = make_group(name)
    return make_irreps(group.table, structure_of(group))


def structure_of(group: Group) -> Structure:
    """Return what the elements of a group are, from its name and the order of elements that `groups` promises."""
    factors = [_factor(part) for part in group.name.split("x")]
    if len(factors) == 1:
        return factors[0][0]
    parts = np.unravel_index(np.arange(group.order), [order for _, order in factors])
    return Product(tuple(structure for structure, _ in factors), np.stack(parts))


def _factor(name: str) -> tuple[Structure, int]:
    """Return (structure, order) of a group that is no product."""
    family, n = name[0], int(re.sub(r"\D", "", name))
    if family == "C":
        return Cyclic(np.arange(n)), n
    if family == "D":
        return Dihedral(np.tile(np.arange(n), 2), np.repeat([0, 1], n)), 2 * n
    points = make_group(name).permutations
    assert points is not None
    made = Symmetric(points) if family == "S" else Alternating(points)
    return made, len(points)
