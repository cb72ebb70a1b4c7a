"""If these fail, the share of a neuron that a representation explains is another one than it says."""

import numpy as np
import pytest
from small_groups import TABLES, symmetric

from grokscope.harmonics import neuron_irreps
from grokscope.harmonics.grid_sums import grid_sums
from grokscope.harmonics.neuron_fractions import neuron_fractions
from grokscope.harmonics.neuron_irreps import neuron_irrep_fractions, neuron_part_energies
from grokscope.harmonics.structure import Symmetric, make_irreps

GROUPS = {
    "S4": make_irreps(symmetric(4)[0], Symmetric(symmetric(4)[1])),
    "A4": make_irreps(TABLES["A4"]),
    "Q8": make_irreps(TABLES["Q8"]),
}


def neurons(n, count=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, n, count)) + 2


def parts_of(h, irreps):
    sums = grid_sums(h, irreps.table)
    return neuron_part_energies(sums, irreps), sums.energy


def explained(design, column):
    fit = design @ np.linalg.lstsq(design, column, rcond=None)[0]
    return np.square(fit).sum(0)


@pytest.mark.parametrize("name", GROUPS)
def test_blocks_by_least_squares(name):
    """Else a block leaves out products of entries, or counts dependent ones twice (complex and quaternionic types)."""
    irreps, h = GROUPS[name], neurons(GROUPS[name].order)
    n = irreps.order
    centred = (h - h.mean((0, 1))).reshape(n * n, -1)
    found = neuron_irrep_fractions(h, irreps)
    assert (found[0] == 0).all()
    assert (found.sum(0) <= 1 + 1e-12).all()
    for rep, shares in list(zip(irreps, found, strict=True))[1:]:
        if rep.degree > 3:
            continue
        factor = np.column_stack([np.ones(n), rep.matrices.reshape(n, -1)])
        design = np.einsum("xi,yj->xyij", factor, factor).reshape(n * n, -1)
        expected = explained(design, centred) / np.square(centred).sum(0)
        np.testing.assert_allclose(shares, expected, atol=1e-10, err_msg=rep.name)


@pytest.mark.parametrize("name", GROUPS)
def test_parts_by_least_squares(name):
    """Else the energy on rho(x), rho(y) or rho(x . y) is that of other functions, or they are not inside the block."""
    irreps, h = GROUPS[name], neurons(GROUPS[name].order)
    n = irreps.order
    centred = (h - h.mean((0, 1))).reshape(n * n, -1)
    x, y = np.divmod(np.arange(n * n), n)
    energies, total = parts_of(h, irreps)
    np.testing.assert_allclose(total, np.square(centred).sum(0), rtol=1e-12)
    for i, rep in list(enumerate(irreps))[1:]:
        for part, element in enumerate((x, y, irreps.table[x, y])):
            design = rep.matrices[element].reshape(n * n, -1)
            expected = explained(design, centred)
            np.testing.assert_allclose(energies[part, i], expected, atol=1e-9, err_msg=rep.name)
    np.testing.assert_allclose(energies[:, 0], 0, atol=1e-9)
    assert (energies.sum(0) / total <= neuron_irrep_fractions(h, irreps) + 1e-12).all()


@pytest.mark.parametrize("n", [3, 7, 8])
def test_on_cyclic_groups_it_is_the_block_of_frequencies(n):
    """Else the same neuron of the same group is explained differently by its frequency and by its representation."""
    irreps = make_irreps(np.add.outer(np.arange(n), np.arange(n)) % n)
    h = neurons(n, seed=n)
    names = ["sign" if 2 * k == n else f"freq_{k}" for k in range(1, n // 2 + 1)]
    found = neuron_irrep_fractions(h, irreps)[irreps.index(names)]
    np.testing.assert_allclose(found, neuron_fractions(h), atol=1e-12)


def test_a_function_of_the_product_alone():
    """Else chi(x . y) is not wholly on rho(x . y): shares 1 and 0."""
    irreps = GROUPS["S4"]
    h = irreps["standard"].character[irreps.table][:, :, None] + 3.0
    energies, total = parts_of(h, irreps)
    at = irreps.names.index("standard")
    np.testing.assert_allclose(energies[2, at] / total, 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.delete(energies.sum((0, 2)), at), 0.0, atol=1e-10)
    np.testing.assert_allclose(neuron_irrep_fractions(h, irreps)[at], 1.0, rtol=1e-12)


def test_dead_neurons_and_single_precision():
    """Else a constant neuron has a representation, or float32 activations another one than float64."""
    h = neurons(24)
    h[:, :, 1] = 1234.567
    double = neuron_irrep_fractions(h, GROUPS["S4"])
    single = neuron_irrep_fractions(h.astype(np.float32), GROUPS["S4"])
    assert np.isnan(double[:, 1]).all()
    assert np.isnan(single[:, 1]).all()
    np.testing.assert_allclose(single, double, atol=1e-5)


def test_many_neurons_are_taken_in_turn(monkeypatch):
    """Else a large group needs copies of all activations at once, or what is split is put together in another order."""
    h = neurons(24, count=7)
    whole = neuron_irrep_fractions(h, GROUPS["S4"]), parts_of(h, GROUPS["S4"])
    monkeypatch.setattr(neuron_irreps, "ENTRIES_AT_ONCE", 3 * 24 * 24)
    np.testing.assert_allclose(neuron_irrep_fractions(h, GROUPS["S4"]), whole[0], rtol=1e-12)
    for found, expected in zip(parts_of(h, GROUPS["S4"]), whole[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
