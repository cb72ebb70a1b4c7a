"""If these fail, what is called a representation is none, or Plancherel and projections have the wrong weights."""

import numpy as np
import pytest
from small_groups import TABLES, alternating, dihedral, direct_product, shuffled, symmetric

from grokscope.harmonics.conjugacy import conjugacy_classes, generating_set, inverses
from grokscope.harmonics.decompose import irreps_of_table
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.representations import commutant_dimension
from grokscope.harmonics.structure import (
    Alternating,
    Cyclic,
    Dihedral,
    Product,
    Symmetric,
    Unknown,
    make_irreps,
)

PRODUCTS = {
    "Q8xC3": ("Q8", "C7"),
    "Q8xQ8": ("Q8", "Q8"),
    "A4xC7": ("A4", "C7"),
    "SL2(3)xC2": ("SL2(3)", "C2"),
}


def of_product(first, second):
    table, parts = direct_product(TABLES[first], TABLES[second])
    return make_irreps(table, Product((Unknown(TABLES[first]), Unknown(TABLES[second])), parts))


def of_turns(n):
    table, elements = dihedral(n)
    return make_irreps(table, Dihedral(elements[:, 0], elements[:, 1]))


MAKE = {
    **{f"{name} by table": lambda t=table: Irreps(t, irreps_of_table(t)) for name, table in TABLES.items()},
    "C12": lambda: make_irreps(TABLES["C12"]),
    "C7": lambda: make_irreps(TABLES["C7"]),
    "D4": lambda: of_turns(4),
    "D9": lambda: of_turns(9),
    "S4": lambda: make_irreps(symmetric(4)[0], Symmetric(symmetric(4)[1])),
    "S5": lambda: make_irreps(symmetric(5)[0], Symmetric(symmetric(5)[1])),
    "A3": lambda: make_irreps(alternating(3)[0], Alternating(alternating(3)[1])),
    "A4": lambda: make_irreps(alternating(4)[0], Alternating(alternating(4)[1])),
    "A5": lambda: make_irreps(alternating(5)[0], Alternating(alternating(5)[1])),
    **{name: lambda f=factors: of_product(*f) for name, factors in PRODUCTS.items()},
}  # fmt: skip


@pytest.fixture(scope="module", params=MAKE)
def irreps(request):
    return MAKE[request.param]()


def test_products_go_to_products(irreps):
    """Else rho(x . y) is not rho(x) rho(y): all generators with all elements, and random pairs."""
    n, table = irreps.order, irreps.table
    x, y = np.random.default_rng(0).integers(0, n, (2, 300))
    for rep in irreps:
        np.testing.assert_allclose(
            rep.matrices[table[x, y]], rep.matrices[x] @ rep.matrices[y], atol=1e-11
        )
        for g in generating_set(table):
            product = rep.matrices @ rep.matrices[g]
            np.testing.assert_allclose(rep.matrices[table[:, g]], product, atol=1e-11)


def test_matrices_are_orthogonal(irreps):
    """Else rho(g^-1) is not the transpose, and projections are not orthogonal."""
    inverse = inverses(irreps.table)
    for rep in irreps:
        transposed = rep.matrices.swapaxes(1, 2)
        np.testing.assert_allclose(rep.matrices[inverse], transposed, atol=1e-11)
        eye = np.tile(np.eye(rep.degree), (irreps.order, 1, 1))
        np.testing.assert_allclose(rep.matrices @ transposed, eye, atol=1e-11)


def test_orthogonality_of_entries(irreps):
    """Else the relation of the documentation does not hold, for some type: every pair of entries, to 1e-10."""
    for i, rep in enumerate(irreps):
        d, j = rep.degree, rep.commutant
        found = np.einsum("gij,gkl->ijkl", rep.matrices, rep.matrices) / irreps.order
        expected = np.einsum("mik,mjl->ijkl", j, j) / d
        np.testing.assert_allclose(found, expected, atol=1e-10)
        for other in irreps.representations[:i]:
            cross = rep.matrices.reshape(irreps.order, -1).T @ other.matrices.reshape(
                irreps.order, -1
            )
            np.testing.assert_allclose(cross / irreps.order, 0, atol=1e-10)


