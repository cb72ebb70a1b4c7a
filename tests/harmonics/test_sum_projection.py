"""If these fail, restricted and excluded loss project on the wrong space: the n-by-n shortcut must be exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.harmonics import sum_projection
from grokscope.harmonics.sum_projection import (
    counts_per_sum,
    projector,
    random_frequency_sets,
    sum_directions,
    total_by_sum,
)


def design(n, frequencies, rows, constant):
    """Return the columns over explicit rows (x, y), written as products of one-operand waves, as in the paper."""
    x, y = np.divmod(rows, n)
    columns = [np.ones(len(rows))] if constant else []
    for k in frequencies:
        cx, sx, cy, sy = (f(2 * np.pi * k * v / n) for v in (x, y) for f in (np.cos, np.sin))
        columns.append(cx * cy - sx * sy)
        if 2 * k != n:
            columns.append(sx * cy + cx * sy)
    return np.stack(columns, axis=1)


def fitted(n, frequencies, rows, values, constant):
    """Return the least-squares fit on `rows`, evaluated on the whole n^2 table, minimum norm where rank-deficient."""
    a = design(n, frequencies, rows, constant)
    coefficients = np.linalg.lstsq(a, values, rcond=1e-10)[0]
    return design(n, frequencies, np.arange(n * n), constant) @ coefficients


def by_projector(n, frequencies, rows, values, constant, whole):
    sums = np.add(*np.divmod(rows, n)) % n
    counts = counts_per_sum(sums, n)
    means = total_by_sum(values, sums, n) / np.maximum(counts, 1)[:, None]
    table = projector(n, frequencies, None if whole else counts, constant) @ means
    return table[np.add(*np.divmod(np.arange(n * n), n)) % n]


@pytest.mark.parametrize("n", [3, 4, 7, 8, 12])
@pytest.mark.parametrize("constant", [False, True])
def test_whole_table_equals_the_explicit_projection(n, constant):
    rng = np.random.default_rng(n)
    rows, values = np.arange(n * n), rng.standard_normal((n * n, 5))
    keys = [1, n // 2] if n > 3 else [1]
    expected = fitted(n, keys, rows, values, constant)
    np.testing.assert_allclose(
        by_projector(n, keys, rows, values, constant, whole=True), expected, atol=1e-11
    )


@pytest.mark.parametrize("n", [7, 8])
def test_whole_table_equals_the_published_directions(n):
    """u_k = (c x c - s x s)/sqrt 2 of orthonormal rows, as vectors of length n^2, projected one by one."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n * n, 3))
    x = np.arange(n)
    expected = np.zeros_like(values)
    for k in (1, 3):
        c, s = (np.sqrt(2 / n) * f(2 * np.pi * k * x / n) for f in (np.cos, np.sin))
        for u in (np.outer(c, c) - np.outer(s, s), np.outer(s, c) + np.outer(c, s)):
            u = u.reshape(-1) / np.sqrt(2)
            assert np.linalg.norm(u) == pytest.approx(1)
            expected += np.outer(u, u @ values)
    found = by_projector(n, [1, 3], np.arange(n * n), values, constant=False, whole=True)
    np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_held_out_fit_equals_least_squares_on_those_rows(n, share):
    rng = np.random.default_rng(int(100 * share))
    rows = np.sort(rng.choice(n * n, size=int(share * n * n), replace=False))
    values = rng.standard_normal((len(rows), 4))
    expected = fitted(n, [1, 2], rows, values, constant=True)
    found = by_projector(n, [1, 2], rows, values, constant=True, whole=False)
    present = np.isin(np.arange(n * n), rows)
    np.testing.assert_allclose(found[present], expected[present], atol=1e-10)


@pytest.mark.parametrize("n", [7, 8])
def test_too_few_rows_are_fitted_exactly_and_nothing_is_invented(n):
    """Two sums present, five directions: the fit goes through the means, whatever the plain inverse would do."""
    rows = np.array([0, 1, n])  # sums 0, 1, 1
    values = np.array([[1.0], [2.0], [4.0]])
    found = by_projector(n, [1, 2], rows, values, constant=True, whole=False)
    sums = np.add(*np.divmod(np.arange(n * n), n)) % n
    np.testing.assert_allclose(found[sums == 0], 1.0, atol=1e-10)
    np.testing.assert_allclose(found[sums == 1], 3.0, atol=1e-10)
    assert np.abs(found).max() < 10
    assert np.linalg.matrix_rank(projector(n, [1, 2], counts_per_sum(sums[rows], n), True)) == 2


