"""If these fail, a neuron that sees cosets is not told from one that does not."""

import numpy as np
import pytest
from small_groups import TABLES, symmetric

from grokscope.harmonics import coset_concentration as module
from grokscope.harmonics.coset_concentration import coset_concentrations, lowest_by_chance
from grokscope.harmonics.subgroups import cosets, subgroups

S4 = symmetric(4)[0]
PROPER = [h for h in subgroups(S4) if 1 < h.sum() < 24]
RIGHT = [cosets(S4, h, "right") for h in PROPER]


def by_hand(f, label):
    within = sum(((f[label == c] - f[label == c].mean()) ** 2).sum() for c in set(label.tolist()))
    n, k = len(f), len(set(label.tolist()))
    return (within / (n - k)) / (((f - f.mean()) ** 2).sum() / (n - 1))


def test_it_is_the_defined_ratio():
    """Else sums of squares or degrees of freedom are mixed up: all 28 proper subgroups of S4, both sides."""
    f = np.random.default_rng(0).standard_normal((24, 3)) + 5
    assert len(PROPER) == 28
    for side in ("left", "right"):
        partitions = [cosets(S4, h, side) for h in PROPER]
        found = coset_concentrations(f, partitions)
        expected = [[by_hand(column, label) for column in f.T] for label in partitions]
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_function_of_cosets_is_found_with_its_subgroups_and_no_others():
    """Else a neuron that is constant on cosets is not at 0, or one that is not is."""
    chosen = next(i for i, h in enumerate(PROPER) if h.sum() == 6)
    values = np.random.default_rng(1).standard_normal(4)[RIGHT[chosen]]
    found = coset_concentrations(values[:, None], RIGHT)[:, 0]
    inside = np.array([(h <= PROPER[chosen]).all() for h in PROPER])
    np.testing.assert_allclose(found[inside], 0, atol=1e-14)
    assert (found[~inside] > 0.1).all()


def test_chance_gives_one_on_average_whatever_the_subgroup():
    """Else small subgroups look concentrated by themselves, as with plain variances."""
    rng = np.random.default_rng(2)
    f = np.exp(rng.standard_normal(24))[:, None]
    draws = np.stack(
        [coset_concentrations(f[rng.permutation(24)], RIGHT)[:, 0] for _ in range(600)]
    )
    np.testing.assert_allclose(draws.mean(0), 1.0, atol=0.12)


def test_the_lowest_by_chance_is_that_of_relabelled_elements():
    """Else the null is of another partition size, or of another choice than the best of all subgroups."""
    f = np.random.default_rng(3).standard_normal((24, 2))
    found = lowest_by_chance(f, RIGHT, 3, seed=7)
    rng = np.random.default_rng(7)
    for draw in found:
        moved = f[rng.permutation(24)]
        expected = np.min([[by_hand(c, label) for c in moved.T] for label in RIGHT], axis=0)
        np.testing.assert_allclose(draw, expected, rtol=1e-10)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1234.567, 1e-30])
def test_a_constant_function_has_none(constant):
    """Else a dead neuron is perfectly concentrated."""
    f = np.random.default_rng(0).standard_normal((24, 2))
    f[:, 1] = constant
    found = coset_concentrations(f, RIGHT)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, 0]).all()


def test_points_and_the_whole():
    """Else the trivial subgroup has a number, or the group itself another one than 1."""
    f = np.random.default_rng(0).standard_normal((24, 1))
    found = coset_concentrations(f, [np.arange(24), np.zeros(24, int)])
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1], 1.0, rtol=1e-12)


def test_many_subgroups_are_taken_in_turn(monkeypatch):
    """Else a group with a thousand subgroups needs gigabytes, or its subgroups come back in another order."""
    f = np.random.default_rng(0).standard_normal((8, 3))
    table = TABLES["Q8"]
    partitions = [cosets(table, h) for h in subgroups(table)]
    whole = coset_concentrations(f, partitions)
    monkeypatch.setattr(module, "MOST_ENTRIES", 40)
    np.testing.assert_allclose(coset_concentrations(f, partitions), whole, rtol=1e-12)