def test_commutant(irreps):
    """Else the J_m do not commute, are no field's units, or there are more: means of rho X rho^T lie in their span."""
    rng = np.random.default_rng(1)
    for rep in irreps:
        c, d = rep.commutant.shape[:2]
        for j in rep.commutant:
            np.testing.assert_allclose(rep.matrices @ j, j @ rep.matrices, atol=1e-11)
            np.testing.assert_allclose(j @ j.T, np.eye(d), atol=1e-11)
        products = np.einsum("aij,bij->ab", rep.commutant, rep.commutant) / d
        np.testing.assert_allclose(products, np.eye(c), atol=1e-11)
        np.testing.assert_allclose(rep.commutant[1:].swapaxes(1, 2), -rep.commutant[1:], atol=1e-11)
        if c == 4:
            one, i, j, k = rep.commutant
            np.testing.assert_allclose(i @ j, k, atol=1e-11)
            np.testing.assert_allclose(j @ i, -k, atol=1e-11)
        drawn = rng.standard_normal((d, d))
        mean = (rep.matrices @ drawn @ rep.matrices.swapaxes(1, 2)).mean(0)
        along = np.einsum("mij,ij->m", rep.commutant, drawn) / d
        np.testing.assert_allclose(mean, np.tensordot(along, rep.commutant, 1), atol=1e-11)


def test_frobenius_and_schur(irreps):
    """Else real, complex and quaternionic are confused: the indicator by its definition, and the norm."""
    squares = np.diag(irreps.table)
    expected = {"real": (1, 1), "complex": (2, 0), "quaternionic": (4, -2)}
    for rep in irreps:
        norm = np.square(rep.character).mean()
        indicator = rep.character[squares].mean()
        assert (norm, indicator) == pytest.approx(expected[rep.kind], abs=1e-10)


def test_counts(irreps):
    """Else a representation is missing or there twice."""
    table = irreps.table
    classes = conjugacy_classes(table)
    degrees = [d for rep in irreps for d in rep.complex_degrees]
    assert sum(d**2 for d in degrees) == irreps.order
    assert len(degrees) == classes.max() + 1
    # Real ones: as many as classes, when a class and that of the inverses are one.
    both = {frozenset((int(c), int(classes[inverses(table)[x]]))) for x, c in enumerate(classes)}
    assert len(irreps) == len(both)
    assert sum(rep.rank for rep in irreps) == irreps.order
    assert len(set(irreps.names)) == len(irreps)
    assert irreps.names[0] == "trivial"
    assert (irreps["trivial"].matrices == 1).all() or irreps["trivial"].matrices == pytest.approx(1)


def test_basis_is_orthonormal_and_spans_the_entries(irreps):
    """Else Plancherel fails, or a basis of the wrong rank adds arbitrary directions (as plain QR did in print)."""
    basis = irreps.basis
    assert basis.dtype == np.float64
    np.testing.assert_allclose(basis @ basis.T, np.eye(irreps.order), atol=1e-10)
    for i, rep in enumerate(irreps):
        entries = rep.matrices.reshape(irreps.order, -1)
        assert (
            np.linalg.matrix_rank(entries, tol=1e-8)
            == rep.rank
            == rep.degree**2 // len(rep.commutant)
        )
        np.testing.assert_allclose(rep.basis.T @ (rep.basis @ entries), entries, atol=1e-10)
        np.testing.assert_array_equal(basis[irreps.irrep_of_component == i], rep.basis)


def test_real_type_basis_is_the_normalised_entries(irreps):
    """Else components of the usual case are in another basis than sqrt(d/n) rho_ij, i fastest."""
    for rep in irreps:
        if rep.kind == "real":
            entries = rep.matrices.transpose(2, 1, 0).reshape(rep.rank, -1)
            expected = np.sqrt(rep.degree / irreps.order) * entries
            np.testing.assert_allclose(rep.basis, expected, atol=1e-14)