def test_all_frequencies_and_the_constant_give_back_every_function_of_the_sum():
    for n in (7, 8):
        h = projector(n, range(1, n // 2 + 1), constant=True)
        np.testing.assert_allclose(h, np.eye(n), atol=1e-12)


@settings(max_examples=30)
@given(n=st.integers(3, 20), data=st.data())
def test_a_projector_is_symmetric_idempotent_and_of_the_right_rank(n, data):
    keys = data.draw(st.lists(st.integers(1, n // 2), unique=True, max_size=4))
    h = projector(n, keys)
    np.testing.assert_allclose(h, h.T, atol=1e-12)
    np.testing.assert_allclose(h @ h, h, atol=1e-12)
    assert np.trace(h) == pytest.approx(sum(1 if 2 * k == n else 2 for k in keys), abs=1e-9)
    np.testing.assert_allclose(h @ np.ones(n), 0, atol=1e-12)


def test_no_frequency_projects_on_nothing():
    assert (projector(5, []) == 0).all()
    assert sum_directions(5, [], constant=False).shape == (5, 0)


def test_no_row_gives_a_fit_of_zero():
    assert (projector(5, [1], np.zeros(5), constant=True) == 0).all()


def test_totals_per_sum():
    rng = np.random.default_rng(0)
    sums, values = rng.integers(6, size=20), rng.standard_normal((20, 3))
    sums[sums == 2] = 3
    expected = np.array([values[sums == s].sum(0) for s in range(6)])
    np.testing.assert_allclose(total_by_sum(values, sums, 6), expected, atol=1e-12)
    assert (counts_per_sum(sums, 6) == [(sums == s).sum() for s in range(6)]).all()
    assert (total_by_sum(values[:0], sums[:0], 6) == 0).all()


def test_random_sets_avoid_the_key_are_distinct_within_and_repeat_with_the_seed():
    sets = random_frequency_sets(20, [3, 5], 4, 50, seed=7)
    assert sets.shape == (50, 4)
    assert not np.isin(sets, [3, 5]).any()
    assert sets.min() >= 1
    assert sets.max() <= 20
    assert (np.diff(sets, axis=1) > 0).all()
    assert (sets == random_frequency_sets(20, [3, 5], 4, 50, seed=7)).all()
    assert (sets != random_frequency_sets(20, [3, 5], 4, 50, seed=8)).any()
    assert set(np.unique(random_frequency_sets(20, [3, 5], 4, 200, 0))) == set(range(1, 21)) - {
        3,
        5,
    }


def test_random_sets_where_too_few_others_are_left():
    sets = random_frequency_sets(5, [1, 2, 3], 3, 10, seed=0)
    assert sets.shape == (10, 3)
    assert all(len(set(row)) == 3 and {4, 5} < set(row) for row in sets.tolist())
    assert {1, 2, 3} < set(sets.reshape(-1).tolist()), "filled up at random"


@pytest.mark.parametrize("n", [7, 8, 30])
def test_the_short_way_is_the_long_one(n, monkeypatch):
    """Else directions that are well told apart are fitted otherwise than those that need care."""
    rng = np.random.default_rng(n)
    for size in range(1, n // 2 + 1):
        key = sorted(rng.choice(np.arange(1, n // 2 + 1), size=size, replace=False).tolist())
        counts = rng.integers(0, 9, size=n).astype(float)
        for given_counts in (None, counts):
            monkeypatch.setattr(sum_projection, "WELL_TOLD_APART", 1e-3)
            short = projector(n, key, given_counts, constant=True)
            monkeypatch.setattr(sum_projection, "WELL_TOLD_APART", np.inf)
            np.testing.assert_allclose(
                short, projector(n, key, given_counts, constant=True), atol=1e-11
            )
