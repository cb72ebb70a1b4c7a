"""If these fail, a group without a known structure is taken apart wrongly, or only to the digits of a random matrix."""

import numpy as np
import pytest
from small_groups import TABLES, direct_product, shuffled

from grokscope.harmonics import decompose
from grokscope.harmonics.conjugacy import generating_set, identity_element, inverses
from grokscope.harmonics.decompose import distinct_parts, irreducible_part, irreps_of_table
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.structure import make_irreps

KINDS = {
    "C2xC2": "1r 1r 1r 1r",
    "C4xC4": "1r 1r 1r 1r 2c 2c 2c 2c 2c 2c",
    "D4": "1r 1r 1r 1r 2r",
    "D5": "1r 1r 2r 2r",
    "S4": "1r 1r 2r 3r 3r",
    "S5": "1r 1r 4r 4r 5r 5r 6r",
    "A5": "1r 3r 3r 4r 5r",
    "Q8": "1r 1r 1r 1r 4q",
    "Q12": "1r 1r 2c 2r 4q",
    "Q20": "1r 1r 2c 2r 2r 4q 4q",
    "F20": "1r 1r 2c 4r",
    "F21": "1r 2c 6c",
    "SL2(5)": "1r 3r 3r 4r 4q 4q 5r 8q 12q",
}


@pytest.mark.parametrize("name", KINDS)
def test_degrees_and_types(name):
    """Else a group of the textbooks has other representations: binary icosahedral, dicyclic, Frobenius groups."""
    found = [f"{rep.degree}{rep.kind[0]}" for rep in irreps_of_table(TABLES[name])]
    assert sorted(found) == sorted(KINDS[name].split())


@pytest.mark.parametrize("name", ["C4xC4", "D4", "Q12"])
def test_degree_1_is_exact(name):
    """Else signs carry the rounding of eigenvectors: they must be 1 and -1 to the bit."""
    for rep in irreps_of_table(TABLES[name]):
        if rep.degree == 1:
            assert set(rep.matrices.reshape(-1)) <= {1.0, -1.0}


def test_twice_the_same():
    """Else results depend on the state of some random generator."""
    first, second = irreps_of_table(TABLES["SL2(3)"]), irreps_of_table(TABLES["SL2(3)"])
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.matrices, b.matrices)
        assert a.name == b.name


@pytest.mark.parametrize("seed", range(5))
def test_other_random_numbers(seed, monkeypatch):
    """Else the decomposition holds by luck: other seeds must give the same spaces."""
    table = TABLES["SL2(3)"]
    expected = Irreps(table, irreps_of_table(table))
    monkeypatch.setattr(decompose, "SEED", 100 + seed)
    for rep in irreps_of_table(table):
        same = expected[rep.name].basis
        np.testing.assert_allclose(rep.basis.T @ rep.basis, same.T @ same, atol=1e-11)


def test_near_eigenvalues_are_split_again(monkeypatch):
    """Else eigenvalues that lie close merge two representations into one: here all that differ by less than a tenth."""
    monkeypatch.setattr(decompose, "GAP", 0.1)
    for name in ("C4xC4", "S4", "Q20"):
        found = [f"{rep.degree}{rep.kind[0]}" for rep in irreps_of_table(TABLES[name])]
        assert sorted(found) == sorted(KINDS[name].split())


def test_operators_that_do_not_commute_are_noticed():
    """Else a wrong operator gives wrong spaces without a word, or no end."""
    table = TABLES["S3"]
    regular = np.eye(6)[table[inverses(table)]]

    def character(vectors):
        return np.einsum("gij,ik,jk->g", regular, vectors, vectors)

    def operator(rng):
        drawn = rng.standard_normal((6, 6))
        return drawn + drawn.T

    with pytest.raises(AssertionError, match="do not commute"):
        distinct_parts(np.eye(6), operator, character, np.diag(table))


@pytest.mark.parametrize("name", ["S4", "Q20", "C4xC4"])
def test_a_mixed_eigenspace_is_made_invariant(name):
    """Else eigenvectors of near eigenvalues leave errors of 1e-6: they must come down to rounding."""
    table = TABLES[name]
    n, rng = len(table), np.random.default_rng(0)
    generators, inverse = generating_set(table), inverses(table)
    for rep in irreps_of_table(table):
        # One copy in the functions on the group: (L(g) f)(x) = f(g^-1 x) on the entries of one column.
        exact = np.linalg.qr(rep.matrices[:, :, 0])[0]
        mixed = np.linalg.qr(exact + 1e-6 * rng.standard_normal(exact.shape))[0]
        found = decompose._invariant(
            mixed, table, generators, table[inverse], identity_element(table), inverse
        )
        np.testing.assert_allclose(found.T @ found, np.eye(rep.degree), atol=1e-12)
        for g in range(n):
            moved = found[table[g]]
            np.testing.assert_allclose(moved, found @ (found.T @ moved), atol=1e-11)
        before = max(
            np.abs(mixed[table[g]] - mixed @ (mixed.T @ mixed[table[g]])).max() for g in range(n)
        )
        assert rep.degree == 1 or before > 1e-8


@pytest.mark.parametrize("name", ["S4", "SL2(3)"])
def test_a_multiple_of_one_representation(name):
    """Else three copies in a random basis are not brought back to one."""
    table = TABLES[name]
    for rep in irreps_of_table(table):
        d = rep.degree
        basis = np.linalg.qr(np.random.default_rng(d).standard_normal((3 * d, 3 * d)))[0]
        triple = basis.T @ np.kron(np.eye(3), rep.matrices) @ basis
        matrices, commutant = irreducible_part(triple, np.diag(table))
        assert matrices.shape[1] == d
        assert len(commutant) == len(rep.commutant)
        character = np.trace(matrices, axis1=1, axis2=2)
        np.testing.assert_allclose(character, rep.character, atol=1e-11)
        np.testing.assert_allclose(matrices[table], matrices[:, None] @ matrices[None], atol=1e-10)


def test_a_table_is_taken_apart_once(monkeypatch):
    """Else every measure that asks for the representations of a group pays for them again."""
    table, _ = shuffled(direct_product(TABLES["Q8"], TABLES["C7"])[0], 9)
    first = make_irreps(table)
    monkeypatch.setattr("grokscope.harmonics.structure.irreps_of_table", None)
    second = make_irreps(table.copy())
    assert first.representations == second.representations
