"""If these fail, every spectrum, Gini coefficient and trig share downstream is on the wrong axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.harmonics.fourier import (
    fourier_basis,
    fourier_coefficients,
    frequencies,
    gini,
    spectrum,
)

ORDERS = range(3, 41)


@pytest.mark.parametrize("n", ORDERS)
def test_basis_is_orthonormal_and_complete(n):
    basis, _ = fourier_basis(n)
    assert basis.shape == (n, n)
    np.testing.assert_allclose(basis @ basis.T, np.eye(n), atol=1e-12)


@pytest.mark.parametrize("n", ORDERS)
def test_rows_are_what_their_names_say(n):
    basis, names = fourier_basis(n)
    assert len(names) == n == len(set(names))
    x = np.arange(n)
    for row, (k, phase) in zip(basis, names, strict=True):
        wave = {"const": np.ones(n), "cos": np.cos, "sin": np.sin}[phase]
        wave = wave if phase == "const" else wave(2 * np.pi * k * x / n)
        np.testing.assert_allclose(row, wave / np.linalg.norm(wave), atol=1e-12)


@pytest.mark.parametrize("n", ORDERS)
def test_nyquist_has_one_row_for_even_orders_only(n):
    _, names = fourier_basis(n)
    assert list(frequencies(n)) == list(range(1, n // 2 + 1))
    assert [phase for k, phase in names if 2 * k == n] == (["cos"] if n % 2 == 0 else [])


@pytest.mark.parametrize("n", ORDERS)
def test_coefficients_equal_basis_times_table(n):
    table = np.random.default_rng(n).standard_normal((n, 4))
    basis, names = fourier_basis(n)
    expected = basis @ table
    const, cos, sin = fourier_coefficients(table)
    np.testing.assert_allclose(const, expected[0], atol=1e-12)
    for (k, phase), row in zip(names[1:], expected[1:], strict=True):
        np.testing.assert_allclose({"cos": cos, "sin": sin}[phase][k - 1], row, atol=1e-12)
    if n % 2 == 0:
        assert (sin[-1] == 0).all()


@given(n=st.integers(3, 40), seed=st.integers(0, 1000))
def test_parseval(n, seed):
    table = np.random.default_rng(seed).standard_normal((n, 3))
    parts = spectrum(table)
    constant = np.square(table.sum(0)).sum() / n
    assert np.square(parts).sum() + constant == pytest.approx(np.square(table).sum(), rel=1e-12)


@pytest.mark.parametrize(("n", "k"), [(11, 3), (12, 5), (12, 6)])
def test_spectrum_of_one_wave(n, k):
    x = np.arange(n)
    wave = 2 * np.pi * k * x / n
    table = np.stack([3 * np.cos(wave), 4 * np.sin(wave), np.full(n, 7.0)], axis=1)
    cos, sin = spectrum(table)
    expected = np.zeros(n // 2)
    expected[k - 1] = 1
    length = np.sqrt(n if 2 * k == n else n / 2)
    np.testing.assert_allclose(cos, 3 * length * expected, atol=1e-10)
    np.testing.assert_allclose(sin, 0 if 2 * k == n else 4 * length * expected, atol=1e-10)


def test_a_float32_table_is_summed_in_float64():
    table = np.random.default_rng(0).standard_normal((9, 2)).astype(np.float32)
    cos, sin = spectrum(table)
    assert cos.dtype == sin.dtype == np.float64


@pytest.mark.parametrize("n", [1, 2, 5, 113])
def test_gini_of_equal_values_and_of_one_value(n):
    assert gini(np.full(n, 2.5)) == pytest.approx(0, abs=1e-12)
    assert gini(np.eye(n)[0]) == pytest.approx((n - 1) / n, abs=1e-12)


def test_gini_of_a_ramp():
    n = 10
    assert gini(np.arange(1.0, n + 1)) == pytest.approx((n - 1) / (3 * n), abs=1e-12)


def test_gini_of_nothing():
    assert np.isnan(gini(np.zeros(4)))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(1e-3, 1e3))
def test_gini_is_half_the_relative_mean_difference_and_has_no_scale(values, scale):
    x = np.array(values)
    if x.sum() < 1e-3:
        return
    expected = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert gini(x) == pytest.approx(expected, abs=1e-9)
    assert gini(scale * x) == pytest.approx(gini(x), abs=1e-9)


@pytest.mark.parametrize("n", [256, 257, 300])
def test_long_tables_by_the_fast_transform_equal_the_basis(n):
    """Else orders above 256, which are transformed in another way, have other coefficients."""
    table = np.random.default_rng(n).standard_normal((2, n, 3))
    basis, names = fourier_basis(n)
    const, cos, sin = fourier_coefficients(table)
    for step in range(2):
        expected = basis @ table[step]
        np.testing.assert_allclose(const[step], expected[0], atol=1e-12)
        for i, (k, phase) in enumerate(names[1:], start=1):
            part = cos if phase == "cos" else sin
            np.testing.assert_allclose(part[step, k - 1], expected[i], atol=1e-12)
