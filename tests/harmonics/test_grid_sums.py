"""Means of functions on pairs by x, y, x . y and x - y: against loops over all pairs."""

import numpy as np
import pytest
from small_groups import TABLES

from grokscope.harmonics.grid_sums import grid_sums


def by_loop(grid, of):
    """Return the mean of `grid`[x, y] over the pairs with the same of(x, y), without the mean of all."""
    n = len(grid)
    total, count = np.zeros((n, grid.shape[2])), np.zeros((n, 1))
    for x in range(n):
        for y in range(n):
            total[of(x, y)] += grid[x, y]
            count[of(x, y)] += 1
    return total / count - grid.mean((0, 1))


def check(sums, grid, product):
    np.testing.assert_allclose(sums.mean, grid.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(sums.first, by_loop(grid, lambda x, y: x), atol=1e-12)
    np.testing.assert_allclose(sums.second, by_loop(grid, lambda x, y: y), atol=1e-12)
    np.testing.assert_allclose(sums.product, by_loop(grid, product), atol=1e-12)
    energy = np.square(grid - grid.mean((0, 1))).sum((0, 1))
    np.testing.assert_allclose(sums.energy, energy, rtol=1e-12)
    assert not sums.dead.any()


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_on_a_cyclic_group(n):
    """Else a frequency's energy is that of another sum or difference: the pieces of a row are put in a wrong place."""
    grid = np.random.default_rng(n).standard_normal((n, n, 3)) + 5
    sums = grid_sums(grid)
    if n == 1:
        assert sums.dead.all()
        return
    check(sums, grid, lambda x, y: (x + y) % n)
    difference = by_loop(grid, lambda x, y: (x - y) % n)
    np.testing.assert_allclose(sums.difference, difference, atol=1e-12)


@pytest.mark.parametrize("name", ["A4", "Q8"])
def test_on_any_group(name):
    """Else a representation's energy is that of y . x, or of another product."""
    table = TABLES[name]
    grid = np.random.default_rng(0).standard_normal((len(table), len(table), 4))
    sums = grid_sums(grid, table)
    check(sums, grid, lambda x, y: table[x, y])
    assert sums.difference is None


def test_a_column_that_hardly_varies_keeps_its_digits():
    """Else the difference of two large sums of squares is rounding, and a neuron that hardly varies has none."""
    small = np.random.default_rng(1).standard_normal((9, 9, 1)) * 1e-4
    sums = grid_sums(small + 1.0)
    expected = np.square(small - small.mean()).sum()
    np.testing.assert_allclose(sums.energy, [expected], rtol=1e-9)
    assert not sums.dead.any()


def test_constant_columns_are_dead():
    """Else rounding of a neuron that is the same for all inputs is shared out among frequencies."""
    grid = np.broadcast_to(np.array([0.0, 0.1, 1e9]), (7, 7, 3)).astype(np.float32)
    assert grid_sums(grid).dead.all()
