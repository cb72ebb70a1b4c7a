"""The finite tables, against an arithmetic that shares no line with them."""

from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import RequestError
from grokscope.tasks import TASKS, make_task

MODULAR = [name for name, operation in TASKS.items() if operation.over == "modulus"]
PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)


def by_hand(name: str, p: int) -> list[tuple[int, int, int]]:
    """Return (a, b, answer) of every row, in the published order of rows: b runs fastest."""
    rows = []
    for a in range(p):
        for b in range(p):
            if name == "mod_add":
                rows.append((a, b, (a + b) % p))
            elif name == "mod_sub":
                rows.append((a, b, (a - b) % p))
            elif name == "mod_mul":
                rows.append((a, b, (a * b) % p))
            elif b:
                rows.append((a, b, a * pow(b, -1, p) % p))
    return rows


@pytest.mark.parametrize("name", ["mod_add", "mod_sub", "mod_mul"])
@given(p=st.integers(3, 40))
def test_table_of_any_modulus(name, p):
    """Else the model learns another operation than the one that is named, or rows in another order."""
    task = make_task(name, p)
    assert [(*map(int, ab), int(c)) for ab, c in zip(task.inputs, task.answers, strict=True)] == (
        by_hand(name, p)
    )


@pytest.mark.parametrize("p", PRIMES)
def test_division_table_of_a_prime(p):
    """Else division is not multiplication by the inverse, or divides by 0."""
    task = make_task("mod_div", p)
    assert [(*map(int, ab), int(c)) for ab, c in zip(task.inputs, task.answers, strict=True)] == (
        by_hand("mod_div", p)
    )
    a, b = task.inputs.T
    assert np.array_equal(task.answers * b % p, a)


@pytest.mark.parametrize("name", MODULAR)
def test_tokens_are_a_b_equals(name):
    """Else the model reads other symbols than the numbers and the constant `=`, which has the number p."""
    task = make_task(name, 11)
    assert np.array_equal(task.tokens[:, :2], task.inputs)
    assert (task.tokens[:, 2] == 11).all()
    assert (task.d_vocab, task.n_classes, task.n_ctx) == (12, 11, 3)
    assert task.n_inputs == len(task.answers) == len(task.tokens)


def test_published_sizes():
    """Else p = 97 has not the 9,409 and 9,312 rows of Power et al. 2022, section 3."""
    assert make_task("mod_add", 97).n_inputs == 9409
    assert make_task("mod_sub", 97).n_inputs == 9409
    assert make_task("mod_mul", 97).n_inputs == 9409
    assert make_task("mod_div", 97).n_inputs == 9312


@pytest.mark.parametrize(
    ("name", "p", "order"),
    [
        *[(name, p, p) for name in ("mod_add", "mod_sub") for p in (3, 5, 8, 12, 13, 15)],
        *[(name, p, p - 1) for name in ("mod_mul", "mod_div") for p in (5, 7, 11, 13, 17)],
        ("mod_mul", 9, 6),
        ("mod_mul", 10, 4),
        ("mod_mul", 14, 6),
        ("mod_mul", 18, 6),
        ("mod_mul", 25, 20),
    ],
)
def test_cyclic_form_is_addition_of_exponents(name, p, order):
    """Else Fourier measures look at the wrong rows, tokens or classes: x + y = c must hold over the whole grid."""
    task = make_task(name, p)
    form = task.cyclic
    assert form is not None
    assert form.n == order
    assert form.n_freq == order // 2
    assert sorted(form.rows) == sorted(set(form.rows)), (
        "a row of the table stands twice in the grid"
    )
    assert len(form.rows) == order**2
    exponent_of_class = {int(c): i for i, c in enumerate(form.class_c)}
    for x in range(order):
        for y in range(order):
            row = form.grid[x, y]
            assert task.inputs[row, 0] == form.token_x[x]
            assert task.inputs[row, 1] == form.token_y[y]
            assert exponent_of_class[int(task.answers[row])] == (x + y) % order == form.sums[x, y]
            assert form.row_sum[x * order + y] == (x + y) % order
    assert np.array_equal(form.rows.reshape(order, order), form.grid)


@pytest.mark.parametrize(("name", "p"), [("mod_mul", 9), ("mod_mul", 14), ("mod_div", 13)])
def test_cyclic_form_holds_exactly_the_units(name, p):
    """Else rows with a non-unit, which have no logarithm, are measured as if they were in the group."""
    task = make_task(name, p)
    outside = np.setdiff1d(np.arange(task.n_inputs), task.cyclic.rows)
    assert all(gcd(int(a), p) > 1 or gcd(int(b), p) > 1 for a, b in task.inputs[outside])
    assert all(gcd(int(a), p) == gcd(int(b), p) == 1 for a, b in task.inputs[task.cyclic.rows])


@pytest.mark.parametrize("p", [8, 12, 15, 16, 20, 21, 24])
def test_no_cyclic_form_where_the_units_are_not_cyclic(p):
    """Else a Fourier basis is laid over a group that has none: Gauss, units cyclic only for 1, 2, 4, q^k, 2 q^k."""
    assert make_task("mod_mul", p).cyclic is None


@pytest.mark.parametrize("p", [3, 4, 6])
def test_no_cyclic_form_without_a_frequency_pair(p):
    """Else a group of two elements, where cos is the sign and sin nothing, is measured for circles."""
    assert make_task("mod_mul", p).cyclic is None


@given(p=st.sampled_from(PRIMES), name=st.sampled_from(MODULAR))
def test_twin_is_the_swapped_row(p, name):
    """Else twin-free test rows are the wrong ones."""
    task = make_task(name, p)
    where = {tuple(map(int, ab)): i for i, ab in enumerate(task.inputs)}
    assert [where.get((int(b), int(a)), -1) for a, b in task.inputs] == list(task.twin)


def test_commutativity():
    """Else a task with leaking twins is taken for one without, or the other way round."""
    assert make_task("mod_add", 11).commutative
    assert make_task("mod_mul", 12).commutative
    assert not make_task("mod_sub", 11).commutative
    assert not make_task("mod_div", 11).commutative


@pytest.mark.parametrize(
    ("p", "prime"), [(4, 3), (9, 7), (15, 13), (91, 89), (100, 101), (114, 113)]
)
def test_division_by_a_composite_modulus_is_refused(p, prime):
    """Else division by something without an inverse is trained on made-up answers."""
    with pytest.raises(RequestError) as caught:
        make_task("mod_div", p)
    message = str(caught.value)
    assert "\n" not in message
    assert str(p) in message
    assert "prime" in message
    assert str(prime) in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "p", "words"),
    [
        ("mod_ad", 7, "did you mean 'mod_add'?"),
        ("nothing like it", 7, "mod_add, mod_sub, mod_mul, mod_div"),
        ("mod_add", 2, "from 3 to"),
        ("mod_add", -5, "from 3 to"),
        ("mod_add", 10**9, "from 3 to"),
    ],
)
def test_requests_that_make_no_sense(name, p, words):
    """Else a wrong task or modulus ends in a traceback, or in a table too large for any memory."""
    with pytest.raises(RequestError) as caught:
        make_task(name, p)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
