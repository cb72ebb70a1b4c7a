"""If these fail, the step whose lines are called regular is another one."""

import numpy as np
import pytest

from grokscope.harmonics.step_distances import step_distances


@pytest.mark.parametrize("n", [5, 8, 13])
def test_the_ratio_equals_all_pairs_by_hand(n):
    """Else the correlation theorem is misapplied, or the mean is over the wrong pairs."""
    rows = np.random.default_rng(n).standard_normal((n, 3)) + 2
    pairs = [((rows[i] - rows[j]) ** 2).sum() for i in range(n) for j in range(n) if i != j]
    for step, ratio in enumerate(step_distances(rows), start=1):
        lengths = [((rows[c] - rows[(c + step) % n]) ** 2).sum() for c in range(n)]
        assert ratio == pytest.approx(np.mean(lengths) / np.mean(pairs), rel=1e-12)


@pytest.mark.parametrize(("n", "k"), [(97, 12), (60, 7)])
def test_on_a_circle_it_is_a_cosine(n, k):
    """Else the ratio is not (1 - cos(2 pi k s / n)) (n - 1) / n, shortest for the inverse of k modulo n."""
    angle = 2 * np.pi * k * np.arange(n) / n
    found = step_distances(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    steps = np.arange(1, n // 2 + 1)
    np.testing.assert_allclose(
        found, (1 - np.cos(2 * np.pi * k * steps / n)) * (n - 1) / n, atol=1e-12
    )
    shortest = pow(k, -1, n)
    assert int(np.argmin(found)) + 1 == min(shortest, n - shortest)


def test_equal_rows_have_no_ratio():
    """Else rows without any scatter pass for perfectly regular."""
    assert np.isnan(step_distances(np.ones((6, 2)))).all()
