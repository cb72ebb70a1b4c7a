"""Every built-in operation, every row at the published sizes, against Python's integers and tuples of points.

x . y of permutations is x first, then y: (x . y)[i] = y[x[i]] (Power et al. 2022, whose trainer's S5 answer is b[a]).
"""

import itertools
from math import isqrt

import pytest

from grokscope.tasks import TASKS, make_group, make_task

P = 97
MODULAR = {
    "mod_add": lambda x, y: (x + y) % P,
    "mod_sub": lambda x, y: (x - y) % P,
    "mod_mul": lambda x, y: x * y % P,
    "mod_div": lambda x, y: x * pow(y, -1, P) % P if y else None,
    "mod_div_or_sub": lambda x, y: x * pow(y, -1, P) % P if y % 2 else (x - y) % P,
    "mod_a2_b2": lambda x, y: (x**2 + y**2) % P,
    "mod_a2_ab_b2": lambda x, y: (x**2 + x * y + y**2) % P,
    "mod_a2_ab_b2_a": lambda x, y: (x**2 + x * y + y**2 + x) % P,
    "mod_a3_ab": lambda x, y: (x**3 + x * y) % P,
    "mod_a3_ab2_b": lambda x, y: (x**3 + x * y**2 + y) % P,
}


def then(x, *rest):
    """Return x first, then each of the rest."""
    for y in rest:
        x = tuple(y[point] for point in x)
    return x


def inverse(x):
    return tuple(x.index(point) for point in range(len(x)))


OVER_GROUP = {
    "group_mul": then,
    "group_conjugate": lambda x, y: then(x, y, inverse(x)),
    "group_aba": lambda x, y: then(x, y, x),
}
SYMMETRIC = {"mod_add", "mod_mul", "mod_a2_b2", "mod_a2_ab_b2"}


def test_every_built_in_operation_is_checked_here():
    """Else a new operation has a table that nothing stands beside."""
    built_in = {name for name, operation in TASKS.items() if operation.builtin}
    assert built_in == {*MODULAR, *OVER_GROUP, "sparse_parity"}


@pytest.mark.parametrize("name", MODULAR)
def test_every_row_modulo_97(name):
    """Else a row of a published task has another answer, or a row is missing: 9,409 and, for division, 9,312."""
    task, answer = make_task(name, P), MODULAR[name]
    expected = {(x, y): answer(x, y) for x in range(P) for y in range(P)}
    expected = {pair: c for pair, c in expected.items() if c is not None}
    found = zip(map(tuple, task.inputs.tolist()), task.answers.tolist(), strict=True)
    assert dict(found) == expected
    assert len(expected) == task.n_inputs == (9312 if name == "mod_div" else 9409)
    same = all(expected.get((y, x)) == c for (x, y), c in expected.items())
    assert task.commutative == same == (name in SYMMETRIC)


@pytest.mark.parametrize("name", OVER_GROUP)
def test_every_row_of_s5(name):
    """Else one of 14,400 answers is that of another word, or y acts first."""
    task, word = make_task(name, group="S5"), OVER_GROUP[name]
    elements = [tuple(x) for x in task.group.permutations.tolist()]
    assert sorted(elements) == sorted(itertools.permutations(range(5)))
    assert task.n_inputs == 14_400 == len(elements) ** 2
    for (a, b), c in zip(task.inputs.tolist(), task.answers.tolist(), strict=True):
        assert elements[c] == word(elements[a], elements[b])
    assert not task.commutative


@pytest.mark.parametrize(
    ("name", "answer", "y_first"),
    [
        ("group_mul", "(0 1 2 3)", "(0 3 1 2)"),
        ("group_conjugate", "(2 3)", "(1 3)"),
        ("group_aba", "(0 2 3 1)", "(0 2 3 1)"),
    ],
)
def test_one_pair_of_s5_by_hand(name, answer, y_first):
    """Else the convention is turned round. x = (0 1 2), y = (0 3); each point is followed through x, then y:

    x . y        0 -> 1 -> 1, 1 -> 2 -> 2, 2 -> 0 -> 3, 3 -> 3 -> 0
    x . y . x^-1 0 -> 1 -> 1 -> 0, 1 -> 2 -> 2 -> 1, 2 -> 0 -> 3 -> 3, 3 -> 3 -> 0 -> 2
    x . y . x    0 -> 1 -> 1 -> 2, 1 -> 2 -> 2 -> 0, 2 -> 0 -> 3 -> 3, 3 -> 3 -> 0 -> 1; the same from either side
    """
    group = make_group("S5")
    x, y = group.elements.index("(0 1 2)"), group.elements.index("(0 3)")
    task = make_task(name, group="S5")
    row = 120 * x + y
    assert task.inputs[row].tolist() == [x, y]
    assert group.elements[task.answers[row]] == answer
    points = {"(0 1 2)": (1, 2, 0, 3, 4), "(0 3)": (3, 1, 2, 0, 4)}
    backwards = {
        "group_mul": lambda a, b: then(b, a),
        "group_conjugate": lambda a, b: then(inverse(a), b, a),
        "group_aba": lambda a, b: then(a, b, a),
    }[name](points["(0 1 2)"], points["(0 3)"])
    turned = group.elements[group.permutations.tolist().index(list(backwards))]
    assert turned == y_first


def test_97_is_a_prime():
    """Else pow(y, -1, 97) above is not defined for every y."""
    assert all(P % d for d in range(2, isqrt(P) + 1))
