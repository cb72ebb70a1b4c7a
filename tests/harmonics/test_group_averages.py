"""If these fail, restricted loss and logit similarity of a group are of another projection than they say."""

import numpy as np
import pytest
from small_groups import TABLES, symmetric

from grokscope.harmonics.conjugacy import inverses
from grokscope.harmonics.group_averages import (
    character_cosines,
    irrep_projector,
    mean_by_product_of_grid,
)
from grokscope.harmonics.structure import Symmetric, make_irreps
from grokscope.harmonics.sum_projection import (
    counts_per_sum,
    mean_by_sum_of_grid,
    projector,
    total_by_sum,
)
from grokscope.harmonics.trig_share import trig_shares

S4 = make_irreps(symmetric(4)[0], Symmetric(symmetric(4)[1]))
GROUPS = {"S4": S4, "A4": make_irreps(TABLES["A4"]), "Q8": make_irreps(TABLES["Q8"])}


def cyclic_names(n, keys):
    return ["sign" if 2 * k == n else f"freq_{k}" for k in keys]


@pytest.mark.parametrize("name", GROUPS)
def test_means_by_product(name):
    """Else a mean over x . y = s takes in other pairs: every s, by brute force."""
    table = GROUPS[name].table
    n = len(table)
    grid = np.random.default_rng(0).standard_normal((n, n, 3))
    expected = [grid[table == s].mean(0) for s in range(n)]
    np.testing.assert_allclose(mean_by_product_of_grid(grid, table), expected, atol=1e-13)
    by_rows = total_by_sum(grid.reshape(n * n, 3), table.reshape(-1), n) / n
    np.testing.assert_allclose(by_rows, expected, atol=1e-13)


def test_float32_means_are_summed_in_float64():
    """Else the mean of 720 float32 logits is not the mean of these numbers."""
    grid = np.random.default_rng(0).standard_normal((24, 24, 2)).astype(np.float32)
    found = mean_by_product_of_grid(grid, S4.table)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, mean_by_product_of_grid(grid.astype(np.float64), S4.table), atol=1e-15
    )


