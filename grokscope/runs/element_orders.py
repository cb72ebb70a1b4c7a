"""In which orders others list the elements of a group, and which side they multiply from."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from grokscope.tasks.groups import Group

Order = Int64[ndarray, " n"]
"""order[i]: the number that another program has for our element i."""


def element_orders(group: Group) -> Iterator[tuple[str, Order | None]]:
    """Yield (words, order), ours first with None.

    After ours: dihedral groups as sympy lists them, permutations in lexicographic order; then all
    of these with every element in the place of its inverse. Since (x . y)^-1 = y^-1 . x^-1, that is
    the same group multiplied from the other side, y first, then x.
    """
    ours = np.arange(group.order)
    listed: list[tuple[str, Order]] = [("our order", ours), *_others(group)]
    for words, order in listed:
        yield words, None if order is ours else order
    for words, order in listed if not group.is_abelian else ():
        turned = order[group.inverse]
        if not any(np.array_equal(turned, seen) for _, seen in listed):
            yield f"{words}, multiplied from the other side", turned


def _others(group: Group) -> Iterator[tuple[str, Order]]:
    points = group.permutations
    if points is None:
        return
    number = {tuple(p): i for i, p in enumerate(points.tolist())}
    if group.name.startswith("D"):
        from sympy.combinatorics.named_groups import DihedralGroup

        listed = [tuple(p) for p in DihedralGroup(points.shape[1]).generate(af=True)]
        words = "sympy's order of the dihedral group"
    else:
        listed = [p for p in permutations(range(points.shape[1])) if p in number]
        words = "lexicographic order of the permutations"
    if len(listed) == len(number) and set(listed) == set(number):
        order = np.empty(len(listed), dtype=np.int64)
        order[[number[p] for p in listed]] = np.arange(len(listed))
        if not np.array_equal(order, np.arange(len(order))):
            yield words, order
