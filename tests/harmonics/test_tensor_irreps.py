"""If these fail, representations of direct products are missing, doubled, or not split into real ones."""

import numpy as np
import pytest
from small_groups import TABLES, alternating, cyclic, direct_product, symmetric

from grokscope.harmonics.decompose import irreps_of_table
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.structure import (
    Alternating,
    Cyclic,
    Product,
    Structure,
    Symmetric,
    Unknown,
    make_irreps,
)

FACTORS: dict[str, tuple[np.ndarray, Structure]] = {
    "C3": (cyclic(3), Cyclic(np.arange(3))),
    "C4": (cyclic(4), Cyclic(np.arange(4))),
    "C5": (cyclic(5), Cyclic(np.arange(5))),
    "S3": (symmetric(3)[0], Symmetric(symmetric(3)[1])),
    "A4": (alternating(4)[0], Alternating(alternating(4)[1])),
    "Q8": (TABLES["Q8"], Unknown(TABLES["Q8"])),
    "SL2(3)": (TABLES["SL2(3)"], Unknown(TABLES["SL2(3)"])),
}


def product(*names):
    table, parts = FACTORS[names[0]][0], np.arange(len(FACTORS[names[0]][0]))[None]
    for name in names[1:]:
        table, (left, right) = direct_product(table, FACTORS[name][0])
        parts = np.concatenate([parts[:, left], right[None]])
    return make_irreps(table, Product(tuple(FACTORS[name][1] for name in names), parts))


@pytest.mark.parametrize(
    "names",
    [
        ("S3", "C4"),
        ("C4", "C5"),
        ("A4", "C3"),
        ("A4", "A4"),
        ("Q8", "S3"),
        ("Q8", "C5"),
        ("Q8", "Q8"),
        ("C3", "C4", "S3"),
        ("C3", "Q8", "C4"),
        ("SL2(3)", "C3"),
    ],
)
def test_products_against_the_table_alone(names):
    """Else outer products are not all the irreducible representations: the regular representation has the same ones."""
    found = product(*names)
    other = Irreps(found.table, irreps_of_table(found.table))
    inner = found.characters @ other.characters.T / found.order
    match = np.argmax(np.abs(inner), axis=1)
    assert sorted(match) == list(range(len(other)))
    for i, rep in enumerate(found):
        same = other.representations[match[i]]
        assert (rep.degree, rep.kind) == (same.degree, same.kind)
        np.testing.assert_allclose(rep.character, same.character, atol=1e-10)
        np.testing.assert_allclose(rep.basis.T @ rep.basis, same.basis.T @ same.basis, atol=1e-10)


def test_a_product_in_a_product():
    """Else factors that are products themselves are split with the wrong squares: (Q8 x Q8) x C3."""
    inner, inner_parts = direct_product(TABLES["Q8"], TABLES["Q8"])
    table, parts = direct_product(inner, cyclic(3))
    pair = Product((FACTORS["Q8"][1], FACTORS["Q8"][1]), inner_parts)
    nested = make_irreps(table, Product((pair, FACTORS["C3"][1]), parts))
    flat = product("Q8", "Q8", "C3")
    assert len(nested) == len(flat)
    inner_products = nested.characters @ flat.characters.T / nested.order
    dimensions = [len(rep.commutant) for rep in nested]
    np.testing.assert_allclose(np.abs(inner_products).max(1), dimensions, atol=1e-10)
    np.testing.assert_allclose(np.abs(inner_products).sum(1), dimensions, atol=1e-9)
    assert nested["4d x 4d x freq_1"].kind == "complex"


def test_two_cyclic_groups():
    """Else freq_j x freq_k is not a turn by w_j x + w_k y, or its starred partner not by w_j x - w_k y."""
    irreps = product("C4", "C5")
    x, y = np.divmod(np.arange(20), 5)
    for k in (1, 2):
        for star, sign in (("", 1), ("*", -1)):
            character = irreps[f"freq_1 x freq_{k}{star}"].character
            expected = 2 * np.cos(2 * np.pi * (x / 4 + sign * k * y / 5))
            np.testing.assert_allclose(character, expected, atol=1e-13)
    np.testing.assert_allclose(
        irreps["sign x freq_2"].character, 2 * (-1.0) ** x * np.cos(4 * np.pi * y / 5), atol=1e-13
    )


def test_three_cyclic_groups():
    """Else the complex structure of a split product turns the wrong way, and the stars of a third factor with it."""
    irreps = product("C3", "C4", "C5")
    x, y, z = np.unravel_index(np.arange(60), (3, 4, 5))
    assert len(irreps) == 31  # 60 characters over the complex numbers: two real, 58 in pairs
    for a, sign_y in (("", 1), ("*", -1)):
        for b, sign_z in (("", 1), ("*", -1)):
            character = irreps[f"freq_1 x freq_1{a} x freq_2{b}"].character
            expected = 2 * np.cos(2 * np.pi * (x / 3 + sign_y * y / 4 + 2 * sign_z * z / 5))
            np.testing.assert_allclose(character, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("names", "name", "kind", "degree"),
    [
        (("S3", "C4"), "standard x freq_1", "complex", 4),
        (("A4", "C3"), "a4_2d x freq_1", "complex", 2),
        (("A4", "C3"), "a4_2d x freq_1*", "complex", 2),
        (("Q8", "S3"), "4d x standard", "quaternionic", 8),
        (("Q8", "C5"), "4d x freq_1", "complex", 4),
        (("Q8", "Q8"), "4d x 4d", "real", 4),
    ],
)
def test_types_of_products(names, name, kind, degree):
    """Else the table of commutants in the documentation does not hold: R, C, H with one another."""
    rep = product(*names)[name]
    assert (rep.kind, rep.degree) == (kind, degree)


def test_the_factors_characters_multiply():
    """Else an outer product is not chi(g) chi(h) where it stays irreducible."""
    irreps = product("S3", "C4")
    first, second = (make_irreps(*FACTORS[name]) for name in ("S3", "C4"))
    i, j = np.divmod(np.arange(24), 4)
    for rho in first:
        for sigma in second:
            name = (
                "trivial" if rho.name == sigma.name == "trivial" else f"{rho.name} x {sigma.name}"
            )
            np.testing.assert_allclose(
                irreps[name].character, rho.character[i] * sigma.character[j], atol=1e-13
            )