@pytest.mark.parametrize("n", [3, 4, 7, 8])
@pytest.mark.parametrize("constant", [False, True])
def test_on_cyclic_groups_it_is_the_sum_projection(n, constant):
    """Else the group measures on C_n are not the cyclic ones: means, projectors on all rows, on some, on too few."""
    table = np.add.outer(np.arange(n), np.arange(n)) % n
    irreps = make_irreps(table)
    rng = np.random.default_rng(n)
    grid = rng.standard_normal((n, n, 4))
    np.testing.assert_allclose(
        mean_by_product_of_grid(grid, table), mean_by_sum_of_grid(grid), atol=1e-13
    )
    keys = [1, n // 2] if n > 3 else [1]
    names = cyclic_names(n, keys)
    np.testing.assert_allclose(
        irrep_projector(irreps, names, constant=constant),
        projector(n, keys, constant=constant),
        atol=1e-12,
    )
    for size in (2, n // 2 + 1, n * n // 2, n * n):
        rows = rng.choice(n * n, size=size, replace=False)
        counts = counts_per_sum(table.reshape(-1)[rows], n)
        np.testing.assert_allclose(
            irrep_projector(irreps, names, counts, constant),
            projector(n, keys, counts, constant),
            atol=1e-10,
        )


@pytest.mark.parametrize("n", [3, 4, 7, 8])
def test_on_cyclic_groups_squared_cosines_are_trig_shares(n):
    """Else logit similarity on C_n has another scale than the share of cos w_k(x + y - c)."""
    table = np.add.outer(np.arange(n), np.arange(n)) % n
    irreps = make_irreps(table)
    rng = np.random.default_rng(n)
    rows = rng.choice(n * n, size=n * n - 2, replace=False)
    logits, sums = rng.standard_normal((len(rows), n)), table.reshape(-1)[rows]
    cosines = character_cosines(logits, sums, irreps)
    at = irreps.index(cyclic_names(n, range(1, n // 2 + 1)))
    np.testing.assert_allclose(cosines[at] ** 2, trig_shares(logits, sums), atol=1e-12)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_projector_by_explicit_least_squares(name, share):
    """Else the n-by-n shortcut is not the fit over rows: all entries of rho(x . y) as columns, dependent ones too."""
    irreps = GROUPS[name]
    n, table = irreps.order, irreps.table.reshape(-1)
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(n * n, size=int(share * n * n), replace=False))
    values = rng.standard_normal((len(rows), 3))
    counts = counts_per_sum(table[rows], n)
    means = total_by_sum(values, table[rows], n) / np.maximum(counts, 1)[:, None]
    for rep in irreps:
        design = rep.matrices.reshape(n, -1)[table]
        fit = np.linalg.lstsq(design[rows], values, rcond=1e-10)[0]
        found = irrep_projector(irreps, [rep.name], counts) @ means
        np.testing.assert_allclose(found[table], design @ fit, atol=1e-9)


@pytest.mark.parametrize("name", GROUPS)
def test_projectors_are_orthogonal_and_of_the_right_rank(name):
    """Else arbitrary directions are mixed in where the entries are dependent (complex and quaternionic type)."""
    irreps = GROUPS[name]
    whole = np.zeros((irreps.order,) * 2)
    for rep in irreps:
        h = irrep_projector(irreps, [rep.name])
        np.testing.assert_allclose(h, h.T, atol=1e-12)
        np.testing.assert_allclose(h @ h, h, atol=1e-12)
        assert np.trace(h) == pytest.approx(rep.rank, abs=1e-10)
        entries = rep.matrices.reshape(irreps.order, -1)
        np.testing.assert_allclose(h @ entries, entries, atol=1e-10)
        whole += h
    np.testing.assert_allclose(whole, np.eye(irreps.order), atol=1e-11)
    twice = irrep_projector(irreps, [irreps.names[1]] * 2)
    np.testing.assert_allclose(twice, irrep_projector(irreps, [irreps.names[1]]), atol=1e-14)


def test_constant_and_no_names():
    """Else the empty key, or a constant that is asked for twice, breaks the fit."""
    n = S4.order
    np.testing.assert_array_equal(irrep_projector(S4, []), np.zeros((n, n)))
    np.testing.assert_array_equal(irrep_projector(S4, [], np.ones(n)), np.zeros((n, n)))
    mean = np.full((n, n), 1 / n)
    np.testing.assert_allclose(irrep_projector(S4, [], constant=True), mean, atol=1e-13)
    np.testing.assert_allclose(irrep_projector(S4, ["trivial"], constant=True), mean, atol=1e-13)
    np.testing.assert_array_equal(irrep_projector(S4, ["sign"], np.zeros(n)), np.zeros((n, n)))


@pytest.mark.parametrize("name", GROUPS)
def test_cosines_by_their_definition(name):
    """Else logit similarity is not the cosine with chi(x . y . c^-1): written out whole, with some rows missing."""
    irreps = GROUPS[name]
    n, table, inverse = irreps.order, irreps.table, inverses(irreps.table)
    rng = np.random.default_rng(2)
    rows = rng.choice(n * n, size=n * n - 5, replace=False)
    product = table.reshape(-1)[rows]
    logits = rng.standard_normal((len(rows), n)) + 50 * rng.standard_normal((len(rows), 1))
    found = character_cosines(logits, product, irreps)
    centred = logits - logits.mean(1, keepdims=True)
    for i, rep in enumerate(irreps):
        direction = rep.character[table[product][:, inverse]]
        expected = (centred * direction).sum() / np.linalg.norm(centred) / np.linalg.norm(direction)
        assert found[i] == pytest.approx(expected, abs=1e-12)


def test_planted_characters():
    """Else a model that answers by 3 chi_standard + 4 chi_sign (lengths 3 and 4) does not show these."""
    table, inverse = S4.table, inverses(S4.table)
    product = table.reshape(-1)
    chi = 3 * S4["standard"].character + 4 * S4["sign"].character
    logits = chi[table[product][:, inverse]] + np.random.default_rng(0).standard_normal((576, 1))
    found = dict(zip(S4.names, character_cosines(logits, product, S4), strict=True))
    assert found == pytest.approx(
        {"trivial": 0, "sign": 0.8, "standard": 0.6, "standard_sign": 0, "s4_2d": 0}, abs=1e-12
    )


def test_constant_rows_have_no_cosine():
    """Else logits that say nothing divide by 0."""
    logits = np.ones((576, 24))
    assert np.isnan(character_cosines(logits, S4.table.reshape(-1), S4)).all()