def test_characters_are_class_functions(irreps):
    """Else the character table depends on which element of a class is looked at."""
    at = irreps.character_table[:, irreps.classes]
    np.testing.assert_allclose(at, irreps.characters, atol=1e-10)


@pytest.mark.parametrize("name", ["S4", "Q8xC3", "A4"])
def test_a_sum_of_representations_is_not_taken_for_irreducible(name):
    """Else decompositions stop too early: sums of two, equal and different, of all types."""
    irreps = MAKE[f"{name} by table"]()
    squares = np.diag(irreps.table)
    for rep in irreps:
        assert commutant_dimension(rep.character, squares) == len(rep.commutant)
        for other in irreps:
            assert commutant_dimension(rep.character + other.character, squares) is None
    assert commutant_dimension(0.7 * irreps.characters[1], squares) is None


@pytest.mark.parametrize("name", TABLES)
def test_another_order_of_elements(name):
    """Else a result depends on how the elements are listed: characters and bases of the shuffled table."""
    table = TABLES[name]
    first = Irreps(table, irreps_of_table(table))
    other, order = shuffled(table, 5)
    second = Irreps(other, irreps_of_table(other))
    inner = second.characters @ first.characters[:, order].T / len(table)
    dimension = np.array([len(rep.commutant) for rep in second])
    assert (np.abs(inner - dimension[:, None]) < 1e-9).sum(0).tolist() == [1] * len(first)
    match = np.argmax(inner, axis=1)
    for i, rep in enumerate(second):
        same = first.representations[match[i]]
        projector = rep.basis.T @ rep.basis
        np.testing.assert_allclose(
            projector, (same.basis.T @ same.basis)[np.ix_(order, order)], atol=1e-10
        )


def test_structures_hold_in_any_order_of_elements():
    """Else exponents, turns and permutations are taken by position instead of by what they say."""
    table, order = shuffled(TABLES["C12"], 0)
    assert make_irreps(table, Cyclic(order)).names[-1] == "freq_5"
    table, order = shuffled(dihedral(9)[0], 0)
    assert make_irreps(table, Dihedral(*dihedral(9)[1][order].T))["freq_4"].degree == 2
    table, order = shuffled(symmetric(4)[0], 0)
    assert make_irreps(table, Symmetric(symmetric(4)[1][order]))["s4_2d"].label == "(2, 2)"
    table, order = shuffled(alternating(5)[0], 0)
    plain = make_irreps(alternating(5)[0], Alternating(alternating(5)[1]))
    other = make_irreps(table, Alternating(alternating(5)[1][order]))
    assert other.names == plain.names
    np.testing.assert_allclose(other.characters, plain.characters[:, order], atol=1e-12)


@pytest.mark.parametrize(
    ("table", "structure"),
    [
        (TABLES["C12"], Cyclic(np.arange(12)[::-1].copy())),
        (TABLES["C12"], Cyclic(np.zeros(12, dtype=np.int64))),
        (TABLES["C12"], Cyclic(np.arange(11))),
        (TABLES["Q8"], Dihedral(np.tile(np.arange(4), 2), np.repeat([0, 1], 4))),
        (shuffled(TABLES["S4"], 2)[0], Symmetric(symmetric(4)[1])),
        # y first, then x: the characters are the same, the matrices are not.
        (TABLES["S4"].T.copy(), Symmetric(symmetric(4)[1])),
        (TABLES["C2xC2"], Unknown(cyclic_four := np.add.outer(np.arange(4), np.arange(4)) % 4)),
    ],
)
def test_a_structure_of_another_group_is_refused(table, structure):
    """Else spectra are on the wrong axes without a word: the structure must be the table's."""
    with pytest.raises(ValueError, match="structure|matrices") as caught:
        make_irreps(table, structure)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_refused_with_the_nearest():
    """Else a misspelt representation ends in a traceback from deep inside."""
    irreps = make_irreps(TABLES["C12"])
    with pytest.raises(ValueError, match="did you mean 'freq_3'"):
        irreps["freq3"]
    assert irreps["freq_3"].name == "freq_3"
