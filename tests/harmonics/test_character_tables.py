"""If these fail, a name stands for another representation: character tables as they stand in the textbooks.

Sources: Serre, Linear Representations of Finite Groups, chapter 5; James and Liebeck, Representations and Characters of
Groups; Isaacs, Character Theory. Classes are told apart by cycle type, or by a representative.
"""

import numpy as np
import pytest
from small_groups import (
    TABLES,
    alternating,
    cycle_type,
    dihedral,
    quaternions,
    special_linear,
    symmetric,
)

from grokscope.harmonics.conjugacy import element_orders
from grokscope.harmonics.structure import Alternating, Dihedral, Symmetric, make_irreps

PHI = (1 + 5**0.5) / 2

S3 = {
    "classes": [(1, 1, 1), (2, 1), (3,)],
    "trivial": [1, 1, 1],
    "sign": [1, -1, 1],
    "standard": [2, 0, -1],
}
S4 = {
    "classes": [(1, 1, 1, 1), (2, 1, 1), (2, 2), (3, 1), (4,)],
    "trivial": [1, 1, 1, 1, 1],
    "sign": [1, -1, 1, 1, -1],
    "standard": [3, 1, -1, 0, -1],
    "standard_sign": [3, -1, -1, 0, 1],
    "s4_2d": [2, 0, 2, -1, 0],
}
S5 = {
    "classes": [(1, 1, 1, 1, 1), (2, 1, 1, 1), (2, 2, 1), (3, 1, 1), (3, 2), (4, 1), (5,)],
    "trivial": [1, 1, 1, 1, 1, 1, 1],
    "sign": [1, -1, 1, 1, -1, -1, 1],
    "standard": [4, 2, 0, 1, -1, 0, -1],
    "standard_sign": [4, -2, 0, 1, 1, 0, -1],
    "s5_5d_a": [5, -1, 1, -1, -1, 1, 0],
    "s5_5d_b": [5, 1, 1, -1, 1, -1, 0],
    "s5_6d": [6, 0, -2, 0, 0, 0, 1],
}
# psi + conj(psi) of the two of degree 1: 2 and twice cos 120 degrees.
A4 = {
    "classes": [(1, 1, 1, 1), (2, 2), (3, 1)],
    "trivial": [1, 1, 1],
    "standard": [3, -1, 0],
    "a4_2d": [2, 2, -1],
}


@pytest.mark.parametrize(
    ("expected", "made", "structure", "n"),
    [
        (S3, symmetric, Symmetric, 3),
        (S4, symmetric, Symmetric, 4),
        (S5, symmetric, Symmetric, 5),
        (A4, alternating, Alternating, 4),
    ],
)
def test_permutation_groups(expected, made, structure, n):
    """Else S3, S4, S5 or A4 has another table than the textbook's, by cycle type."""
    table, points = made(n)
    irreps = make_irreps(table, structure(points))
    types = [cycle_type(p) for p in points.tolist()]
    names = [name for name in expected if name != "classes"]
    assert list(irreps.names) == names
    for name in names:
        wanted = dict(zip(expected["classes"], expected[name], strict=True))
        np.testing.assert_allclose(irreps[name].character, [wanted[t] for t in types], atol=1e-12)


def test_alternating_5():
    """Else A5 is not the icosahedron's: 3a has the golden ratio at (0 1 2 3 4), 3b has it at the square of that."""
    table, points = alternating(5)
    irreps = make_irreps(table, Alternating(points))
    number = {tuple(p): i for i, p in enumerate(points.tolist())}
    turn = number[1, 2, 3, 4, 0]
    at = [
        number[0, 1, 2, 3, 4],
        number[1, 0, 3, 2, 4],
        number[1, 2, 0, 3, 4],
        turn,
        int(table[turn, turn]),
    ]
    expected = {
        "trivial": [1, 1, 1, 1, 1],
        "standard": [4, 0, 1, -1, -1],
        "a5_3d_a": [3, -1, 0, PHI, 1 - PHI],
        "a5_3d_b": [3, -1, 0, 1 - PHI, PHI],
        "a5_5d_a": [5, 1, -1, 0, 0],
    }
    assert list(irreps.names) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(irreps[name].character[at], values, atol=1e-12)
    assert len(set(irreps.classes[at])) == 5
    assert {rep.kind for rep in irreps} == {"real"}


