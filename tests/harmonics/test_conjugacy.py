"""If these fail, a table that is no group is taken for one, or characters are read on the wrong classes."""

import itertools

import numpy as np
import pytest
from small_groups import TABLES, alternating, shuffled, symmetric
from sympy.combinatorics import Permutation
from sympy.combinatorics.named_groups import AlternatingGroup, SymmetricGroup

from grokscope.harmonics.conjugacy import (
    check_group,
    class_means,
    conjugacy_classes,
    element_orders,
    generating_set,
    identity_element,
    inverses,
)

# The smallest loops that are no groups have five elements.
LOOP = np.array(
    [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
)


@pytest.mark.parametrize("name", TABLES)
def test_groups_are_accepted(name):
    """Else a group is refused."""
    table, _ = shuffled(TABLES[name], 1)
    check_group(table)
    e, inverse = identity_element(table), inverses(table)
    assert (table[np.arange(len(table)), inverse] == e).all()
    assert (table[inverse, np.arange(len(table))] == e).all()


def test_the_loop_is_no_group():
    """Else the test below tests nothing: it must be a Latin square with identity that is not associative."""
    assert all(sorted(line) == list(range(5)) for line in (*LOOP, *LOOP.T))
    assert (LOOP[0] == np.arange(5)).all()
    assert (LOOP[:, 0] == np.arange(5)).all()
    assert any(
        LOOP[LOOP[x, y], z] != LOOP[x, LOOP[y, z]]
        for x, y, z in itertools.product(range(5), repeat=3)
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (LOOP, "is not"),
        ((np.arange(4)[:, None] - np.arange(4)) % 4, "identity"),
        (np.arange(4)[:, None] * np.arange(4) % 4, "row 0"),
        (np.array([[0, 1], [0, 1]]), "column 0"),
        (np.array([[1, 2], [2, 1]]), "row 0"),
        (np.zeros((0, 0), dtype=np.int64), "empty"),
    ],
)
def test_other_tables_are_refused_in_one_line(table, words):
    """Else representations of something that is no group come out as nonsense, or as an endless loop."""
    with pytest.raises(ValueError, match=words) as caught:
        check_group(table)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_one_exchanged_entry_is_found(seed):
    """Else a table with a slip of the pen passes: an intercalate of a Latin square, exchanged, keeps it Latin."""
    table = TABLES["D4"].copy()
    rng = np.random.default_rng(seed)
    while True:
        (a, b), (c, d) = (rng.choice(8, 2, replace=False) for _ in range(2))
        if table[a, c] == table[b, d] and table[a, d] == table[b, c]:
            break
    table[np.ix_([a, b], [c, d])] = table[np.ix_([b, a], [c, d])]
    with pytest.raises(ValueError, match="group"):
        check_group(table)


@pytest.mark.parametrize("name", TABLES)
def test_classes_by_brute_force(name):
    """Else elements that are conjugate stand in different classes, or others in one."""
    table = TABLES[name]
    n, inverse, classes = len(table), inverses(table), conjugacy_classes(table)
    for x in range(n):
        conjugates = {int(table[table[inverse[g], x], g]) for g in range(n)}
        assert conjugates == set(np.flatnonzero(classes == classes[x]))
    assert classes[identity_element(table)] == 0
    assert set(classes) == set(range(classes.max() + 1))


@pytest.mark.parametrize("name", ["S4", "A5", "SL2(3)", "D9"])
def test_numbers_of_classes_do_not_depend_on_the_order_of_elements(name):
    """Else the character table is permuted when elements are listed otherwise, though orders tell classes apart."""
    table = TABLES[name]
    other, order = shuffled(table, 3)
    orders, sizes = element_orders(table), np.bincount(conjugacy_classes(table))
    describe = lambda t, c: list(zip(element_orders(t), sizes[c], strict=True))  # noqa: E731
    assert describe(other, conjugacy_classes(other)) == [
        describe(table, conjugacy_classes(table))[i] for i in order
    ]
    assert (np.diff(orders[np.unique(conjugacy_classes(table), return_index=True)[1]]) >= 0).all()


@pytest.mark.parametrize(
    ("made", "theirs"), [(symmetric, SymmetricGroup), (alternating, AlternatingGroup)]
)
@pytest.mark.parametrize("n", [4, 5])
def test_classes_against_sympy(made, theirs, n):
    """Else classes are not those that another library finds from the permutations."""
    table, points = made(n)
    number = {tuple(p): i for i, p in enumerate(points.tolist())}
    found = conjugacy_classes(table)
    expected = {
        frozenset(number[tuple(p.array_form)] for p in each)
        for each in theirs(n).conjugacy_classes()
    }
    assert expected == {frozenset(np.flatnonzero(found == c)) for c in range(found.max() + 1)}
    orders = [Permutation(p).order() for p in points.tolist()]
    assert element_orders(table).tolist() == orders


@pytest.mark.parametrize("name", TABLES)
def test_generating_set(name):
    """Else Light's test and the checks on generators look at a subgroup only."""
    table = TABLES[name]
    generators = [int(g) for g in generating_set(table)]
    reached, edge = {identity_element(table)}, {identity_element(table)}
    while edge:
        edge = {int(table[x, g]) for x in edge for g in generators} - reached
        reached |= edge
    assert len(reached) == len(table)
    assert 2 ** len(generators) <= len(table)


def test_class_means():
    """Else the projection on class functions is not the mean over each class."""
    table = TABLES["S4"]
    classes = conjugacy_classes(table)
    values = np.random.default_rng(0).standard_normal((24, 3, 2))
    found = class_means(values, classes)
    for c in range(5):
        np.testing.assert_allclose(found[c], values[classes == c].mean(0), atol=1e-14)
