"""What a Cayley table says of its group: whether it is one, identity, inverses, generators, conjugacy classes.

`table[x, y]` is x . y. Nothing here depends on the order in which the elements are listed, but for the order of
classes that nothing else tells apart.

Source: elementary group theory.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

Table = Int[ndarray, "element element"]


def identity_element(table: Table) -> int:
    """Return the element e with e . x = x = x . e.

    Raises
    ------
    ValueError
        Where there is none.
    """
    everything = np.arange(len(table))
    neutral = (table == everything).all(axis=1) & (table == everything[:, None]).all(axis=0)
    if not neutral.any():
        raise ValueError("no element of the table is an identity: it is not the table of a group")
    return int(np.argmax(neutral))


def inverses(table: Table) -> Int[ndarray, " element"]:
    """Return the element y with x . y = e, for each x."""
    return np.argmax(table == identity_element(table), axis=1)


def generating_set(table: Table) -> Int[ndarray, " generator"]:
    """Return elements that generate the group: again and again the first one that is no product of those before it."""
    members = np.zeros(len(table), dtype=bool)
    members[identity_element(table)] = True
    generators: list[int] = []
    while not members.all():
        generators.append(int(np.argmin(members)))
        edge = np.flatnonzero(members)
        while len(edge):
            reached = np.unique(table[np.ix_(edge, np.array(generators))])
            edge = reached[~members[reached]]
            members[edge] = True
    return np.array(generators, dtype=np.int64)


def check_group(table: Table) -> None:
    """Raise ValueError unless `table` is the multiplication table of a group.

    Rows and columns must be permutations, an identity must exist, and (x . g) . y = x . (g . y) must hold for all x, y
    and for g of a generating set; the g with this property are closed under products, so it then holds for all
    (Light's test).

    Raises
    ------
    ValueError
        In one line, what is wrong.
    """
    n = len(table)
    everything = np.arange(n)
    if not n:
        raise ValueError("the table is empty: a group has at least one element")
    for lines, which in ((table, "row"), (table.T, "column")):
        wrong = np.flatnonzero((np.sort(lines, axis=1) != everything).any(axis=1))
        if len(wrong):
            raise ValueError(
                f"{which} {wrong[0]} of the table does not hold every element once: it is not the table of a group"
            )
    for g in generating_set(table):
        unequal = table[table[:, g]] != table[:, table[g]]
        if unequal.any():
            x, y = np.argwhere(unequal)[0]
            raise ValueError(
                f"({x} . {g}) . {y} is not {x} . ({g} . {y}): it is not the table of a group"
            )


def element_orders(table: Table) -> Int[ndarray, " element"]:
    """Return the smallest k > 0 with x^k = e, for each x."""
    identity = identity_element(table)
    orders = np.zeros(len(table), dtype=np.int64)
    power, k = np.arange(len(table)), 1
    while not orders.all():
        orders[(power == identity) & (orders == 0)] = k
        power, k = table[power, np.arange(len(table))], k + 1
    return orders


def conjugacy_classes(table: Table) -> Int[ndarray, " element"]:
    """Return the number of the class {g^-1 . x . g} of each element x.

    Classes are numbered by the order of their elements, then by size, then by their first element; the identity's
    is 0.
    """
    n = len(table)
    inverse, everything = inverses(table), np.arange(n)
    first = np.full(n, -1, dtype=np.int64)
    for x in range(n):
        if first[x] < 0:
            first[table[table[inverse, x], everything]] = x
    representatives, sizes = np.unique(first, return_counts=True)
    orders = element_orders(table)[representatives]
    rank = np.empty(n, dtype=np.int64)
    rank[representatives[np.lexsort((representatives, sizes, orders))]] = np.arange(len(sizes))
    return rank[first]


def class_means(
    values: Float[ndarray, " element *rest"], classes: Int[ndarray, " element"]
) -> Float[ndarray, " conjugacy *rest"]:
    """Return the mean of `values` over each conjugacy class: `class_means(f, c)[c]` is the nearest class function."""
    total = np.zeros((int(classes.max()) + 1, *values.shape[1:]))
    np.add.at(total, classes, values)
    sizes = np.bincount(classes).astype(np.float64)
    return total / sizes.reshape(-1, *[1] * (values.ndim - 1))