def test_dihedral_4():
    """Else D4 has other signs than the words say: classes e, r^2, r, s, r s."""
    table, elements = dihedral(4)
    irreps = make_irreps(table, Dihedral(*elements.T))
    number = {tuple(x): i for i, x in enumerate(elements.tolist())}
    at = [number[x] for x in ((0, 0), (2, 0), (1, 0), (0, 1), (1, 1))]
    expected = {
        "trivial": [1, 1, 1, 1, 1],
        "sign": [1, 1, 1, -1, -1],
        "sign_r": [1, 1, -1, 1, -1],
        "sign_rs": [1, 1, -1, -1, 1],
        "freq_1": [2, -2, 0, 0, 0],
    }
    assert list(irreps.names) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(irreps[name].character[at], values, atol=1e-12)


def test_dihedral_5():
    """Else freq_k of D5 does not turn r by 2 pi k / 5: traces 2 cos 72 and 2 cos 144 degrees, by the golden ratio."""
    table, elements = dihedral(5)
    irreps = make_irreps(table, Dihedral(*elements.T))
    number = {tuple(x): i for i, x in enumerate(elements.tolist())}
    at = [number[x] for x in ((0, 0), (1, 0), (2, 0), (0, 1))]
    expected = {
        "trivial": [1, 1, 1, 1],
        "sign": [1, 1, 1, -1],
        "freq_1": [2, PHI - 1, -PHI, 0],
        "freq_2": [2, -PHI, PHI - 1, 0],
    }
    assert list(irreps.names) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(irreps[name].character[at], values, atol=1e-12)


def test_quaternions():
    """Else Q8, by its table alone, is taken for D4, which has the same complex character table: 2 psi, of type H."""
    irreps = make_irreps(quaternions())
    assert sorted((rep.degree, rep.kind) for rep in irreps) == [(1, "real")] * 4 + [
        (4, "quaternionic")
    ]
    big = irreps["4d"]
    # 1, -1, i, -i, j, -j, k, -k
    np.testing.assert_allclose(big.character, [4, -4, 0, 0, 0, 0, 0, 0], atol=1e-12)
    small = {tuple(np.rint(rep.character).astype(int)) for rep in irreps if rep.degree == 1}
    assert small == {
        (1, 1, 1, 1, 1, 1, 1, 1),
        (1, 1, 1, 1, -1, -1, -1, -1),
        (1, 1, -1, -1, 1, 1, -1, -1),
        (1, 1, -1, -1, -1, -1, 1, 1),
    }


def test_special_linear_group_modulo_3():
    """Else a group with all three types goes wrong: SL(2, 3), by element orders 1, 2, 3, 4, 6."""
    irreps = make_irreps(special_linear(3))
    orders = element_orders(special_linear(3))
    expected = {
        # psi + conj(psi) of degree 1; the quotient A4; 2 psi; psi + conj(psi) of degree 2
        ("complex", 2): {1: 2, 2: 2, 3: -1, 4: 2, 6: -1},
        ("real", 1): {1: 1, 2: 1, 3: 1, 4: 1, 6: 1},
        ("real", 3): {1: 3, 2: 3, 3: 0, 4: -1, 6: 0},
        ("quaternionic", 4): {1: 4, 2: -4, 3: -2, 4: 0, 6: 2},
        ("complex", 4): {1: 4, 2: -4, 3: 1, 4: 0, 6: -1},
    }
    assert len(irreps) == len(expected)
    for rep in irreps:
        values = expected[rep.kind, rep.degree]
        np.testing.assert_allclose(rep.character, [values[k] for k in orders], atol=1e-11)


@pytest.mark.parametrize("n", [7, 12])
def test_cyclic(n):
    """Else freq_k of a cyclic group is not 2 cos(2 pi k x / n), or sign is not (-1)^x."""
    irreps = make_irreps(TABLES[f"C{n}"])
    x = np.arange(n)
    names = ["trivial"] + ["sign"] * (n % 2 == 0) + [f"freq_{k}" for k in range(1, (n + 1) // 2)]
    assert list(irreps.names) == names
    for k in range(1, (n + 1) // 2):
        rep = irreps[f"freq_{k}"]
        np.testing.assert_allclose(rep.character, 2 * np.cos(2 * np.pi * k * x / n), atol=1e-13)
        np.testing.assert_allclose(
            rep.matrices[1],
            [
                [np.cos(2 * np.pi * k / n), -np.sin(2 * np.pi * k / n)],
                [np.sin(2 * np.pi * k / n), np.cos(2 * np.pi * k / n)],
            ],
            atol=1e-13,
        )
    if n % 2 == 0:
        np.testing.assert_array_equal(irreps["sign"].character, (-1.0) ** x)
