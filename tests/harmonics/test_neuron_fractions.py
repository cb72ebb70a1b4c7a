"""If these fail, the key frequencies (rule: neurons) and the count of explained neurons are wrong."""

import numpy as np
import pytest

from grokscope.harmonics.fourier import frequencies
from grokscope.harmonics.neuron_fractions import neuron_fractions


def by_hand(h):
    """Return the shares from explicit two-dimensional products of waves, each normalised, the constant left out."""
    n = len(h)
    centred = h - h.mean((0, 1))
    x = np.arange(n)
    shares = []
    for k in frequencies(n):
        waves = [np.ones(n), np.cos(2 * np.pi * k * x / n)]
        if 2 * k != n:
            waves.append(np.sin(2 * np.pi * k * x / n))
        products = [np.outer(f, g) for f in waves for g in waves][1:]
        explained = sum(
            np.square((product[:, :, None] * centred).sum((0, 1))) / np.square(product).sum()
            for product in products
        )
        shares.append(explained / np.square(centred).sum((0, 1)))
    return np.array(shares)


@pytest.mark.parametrize("n", [3, 4, 7, 8])
def test_shares_equal_the_explicit_products(n):
    h = np.random.default_rng(n).standard_normal((n, n, 6)) + 3
    found = neuron_fractions(h)
    np.testing.assert_allclose(found, by_hand(h), atol=1e-12)
    assert (found.sum(0) <= 1 + 1e-12).all()


@pytest.mark.parametrize(("n", "k"), [(7, 2), (8, 3), (8, 4)])
def test_a_neuron_of_one_frequency_is_fully_explained(n, k):
    x = 2 * np.pi * k * np.arange(n) / n
    h = 5 + 2 * np.cos(x)[:, None] + 3 * np.cos(x)[None, :] + np.outer(np.cos(x), np.cos(x + 0.3))
    found = neuron_fractions(h[:, :, None])[:, 0]
    assert found.argmax() == k - 1
    assert found[k - 1] == pytest.approx(1, abs=1e-12)


def test_a_relu_of_one_frequency_in_closed_form():
    """(1 + cos wa + cos wb)^2: energy 5 in its own block, 1/4 in that of twice the frequency."""
    n, k = 13, 3
    x = 2 * np.pi * k * np.arange(n) / n
    h = (1 + np.cos(x)[:, None] + np.cos(x)[None, :]) ** 2
    found = neuron_fractions(h[:, :, None])[:, 0]
    assert found[k - 1] == pytest.approx(5 / 5.25, abs=1e-12)
    assert found[2 * k - 1] == pytest.approx(0.25 / 5.25, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.0, 1e-30, 0.1, 1234.567])
def test_a_constant_neuron_is_dead_in_any_precision(dtype, constant):
    h = np.random.default_rng(0).random((11, 11, 3)).astype(dtype)
    h[:, :, 1] = constant
    found = neuron_fractions(h)
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


def test_a_weak_neuron_is_not_dead():
    """A neuron that varies by a thousandth of its mean still has a frequency."""
    x = 2 * np.pi * np.arange(9) / 9
    h = (100 + 0.1 * np.cos(2 * x)[:, None] * np.ones(9))[:, :, None].astype(np.float32)
    assert neuron_fractions(h)[1, 0] == pytest.approx(1, abs=1e-3)


def test_single_precision_agrees_with_double():
    h = np.random.default_rng(5).standard_normal((15, 15, 8))
    np.testing.assert_allclose(neuron_fractions(h.astype(np.float32)), by_hand(h), atol=1e-5)
