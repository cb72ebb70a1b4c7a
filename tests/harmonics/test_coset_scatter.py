"""If these fail, the compactness of cosets, and what chance gives, are not what the figure says."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score

from grokscope.harmonics import coset_scatter
from grokscope.harmonics.coset_scatter import scatter_ratios, smallest_ratios_by_chance


def by_hand(rows, label):
    n, classes = len(rows), sorted(set(label.tolist()))
    within = between = 0.0
    for c in classes:
        mean = rows[label == c].mean(0)
        within += sum(((row - mean) ** 2).sum() for row in rows[label == c])
        between += (label == c).sum() * ((mean - rows.mean(0)) ** 2).sum()
    return (within / (n - len(classes))) / (between / (len(classes) - 1))


@pytest.fixture
def planted():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((24, 5)) + 3
    labels = np.array([np.arange(24) % 3, np.arange(24) // 6, rng.integers(4, size=24)])
    return rows, labels


def test_the_ratio_is_the_defined_one(planted):
    """Else within and between, or their degrees of freedom, are mixed up; scikit-learn's index is one over it."""
    rows, labels = planted
    found = scatter_ratios(rows, labels)
    np.testing.assert_allclose(found, [by_hand(rows, label) for label in labels], rtol=1e-10)
    np.testing.assert_allclose(
        found, [1 / calinski_harabasz_score(rows, label) for label in labels], rtol=1e-10
    )


def test_points_that_coincide_with_their_class_give_nothing():
    """Else perfect clusters do not have the ratio 0, or none has a number."""
    rows = np.repeat(np.eye(3), 4, axis=0)
    classes = np.repeat(np.arange(3), 4)
    found = scatter_ratios(rows, np.array([classes, np.zeros(12, int), np.arange(12)]))
    assert found[0] == pytest.approx(0, abs=1e-12)
    assert np.isnan(found[1:]).all()


def test_by_chance_between_has_its_share_of_the_scatter():
    """Else the null is not the dealing out of rows: over all 720 orders, the mean of B is T (k - 1) / (n - 1)."""
    rows = np.random.default_rng(1).standard_normal((6, 2))
    label = np.array([0, 0, 1, 1, 2, 2])
    total = ((rows - rows.mean(0)) ** 2).sum()
    between = []
    for order in itertools.permutations(range(6)):
        ratio = scatter_ratios(rows[list(order)], label[None])[0]
        between.append(total / (1 + ratio * 3 / 2))  # W = T - B
    assert np.mean(between) == pytest.approx(total * 2 / 5, rel=1e-12)


def test_chance_makes_the_same_choice(planted):
    """Else the smallest of many ratios is held against draws of one."""
    rows, labels = planted
    found = smallest_ratios_by_chance(rows, labels, draws=20, seed=5)
    generator = np.random.default_rng(5)
    for value in found:
        dealt = rows[generator.permutation(24)]
        assert value == pytest.approx(min(by_hand(dealt, label) for label in labels), rel=1e-10)


def test_too_much_at_once_is_refused(planted, monkeypatch):
    """Else all subgroups of a large group take the machine's memory."""
    monkeypatch.setattr(coset_scatter, "MOST_ENTRIES", 100)
    with pytest.raises(ValueError, match="3 partitions of 24 points"):
        scatter_ratios(*planted)
