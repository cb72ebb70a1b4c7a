"""If these fail, the cosets by which output layers are coloured and judged are no cosets, or the best are not found."""

import itertools

import numpy as np
import pytest

from grokscope.harmonics.subgroups import cosets, generated, generators, subgroups
from grokscope.tasks.groups import make_group

KNOWN = {
    "C7": 2, "C12": 6, "C4xC2": 8, "C2xC2": 5, "C2xC2xC2": 16, "S3": 6, "D4": 10, "D5": 8, "A4": 10,
    "S4": 30, "A5": 59, "S5": 156,
}  # fmt: skip


def closed_subsets(table):
    """Every subset that holds the identity and all products, by looking at all subsets."""
    n = len(table)
    identity = next(x for x in range(n) if (table[x] == np.arange(n)).all())
    found = set()
    for size in range(1, n + 1):
        for subset in itertools.combinations(range(n), size):
            members = set(subset)
            if identity in members and all(
                int(table[x, y]) in members for x in subset for y in subset
            ):
                found.add(subset)
    return found


@pytest.mark.parametrize("name", KNOWN)
def test_their_number_is_the_known_one(name):
    """Else subgroups are missed or counted twice; the numbers are those of the literature (OEIS A005432 and others)."""
    found = subgroups(make_group(name).table)
    assert len(found) == KNOWN[name]
    assert len({row.tobytes() for row in found}) == len(found)


@pytest.mark.parametrize("name", ["C6", "S3", "D4", "C2xC2xC2", "C8", "C4xC2", "D6", "A4"])
def test_they_are_exactly_the_closed_subsets(name):
    """Else what is returned is not closed, or a shortcut of the search loses one."""
    table = make_group(name).table
    found = {tuple(np.flatnonzero(row).tolist()) for row in subgroups(table)}
    assert found == closed_subsets(table)


@pytest.mark.parametrize("name", ["S4", "A5", "D12", "C4xC2"])
def test_those_of_one_order_are_those_of_all(name):
    """Else following only orders that divide loses a subgroup."""
    table = make_group(name).table
    every = subgroups(table)
    for order in range(1, len(table) + 1):
        assert np.array_equal(subgroups(table, order), every[every.sum(1) == order]), order


def test_three_elements_generate_every_subgroup_of_s4():
    """Else `generated` stops too early: each subgroup of S4 needs at most two, and all are reached from three."""
    table = make_group("S4").table
    reached = {
        generated(table, np.array(chosen)).tobytes()
        for chosen in itertools.combinations_with_replacement(range(24), 3)
    }
    assert reached == {row.tobytes() for row in subgroups(table)}


def test_the_published_subgroup_has_ten_elements():
    """Else the default order of the figure is not that of Power et al. 2022, figure 3: the dihedral group D5."""
    s5 = make_group("S5")
    named = [s5.elements.index(name) for name in ("(0 3)(1 4)", "(1 2)(3 4)")]
    members = generated(s5.table, np.array(named))
    assert members.sum() == 10
    orders = np.bincount(s5.element_orders[members])
    assert orders.tolist() == [0, 1, 5, 0, 0, 4]
    assert len(subgroups(s5.table, 10)) == 6


@pytest.mark.parametrize("name", ["S4", "D6"])
def test_generators_give_the_subgroup_back(name):
    """Else a figure names a subgroup by elements that do not generate it."""
    table = make_group(name).table
    for members in subgroups(table):
        few = generators(table, members)
        assert np.array_equal(generated(table, few), members)
        assert len(few) <= 2


def test_cosets_are_products_with_the_subgroup():
    """Else left and right are confused, or a coset is torn."""
    group = make_group("S4")
    differ = 0
    for members in subgroups(group.table):
        inside = np.flatnonzero(members).tolist()
        found = {side: cosets(group.table, members, side) for side in ("left", "right")}
        for x in range(24):
            left = {int(group.table[x, h]) for h in inside}
            right = {int(group.table[h, x]) for h in inside}
            assert set(np.flatnonzero(found["left"] == found["left"][x]).tolist()) == left
            assert set(np.flatnonzero(found["right"] == found["right"][x]).tolist()) == right
        assert found["left"].max() + 1 == 24 // len(inside)
        differ += not np.array_equal(found["left"], found["right"])
    assert differ == 30 - 4  # S4 has four normal subgroups: 1, V4, A4, S4
    with pytest.raises(ValueError, match="side 'middle'"):
        cosets(group.table, members, "middle")


def test_too_many_subgroups_are_refused():
    """Else an elementary abelian group fills the memory."""
    table = make_group("C2xC2xC2xC2xC2").table
    assert len(subgroups(table)) == 374
    with pytest.raises(ValueError, match="more than 100 subgroups$"):
        subgroups(table, most=100)
    with pytest.raises(ValueError, match="of orders that divide 16"):
        subgroups(table, 16, most=100)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("A6", 501), ("S6", 1455)])
def test_the_larger_groups(name, number):
    """Else the search breaks where conjugacy classes are large."""
    assert len(subgroups(make_group(name).table)) == number
