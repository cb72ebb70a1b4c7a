"""The operations modulo p beyond the four: against integers of Python, one row at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import RequestError
from grokscope.tasks import make_task

BY_HAND = {
    "mod_a2_b2": lambda x, y, p: (x * x + y * y) % p,
    "mod_a2_ab_b2": lambda x, y, p: (x * x + x * y + y * y) % p,
    "mod_a2_ab_b2_a": lambda x, y, p: (x * x + x * y + y * y + x) % p,
    "mod_a3_ab": lambda x, y, p: (x * x * x + x * y) % p,
    "mod_a3_ab2_b": lambda x, y, p: (x * x * x + x * y * y + y) % p,
    "mod_div_or_sub": lambda x, y, p: x * pow(y, -1, p) % p if y % 2 else (x - y) % p,
}


def check(name: str, p: int) -> None:
    task = make_task(name, p)
    expected = [(a, b, BY_HAND[name](a, b, p)) for a in range(p) for b in range(p)]
    assert [(*map(int, ab), int(c)) for ab, c in zip(task.inputs, task.answers, strict=True)] == (
        expected
    )
    swapped = {(a, b): c for a, b, c in expected}
    assert task.commutative == all(swapped[b, a] == c for (a, b), c in swapped.items())
    assert task.cyclic is None
    assert task.group is None


@pytest.mark.parametrize("name", [name for name in BY_HAND if name != "mod_div_or_sub"])
@given(p=st.integers(3, 20))
def test_polynomials_of_any_modulus(name, p):
    """Else the model learns another polynomial than the one that is named, or its symmetry is told wrongly."""
    check(name, p)


@pytest.mark.parametrize("p", [3, 5, 7, 13, 31])
def test_division_or_subtraction(p):
    """Else the parity of b chooses the wrong one of the two."""
    check("mod_div_or_sub", p)


def test_no_overflow_at_the_largest_modulus():
    """Else cubes of large residues wrap around unseen: one row by Python's own integers."""
    p = 1021
    task = make_task("mod_a3_ab2_b", p)
    assert task.answers[-1] == BY_HAND["mod_a3_ab2_b"](p - 1, p - 1, p)
    assert task.answers[p * 900 + 800] == BY_HAND["mod_a3_ab2_b"](900, 800, p)


def test_published_sizes_and_symmetry():
    """Else p = 97 is not that of Power et al. 2022: 9,409 rows, symmetric where the paper says so."""
    symmetric = {name: make_task(name, 97).commutative for name in BY_HAND}
    assert all(make_task(name, 97).n_inputs == 9409 for name in BY_HAND)
    assert {name for name, value in symmetric.items() if value} == {"mod_a2_b2", "mod_a2_ab_b2"}


def test_a_composite_modulus_where_one_branch_divides():
    """Else half of the table is made up."""
    with pytest.raises(RequestError, match="prime") as caught:
        make_task("mod_div_or_sub", 15)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "symbols", "d_vocab"),
    [
        ("a b =", ("a", "b", 7), 8),
        ("a op b =", ("a", 8, "b", 7), 9),
        ("a b", ("a", "b"), 7),
        ("a b'", ("a", "b'"), 14),
        ("a b' =", ("a", "b'", 14), 15),
    ],  # fmt: skip
)
def test_layouts(layout, symbols, d_vocab):
    """Else a model reads its operands, op or = at another position or as another token than is said."""
    task = make_task("mod_sub", 7, layout=layout)
    operands = {"a": task.inputs[:, 0], "b": task.inputs[:, 1], "b'": 7 + task.inputs[:, 1]}
    columns = [operands[s] if isinstance(s, str) else np.full(49, s) for s in symbols]
    assert np.array_equal(task.tokens, np.stack(columns, axis=1))
    assert (task.d_vocab, task.n_classes, task.n_ctx) == (d_vocab, 7, len(symbols))
    assert task.operand_positions == tuple(i for i, s in enumerate(symbols) if isinstance(s, str))
    assert task.layout == layout
    assert task.cyclic is not None
    second = task.cyclic.token_y[(-task.inputs[:, 1]) % 7]  # a - b: the exponent of b is -b
    assert np.array_equal(second, task.tokens[:, task.operand_positions[1]])
    assert task.tokens.max() == d_vocab - 1
    assert np.array_equal(task.answers, make_task("mod_sub", 7).answers)
