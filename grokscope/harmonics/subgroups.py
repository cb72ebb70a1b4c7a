"""Subgroups of a finite group and their cosets, from its Cayley table alone.

A set of elements is a row of booleans. `table[x, y]` is x . y; the convention of which comes first is the table's own.

Source: elementary group theory.
"""

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

MOST_SUBGROUPS = 2000
"""S6 has 1,455; an elementary abelian group of 128 elements 29,212."""

Table = Int[ndarray, "n n"]


def generated(table: Table, generators: Int[ndarray, " generator"]) -> Bool[ndarray, " n"]:
    """Return the members of the smallest subgroup that holds `generators`.

    A finite set with the identity that holds all its products is a subgroup, so products are added until none is new.
    """
    members = np.zeros(len(table), dtype=bool)
    members[_identity(table)] = True
    members[generators] = True
    return _closed(table, members)


def subgroups(
    table: Table, order: int | None = None, most: int = MOST_SUBGROUPS
) -> Bool[ndarray, "subgroup n"]:
    """Return every subgroup of a group, or every one of a given order.

    From the trivial subgroup on, each subgroup H is extended by elements x to <H, x>. Every subgroup is reached, since
    it grows by one generator at a time. Two shortcuts change nothing of the result: <H, x> is the same for all x of a
    double coset H x H, and <H', x'> of a conjugate H' is a conjugate of some <H, x>, so only one subgroup of each
    conjugacy class is extended. By Lagrange's theorem a chain to a subgroup of `order` elements has only orders that
    divide it; the others are not followed.

    Parameters
    ----------
    table
        The Cayley table.
    order
        Number of elements of the subgroups asked for; all where None.
    most
        The largest number of subgroups to look at.

    Returns
    -------
    array
        Members of each subgroup, sorted by order, then by the smallest members. Empty where no subgroup has `order`
        elements.

    Raises
    ------
    ValueError
        Where the group has more than `most` subgroups (of orders that divide `order`).

    Examples
    --------
    >>> cyclic = (np.arange(12)[:, None] + np.arange(12)) % 12
    >>> subgroups(cyclic).sum(1)
    array([ 1,  2,  3,  4,  6, 12])
    """
    n = len(table)
    conjugate = _conjugation(table)
    trivial = np.zeros(n, dtype=bool)
    trivial[_identity(table)] = True
    found = {trivial.tobytes(): trivial}
    waiting = [trivial]
    while waiting:
        members = waiting.pop()
        for x in _double_coset_elements(table, members):
            extended = members.copy()
            extended[x] = True
            larger = _closed(table, extended)
            if larger.tobytes() in found or (order is not None and order % int(larger.sum())):
                continue
            waiting.append(larger)
            for moved in _conjugates(conjugate, larger):
                found[moved.tobytes()] = moved
            if len(found) > most:
                asked = "" if order is None else f" of orders that divide {order}"
                raise ValueError(f"the group has more than {most:,} subgroups{asked}")
    rows = sorted(found.values(), key=lambda row: (int(row.sum()), np.flatnonzero(row).tolist()))
    every = np.array(rows)
    return every if order is None else every[every.sum(1) == order]


def generators(table: Table, members: Bool[ndarray, " n"]) -> Int[ndarray, " generator"]:
    """Return few elements that generate the subgroup `members`.

    The one that alone generates most comes first, then the one that with it generates most, and so on: of equals the
    smallest. Empty for the trivial subgroup.
    """
    chosen: list[int] = []
    reached = generated(table, np.array(chosen, dtype=np.int64))
    while not reached[members].all():
        larger = {
            x: generated(table, np.array([*chosen, x]))
            for x in np.flatnonzero(members & ~reached).tolist()
        }
        best = max(larger, key=lambda x: int(larger[x].sum()))
        chosen, reached = [*chosen, best], larger[best]
    return np.array(chosen, dtype=np.int64)


def cosets(table: Table, members: Bool[ndarray, " n"], side: str = "left") -> Int[ndarray, " n"]:
    """Return the number of the coset that each element lies in; cosets are numbered by their smallest element.

    Parameters
    ----------
    table
        The Cayley table.
    members
        The subgroup H.
    side
        "left": x H = {x . h}; "right": H x = {h . x}.

    Raises
    ------
    ValueError
        For another side.
    """
    if side not in ("left", "right"):
        raise ValueError(f"side '{side}' is neither left nor right")
    products = table[:, members] if side == "left" else table[members].T
    return np.unique(products.min(1), return_inverse=True)[1].astype(np.int64)


def _identity(table: Table) -> int:
    return int(np.flatnonzero((table == np.arange(len(table))).all(1))[0])


def _closed(table: Table, members: Bool[ndarray, " n"]) -> Bool[ndarray, " n"]:
    """Return `members` with all products, products of these, and so on."""
    closed, size = members.copy(), 0
    while int(closed.sum()) > size:
        inside = np.flatnonzero(closed)
        size = len(inside)
        closed[table[inside[:, None], inside]] = True
    return closed


def _conjugation(table: Table) -> Int[ndarray, "n n"]:
    """Return [g, x]: g^-1 . x . g."""
    inverse = np.argmax(table == _identity(table), axis=1)
    g = np.arange(len(table))
    return table[table[inverse], g[:, None]]


def _conjugates(
    conjugate: Int[ndarray, "n n"], members: Bool[ndarray, " n"]
) -> Bool[ndarray, "conjugate n"]:
    moved = np.unique(np.sort(conjugate[:, members], axis=1), axis=0)
    rows = np.zeros((len(moved), len(members)), dtype=bool)
    rows[np.arange(len(moved))[:, None], moved] = True
    return rows


def _double_coset_elements(table: Table, members: Bool[ndarray, " n"]) -> list[int]:
    """Return one x of each double coset H x H outside H."""
    inside = np.flatnonzero(members)
    left, seen = members.copy(), []
    for x in range(len(table)):
        if not left[x]:
            seen.append(x)
            left[table[table[inside, x][:, None], inside]] = True
    return seen
