"""If these fail, the headline number (95 % of the logits are cos w(a+b-c)) is another number."""

import numpy as np
import pytest

from grokscope.harmonics.trig_share import trig_shares


def by_hand(logits, sums):
    """Return the shares by going over every (row, c)."""
    rows, n = logits.shape
    centred = logits - logits.mean(1, keepdims=True)
    shares = []
    for k in range(1, n // 2 + 1):
        wave = np.array(
            [[np.cos(2 * np.pi * k * (sums[r] - c) / n) for c in range(n)] for r in range(rows)]
        )
        shares.append((centred * wave).sum() ** 2 / (wave**2).sum() / (centred**2).sum())
    return np.array(shares)


@pytest.mark.parametrize("n", [3, 5, 6, 8, 9])
def test_shares_equal_the_sum_over_every_x_y_c(n):
    rng = np.random.default_rng(n)
    sums = (np.arange(n)[:, None] + np.arange(n)).reshape(-1) % n
    logits = rng.standard_normal((n * n, n)) + np.cos(
        2 * np.pi * (sums[:, None] - np.arange(n)) / n
    )
    logits += rng.standard_normal((n * n, 1)) * 5
    np.testing.assert_allclose(trig_shares(logits, sums), by_hand(logits, sums), atol=1e-13)


@pytest.mark.parametrize("n", [9, 10])
def test_shares_of_a_sum_of_waves_are_their_shares_of_energy(n):
    sums = (np.arange(n)[:, None] + np.arange(n)).reshape(-1) % n
    amplitude = {1: 2.0, 3: -1.0, n // 2: 0.5}
    d = (sums[:, None] - np.arange(n)) % n
    logits = sum(a * np.cos(2 * np.pi * k * d / n) for k, a in amplitude.items()) + 100.0
    energy = np.zeros(n // 2)
    for k, a in amplitude.items():
        energy[k - 1] = a**2 * (1 if 2 * k == n else 0.5)
    np.testing.assert_allclose(trig_shares(logits, sums), energy / energy.sum(), atol=1e-12)


def test_a_constant_per_row_changes_nothing():
    rng = np.random.default_rng(1)
    n = 7
    sums = (np.arange(n)[:, None] + np.arange(n)).reshape(-1) % n
    logits = rng.standard_normal((n * n, n))
    shifted = logits + 1000 * rng.standard_normal((n * n, 1))
    np.testing.assert_allclose(trig_shares(shifted, sums), trig_shares(logits, sums), atol=1e-9)


def test_logits_without_energy_have_no_shares():
    sums = (np.arange(5)[:, None] + np.arange(5)).reshape(-1) % 5
    assert np.isnan(trig_shares(np.ones((25, 5)), sums)).all()
