"""If these fail, power per representation does not add up, or a function's components belong to another one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_groups import TABLES, shuffled, symmetric

from grokscope.harmonics.conjugacy import class_means, identity_element, inverses
from grokscope.harmonics.fourier import fourier_basis
from grokscope.harmonics.group_fourier import (
    fourier_transform,
    inverse_transform,
    matrix_transform,
    power,
    power_shares,
    project,
)
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.structure import Cyclic, Symmetric, make_irreps

GROUPS = {name: make_irreps(TABLES[name]) for name in ("C7", "C12", "D5", "A4", "Q8", "SL2(3)")}
GROUPS["S4"] = make_irreps(symmetric(4)[0], Symmetric(symmetric(4)[1]))


@pytest.fixture(params=GROUPS)
def irreps(request):
    return GROUPS[request.param]


def drawn(irreps, *rest, seed=0):
    return np.random.default_rng(seed).standard_normal((irreps.order, *rest))


@given(name=st.sampled_from(list(GROUPS)), seed=st.integers(0, 1000))
def test_plancherel(name, seed):
    """Else power is lost or counted twice: components, and matrix transforms with their weights d / (c n)."""
    irreps = GROUPS[name]
    f = drawn(irreps, 3, seed=seed)
    total = np.square(f).sum(0)
    components = fourier_transform(f, irreps)
    found = sum(np.square(part).sum(0) for part in components.values())
    np.testing.assert_allclose(found, total, rtol=1e-10)
    np.testing.assert_allclose(power(f, irreps).sum(0), total, rtol=1e-10)
    by_matrices = sum(
        rep.degree
        / (len(rep.commutant) * irreps.order)
        * np.square(matrix_transform(f, rep)).sum((0, 1))
        for rep in irreps
    )
    np.testing.assert_allclose(by_matrices, total, rtol=1e-10)


def test_there_and_back(irreps):
    """Else components do not determine the function."""
    f = drawn(irreps, 2, 3)
    np.testing.assert_allclose(
        inverse_transform(fourier_transform(f, irreps), irreps), f, atol=1e-12
    )


def test_components_are_the_coefficients_on_the_basis(irreps):
    """Else the fast transform of cyclic groups has other names, signs or order than the basis."""
    f = drawn(irreps, 2)
    components = fourier_transform(f, irreps)
    assert list(components) == list(irreps.names)
    for rep in irreps:
        assert components[rep.name].shape == (rep.rank, 2)
        np.testing.assert_allclose(components[rep.name], rep.basis @ f, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 12, 113])
def test_fast_transform_of_cyclic_groups(n):
    """Else the fast and the general way differ: same names, same components, elements in any order."""
    table, order = shuffled(np.add.outer(np.arange(n), np.arange(n)) % n, n)
    fast = make_irreps(table, Cyclic(order))
    general = Irreps(table, fast.representations)
    f = np.random.default_rng(n).standard_normal((n, 3))
    assert fast.exponents is not None
    found, expected = fourier_transform(f, fast), fourier_transform(f, general)
    assert list(found) == list(expected)
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-11)


@pytest.mark.parametrize("n", [3, 4, 7, 12])
def test_cyclic_components_are_those_of_the_real_fourier_basis(n):
    """Else group measures on C_n and the cyclic ones have different axes: cos and sin of each frequency."""
    irreps = make_irreps(np.add.outer(np.arange(n), np.arange(n)) % n)
    f = np.random.default_rng(n).standard_normal(n)
    components = fourier_transform(f, irreps)
    basis, names = fourier_basis(n)
    for row, (k, phase) in zip(basis, names, strict=True):
        name = "trivial" if k == 0 else "sign" if 2 * k == n else f"freq_{k}"
        at = {"const": 0, "cos": 0, "sin": 1}[phase]
        assert components[name][at] == pytest.approx(row @ f, abs=1e-12)


def test_delta(irreps):
    """Else the transform of a unit mass at g is not rho(g), spread over representations by d^2 / (c n)."""
    n = irreps.order
    g = n // 2
    f = np.eye(n)[g]
    for rep in irreps:
        np.testing.assert_allclose(matrix_transform(f, rep), rep.matrices[g], atol=1e-13)
    expected = np.array([rep.rank for rep in irreps]) / n
    np.testing.assert_allclose(power_shares(f, irreps), expected, atol=1e-12)


def test_character(irreps):
    """Else a character is not in its own representation alone, with f^ = (c n / d) times the identity for its own."""
    for i, rep in enumerate(irreps):
        shares = power_shares(rep.character, irreps)
        np.testing.assert_allclose(shares, np.eye(len(irreps))[i], atol=1e-12)
        scale = len(rep.commutant) * irreps.order / rep.degree
        np.testing.assert_allclose(
            matrix_transform(rep.character, rep), scale * np.eye(rep.degree), atol=1e-10
        )
        assert np.square(rep.character).sum() == pytest.approx(
            len(rep.commutant) * irreps.order, rel=1e-10
        )


def test_convolution(irreps):
    """Else transforms do not multiply: the convolution is summed pair by pair, x first."""
    f, h = drawn(irreps, seed=1), drawn(irreps, seed=2)
    both = np.zeros(irreps.order)
    np.add.at(both, irreps.table, np.outer(f, h))
    for rep in irreps:
        expected = matrix_transform(f, rep) @ matrix_transform(h, rep)
        np.testing.assert_allclose(matrix_transform(both, rep), expected, atol=1e-10)


def test_projection_is_the_convolution_with_the_character(irreps):
    """Else the isotypic part is another: d / (c n) sum_h chi(h^-1 g) f(h), by its definition."""
    n, f = irreps.order, drawn(irreps, 2)
    quotient = irreps.table[inverses(irreps.table)]  # [h, g] is h^-1 . g
    parts = []
    for rep in irreps:
        weight = rep.degree / (len(rep.commutant) * n)
        expected = weight * rep.character[quotient].T @ f
        parts.append(project(f, irreps, [rep.name]))
        np.testing.assert_allclose(parts[-1], expected, atol=1e-11)
        np.testing.assert_allclose(project(parts[-1], irreps, [rep.name]), parts[-1], atol=1e-12)
        np.testing.assert_allclose(
            np.square(parts[-1]).sum(0), power(f, irreps)[irreps.index([rep.name])[0]], rtol=1e-9
        )
    np.testing.assert_allclose(sum(parts), f, atol=1e-12)
    some = [irreps.names[0], irreps.names[-1], irreps.names[-1]]
    np.testing.assert_allclose(project(f, irreps, some), parts[0] + parts[-1], atol=1e-12)


def test_projection_does_not_depend_on_what_acts(irreps):
    """Else moving a function from the left or right moves power between representations."""
    f = drawn(irreps)
    before = power(f, irreps)
    for g in range(irreps.order):
        np.testing.assert_allclose(power(f[irreps.table[g]], irreps), before, atol=1e-10)
        np.testing.assert_allclose(power(f[irreps.table[:, g]], irreps), before, atol=1e-10)


def test_class_functions_are_sums_of_characters(irreps):
    """Else class functions and characters disagree: a symmetric class function is sum of (f, chi) chi / c."""
    f = class_means(drawn(irreps), irreps.classes)[irreps.classes]
    f = f + f[inverses(irreps.table)]
    found = sum(
        (f @ rep.character) / (len(rep.commutant) * irreps.order) * rep.character for rep in irreps
    )
    np.testing.assert_allclose(found, f, atol=1e-11)


def test_shares():
    """Else shares do not add up to 1, or a function that is 0 divides by 0."""
    irreps = GROUPS["S4"]
    f = drawn(irreps, 2)
    f[:, 1] = 0
    shares = power_shares(f, irreps)
    assert shares[:, 0].sum() == pytest.approx(1, abs=1e-12)
    assert np.isnan(shares[:, 1]).all()
    whole = power_shares(np.ones(24), irreps)
    assert whole.tolist() == pytest.approx([1, 0, 0, 0, 0], abs=1e-12)


def test_float32_is_summed_in_float64():
    """Else sums over 720 elements lose digits."""
    irreps = GROUPS["S4"]
    f = drawn(irreps, 2).astype(np.float32)
    assert power(f, irreps).dtype == np.float64
    assert project(f, irreps, ["sign"]).dtype == np.float64
    cyclic = GROUPS["C12"]
    assert power(drawn(cyclic).astype(np.float32), cyclic).dtype == np.float64


@pytest.mark.parametrize(
    "call", [project, lambda f, i, names: inverse_transform(dict.fromkeys(names, f[:1]), i)]
)
def test_unknown_names_are_refused(call):
    """Else a misspelt representation is silently left out."""
    with pytest.raises(ValueError, match="standrd"):
        call(np.ones(24), GROUPS["S4"], ["standrd"])


def test_nothing_to_invert_is_refused():
    """Else the inverse of no components is a number instead of a function."""
    with pytest.raises(ValueError, match="no components"):
        inverse_transform({}, GROUPS["S4"])


def test_identity_element_is_where_the_matrices_are_the_identity(irreps):
    """Else a transform is shifted by an element."""
    e = identity_element(irreps.table)
    for rep in irreps:
        np.testing.assert_allclose(rep.matrices[e], np.eye(rep.degree), atol=1e-12)
