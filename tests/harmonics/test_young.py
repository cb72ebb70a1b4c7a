"""If these fail, the representations of S_n and A_n are wrong: tableaux, Young's orthogonal form, the splitting."""

import itertools
from fractions import Fraction
from math import factorial, prod

import numpy as np
import pytest
from small_groups import cycle_type
from sympy.functions.combinatorial.numbers import partition as number_of_partitions

from grokscope.harmonics.young import (
    associator,
    columns_of,
    conjugate,
    inversions,
    lexicographic_rank,
    partitions,
    standard_tableaux,
    young_orthogonal_form,
)

ALL = [(n, partition) for n in range(1, 6) for partition in partitions(n)]


def hook_length_degree(partition):
    """n! over the product of the hook lengths (Frame, Robinson and Thrall)."""
    columns = conjugate(partition)
    hooks = [
        partition[i] - j + columns[j] - i - 1
        for i in range(len(partition))
        for j in range(partition[i])
    ]
    return Fraction(factorial(sum(partition)), prod(hooks))


def murnaghan_nakayama(partition, cycles):
    """Return the character of a partition on a cycle type, by taking off border strips.

    In beta numbers b_i = l_i + (rows below), a strip of length k is a b that becomes b - k, free so far; its sign is
    the parity of the b that it passes.
    """
    if not cycles:
        return 1
    beta = [part + len(partition) - 1 - i for i, part in enumerate(partition)]
    total = 0
    for i, b in enumerate(beta):
        new = b - cycles[0]
        if new < 0 or new in beta:
            continue
        sign = (-1) ** sum(new < other < b for other in beta)
        rest = sorted([*beta[:i], *beta[i + 1 :], new], reverse=True)
        smaller = tuple(value - (len(rest) - 1 - j) for j, value in enumerate(rest))
        total += sign * murnaghan_nakayama(smaller, cycles[1:])
    return total


@pytest.mark.parametrize("n", range(1, 9))
def test_partitions(n):
    """Else a representation is missing or there twice."""
    found = partitions(n)
    assert len(found) == len(set(found)) == number_of_partitions(n)
    assert all(sum(p) == n and list(p) == sorted(p, reverse=True) for p in found)
    assert found == sorted(found, reverse=True)
    assert all(conjugate(conjugate(p)) == p for p in found)
    assert conjugate((n,)) == (1,) * n


@pytest.mark.parametrize(("n", "partition"), ALL)
def test_standard_tableaux_by_brute_force(n, partition):
    """Else the basis is not the standard tableaux: all fillings are tried, and the hook lengths count them."""
    cells = [(row, column) for row, length in enumerate(partition) for column in range(length)]
    expected = set()
    for filling in itertools.permutations(range(n)):
        at = dict(zip(cells, filling, strict=True))
        if all(
            at.get((r, c + 1), n) > at[r, c] and at.get((r + 1, c), n) > at[r, c] for r, c in cells
        ):
            row_of = {entry: r for (r, c), entry in at.items()}
            expected.add(tuple(row_of[i] for i in range(n)))
    found = standard_tableaux(partition)
    assert len(found) == len(set(found)) == hook_length_degree(partition)
    assert set(found) == expected
    assert {columns_of(t) for t in found} == set(standard_tableaux(conjugate(partition)))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_rank_and_inversions_by_brute_force(n):
    """Else matrices stand at the wrong permutations."""
    points = np.array(list(itertools.permutations(range(n))))
    assert lexicographic_rank(points).tolist() == list(range(factorial(n)))
    expected = [sum(a > b for a, b in itertools.combinations(p, 2)) for p in points.tolist()]
    assert inversions(points).tolist() == expected


@pytest.mark.parametrize(("n", "partition"), ALL)
def test_it_is_an_orthogonal_representation(n, partition):
    """Else rho(x . y) is not rho(x) rho(y) (all pairs to S4, 2,000 random ones in S5), or not orthogonal."""
    points = np.array(list(itertools.permutations(range(n))))
    matrices = young_orthogonal_form(partition)
    d = matrices.shape[1]
    pairs = np.indices((len(points),) * 2).reshape(2, -1)
    if n == 5:
        pairs = np.random.default_rng(0).integers(0, 120, (2, 2000))
    x, y = pairs
    both = lexicographic_rank(np.take_along_axis(points[y], points[x], axis=1))
    np.testing.assert_allclose(matrices[both], matrices[x] @ matrices[y], atol=1e-13)
    product = matrices @ matrices.swapaxes(1, 2)
    np.testing.assert_allclose(product, np.tile(np.eye(d), (len(points), 1, 1)), atol=1e-13)


@pytest.mark.parametrize("partition", [p for n in (4, 5, 6) for p in partitions(n)])
def test_transpositions_are_the_square_roots_of_the_book(partition):
    """Else it is another form than Young's orthogonal one: 1/r, and sqrt(1 - 1/r^2) beside it, r the axial distance."""
    n = sum(partition)
    matrices = young_orthogonal_form(partition)
    tableaux = standard_tableaux(partition)
    for i in range(n - 1):
        swap = list(range(n))
        swap[i], swap[i + 1] = swap[i + 1], swap[i]
        expected = np.zeros((len(tableaux),) * 2)
        for a, t in enumerate(tableaux):
            c = columns_of(t)
            r = (c[i + 1] - t[i + 1]) - (c[i] - t[i])
            expected[a, a] = 1 / r
            other = (*t[:i], t[i + 1], t[i], *t[i + 2 :])
            if other in tableaux and other != t:
                expected[tableaux.index(other), a] = float(1 - Fraction(1, r * r)) ** 0.5
        found = matrices[lexicographic_rank(np.array([swap]))[0]]
        np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_characters_by_the_rule_of_murnaghan_and_nakayama(n):
    """Else a partition stands for another representation: its character, by border strips, on every class."""
    points = list(itertools.permutations(range(n)))
    representative = {cycle_type(p): i for i, p in enumerate(points)}
    assert set(representative) == set(partitions(n))
    for partition in partitions(n):
        matrices = young_orthogonal_form(partition)
        for cycles, i in representative.items():
            expected = murnaghan_nakayama(partition, cycles)
            assert np.trace(matrices[i]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("partition", "square"),
    [((2, 1), -1), ((2, 2), -1), ((3, 1, 1), 1), ((3, 2, 1), 1), ((4, 1, 1, 1), -1)],
)
def test_associator(partition, square):
    """Else self-conjugate partitions are split wrongly on A_n, or real and complex type are confused."""
    n = sum(partition)
    points = np.array(list(itertools.permutations(range(n))))
    matrices, t = young_orthogonal_form(partition), associator(partition)
    sign = np.where(inversions(points) % 2, -1.0, 1.0)[:, None, None]
    np.testing.assert_allclose(t @ matrices, sign * matrices @ t, atol=1e-13)
    np.testing.assert_array_equal(t @ t, square * np.eye(len(t)))
    np.testing.assert_array_equal(t @ t.T, np.eye(len(t)))
