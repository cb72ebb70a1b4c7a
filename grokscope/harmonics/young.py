"""Young's orthogonal form: the irreducible representations of the symmetric group by exact square roots.

A partition (l_1 >= l_2 >= ...) of n is a diagram with rows of these lengths; its standard tableaux number the cells
1..n, ascending along rows and columns, and index the basis. Here entries count from 0, and a tableau is the tuple of
the rows in which its entries stand. The content of an entry is its column minus its row; r = content(i+1) - content(i).
The transposition of i and i+1 acts on a tableau t by

    rho(s_i) t = (1/r) t + sqrt(1 - 1/r^2) t',

t' the tableau with i and i+1 exchanged (r = 1 in one row, -1 in one column, where t' is not standard).

Source: James & Kerber, The Representation Theory of the Symmetric Group (1981), chapter 3.
"""

from itertools import permutations as all_permutations

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

Partition = tuple[int, ...]
Tableau = tuple[int, ...]


def partitions(n: int, most: int | None = None) -> list[Partition]:
    """Return the partitions of `n` into parts of at most `most`, lexicographically descending.

    Examples
    --------
    >>> partitions(4)
    [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    """
    if n == 0:
        return [()]
    top = n if most is None else min(n, most)
    return [(first, *rest) for first in range(top, 0, -1) for rest in partitions(n - first, first)]


def conjugate(partition: Partition) -> Partition:
    """Return the partition with rows and columns exchanged."""
    return tuple(sum(part > i for part in partition) for i in range(partition[0]))


def standard_tableaux(partition: Partition) -> list[Tableau]:
    """Return the standard tableaux of a diagram, each as the rows of its entries 0, 1, ..., n - 1."""
    if sum(partition) == 0:
        return [()]
    found = []
    for row, length in enumerate(partition):
        below = partition[row + 1] if row + 1 < len(partition) else 0
        if length > below:
            smaller = (*partition[:row], length - 1, *partition[row + 1 :])
            found += [(*tableau, row) for tableau in standard_tableaux(smaller)]
    return found


def columns_of(tableau: Tableau) -> Tableau:
    """Return the columns of the entries: the transposed tableau."""
    return tuple(tableau[:i].count(row) for i, row in enumerate(tableau))


def young_orthogonal_form(partition: Partition) -> Float[ndarray, "element d d"]:
    """Return the matrices of all n! permutations, in lexicographic order (`itertools.permutations`).

    With x . y meaning x first, then y, rho(x . y) = rho(x) rho(y). A permutation with p[i] > p[i+1] is s_i . p', p' the
    one with these two exchanged and one inversion less: so all are built from the identity, one inversion at a time.
    """
    n = sum(partition)
    points = np.array(list(all_permutations(range(n))), dtype=np.int64)
    diagonal, beside, partner = _transpositions(partition)
    d = len(partner[0]) if n > 1 else 1
    matrices = np.empty((len(points), d, d))
    matrices[0] = np.eye(d)
    descents = points[:, :-1] > points[:, 1:]
    first = np.argmax(descents, axis=1) if n > 1 else np.zeros(1, dtype=np.int64)
    count = inversions(points)
    for level in range(1, int(count.max()) + 1):
        for i in range(n - 1):
            rows = np.flatnonzero((count == level) & (first == i))
            swapped = points[rows]
            swapped[:, [i, i + 1]] = swapped[:, [i + 1, i]]
            before = matrices[lexicographic_rank(swapped)]
            matrices[rows] = (
                diagonal[i][:, None] * before + beside[i][:, None] * before[:, partner[i]]
            )
    return matrices


def lexicographic_rank(points: Int[ndarray, "element point"]) -> Int[ndarray, " element"]:
    """Return the place of permutations of 0..n-1 in the order of `itertools.permutations`.

    It is the sum over i of the number of later, smaller points times (n - 1 - i)!.
    """
    n = points.shape[1]
    rank = np.zeros(len(points), dtype=np.int64)
    for i in range(n):
        rank = rank * (n - i) + (points[:, i + 1 :] < points[:, i : i + 1]).sum(1)
    return rank


def inversions(points: Int[ndarray, "element point"]) -> Int[ndarray, " element"]:
    """Return the number of pairs i < j with p[i] > p[j] of each permutation; its parity is the permutation's."""
    n = points.shape[1]
    return sum(
        ((points[:, i + 1 :] < points[:, i : i + 1]).sum(1) for i in range(n)),
        np.zeros(len(points), dtype=np.int64),
    )


def associator(partition: Partition) -> Float[ndarray, "d d"]:
    """Return T with T rho(x) = sign(x) rho(x) T for a self-conjugate partition; T is orthogonal, T^2 = 1 or -1.

    T t is the transposed tableau times the parity of the permutation that reads t row by row: exchanging i and i+1
    turns the sign of both that parity and r. T commutes with the even permutations; its square is 1 where
    (n - length of the diagonal) / 2 is even, and -1 where it is odd.
    """
    tableaux = standard_tableaux(partition)
    place = {tableau: i for i, tableau in enumerate(tableaux)}
    matrix = np.zeros((len(tableaux), len(tableaux)))
    words = np.argsort(np.array(tableaux), axis=1, kind="stable")
    for i, tableau in enumerate(tableaux):
        parity = int(inversions(words[i : i + 1])[0]) % 2
        matrix[place[columns_of(tableau)], i] = -1.0 if parity else 1.0
    return matrix


def _transpositions(
    partition: Partition,
) -> tuple[
    Float[ndarray, "generator d"], Float[ndarray, "generator d"], Int[ndarray, "generator d"]
]:
    """Return 1/r, sqrt(1 - 1/r^2) and the index of t' for each s_i and tableau t."""
    tableaux = standard_tableaux(partition)
    place = {tableau: i for i, tableau in enumerate(tableaux)}
    content = np.array([np.subtract(columns_of(t), t) for t in tableaux])
    r = np.diff(content, axis=1).T
    partner = np.tile(np.arange(len(tableaux)), (len(r), 1))
    for i in range(len(r)):
        for j, t in enumerate(tableaux):
            swapped = (*t[:i], t[i + 1], t[i], *t[i + 2 :])
            if abs(r[i, j]) > 1:
                partner[i, j] = place[swapped]
    return 1.0 / r, np.sqrt(r * r - 1.0) / np.abs(r), partner
