"""Groups: axioms, the convention (x first, then y), the order of elements; against sympy's own products."""

import itertools
import random
from math import gcd, prod

import numpy as np
import pytest
from sympy.combinatorics import Permutation
from sympy.combinatorics.named_groups import AlternatingGroup, SymmetricGroup

from grokscope.errors import RequestError, UnsoundError
from grokscope.tasks import groups, make_group, make_task

SMALL = (
    "C3",
    "C12",
    "D3",
    "D4",
    "D7",
    "S3",
    "S4",
    "A3",
    "A4",
    "A5",
    "S5",
    "C4xC2",
    "S3xC2",
    "C2xC2xC3",
)
PERMUTED = ("S3", "S4", "S5", "A3", "A4", "A5")


def of_sympy(name: str):
    family = SymmetricGroup if name[0] == "S" else AlternatingGroup
    return family(int(name[1:])).elements


@pytest.mark.parametrize("name", SMALL)
def test_axioms(name):
    """Else the table is no group's: closed, associative, with identity and inverses."""
    group = make_group(name)
    table, n = group.table, group.order
    everything = np.arange(n)
    assert all(np.array_equal(np.sort(row), everything) for row in (*table, *table.T))
    if n <= 60:
        left = table[table[:, :, None], everything]  # (x . y) . z
        right = table[everything[:, None, None], table[None]]  # x . (y . z)
        assert np.array_equal(left, right)
    e = group.identity
    assert np.array_equal(table[e], everything)
    assert np.array_equal(table[:, e], everything)
    assert (table[everything, group.inverse] == e).all()
    assert (table[group.inverse, everything] == e).all()
    assert len(set(group.elements)) == n == len(group.elements)
    assert group.is_abelian == np.array_equal(table, table.T)


@pytest.mark.parametrize("name", SMALL)
def test_generators_generate(name):
    """Else a subgroup is taken for the group."""
    group = make_group(name)
    reached, edge = {group.identity}, {group.identity}
    while edge:
        edge = {int(group.table[x, g]) for x in edge for g in group.generators} - reached
        reached |= edge
    assert len(reached) == group.order


@pytest.mark.parametrize("name", PERMUTED)
def test_permutations_stand_in_the_order_of_sympy(name):
    """Else checkpoints by others (Chughtai et al. 2023) are read with the wrong elements."""
    group, theirs = make_group(name), of_sympy(name)
    assert group.order == len(theirs)
    assert group.permutations.tolist() == [list(p.array_form) for p in theirs]
    degree = group.permutations.shape[1]
    for word, p in zip(group.elements, theirs, strict=True):
        cycles = [] if word == "e" else [
            [int(i) for i in c.split()] for c in word.strip("()").split(")(")
        ]  # fmt: skip
        assert Permutation(cycles, size=degree) == p


@pytest.mark.parametrize("name", PERMUTED)
def test_every_product_against_sympy(name):
    """Else the table is of another group, or y acts before x: sympy's x * y is x first."""
    group, theirs = make_group(name), of_sympy(name)
    number = {p: i for i, p in enumerate(theirs)}
    pairs = list(itertools.product(range(len(theirs)), repeat=2))
    if len(pairs) > 4000:
        pairs = random.Random(0).sample(pairs, 4000)
    for x, y in pairs:
        assert group.table[x, y] == number[theirs[x] * theirs[y]]
    assert all(group.inverse[x] == number[p**-1] for x, p in enumerate(theirs))


def test_x_acts_first():
    """Else the convention of Power et al. 2022 and Chughtai et al. 2023 is turned round: a case worked by hand."""
    group = make_group("S3")
    swap, turn = group.elements.index("(0 1)"), group.elements.index("(0 1 2)")
    # swap first: 0 -> 1 -> 2, 1 -> 0 -> 1, 2 -> 2 -> 0; turn first: 0 -> 1 -> 0, 1 -> 2 -> 2, 2 -> 0 -> 1
    assert group.elements[group.table[swap, turn]] == "(0 2)"
    assert group.elements[group.table[turn, swap]] == "(1 2)"
    for x, y in itertools.product(range(6), repeat=2):
        first, then = group.permutations[x], group.permutations[y]
        both = group.permutations[group.table[x, y]]
        assert all(both[i] == then[first[i]] for i in range(3))


@pytest.mark.parametrize("n", [3, 4, 59])
def test_dihedral_groups(n):
    """Else D_n is not n rotations, then n reflections r^k s, with s r s = r^-1 and words read from the left."""
    group = make_group(f"D{n}")
    assert group.order == 2 * n
    r, s = 1, n
    assert (group.elements[:2], group.elements[n]) == (("e", "r"), "s")
    power = 0
    for k in range(n):
        assert power == k
        assert group.table[k, s] == n + k
        power = group.table[power, r]
    assert power == 0
    assert (
        group.product(np.array([s]), np.array([r]), np.array([s]))[0] == group.inverse[r] == n - 1
    )
    moved = group.permutations
    for x, y in [(1, n + 1), (n, 1), (n + 1, 2 * n - 1)]:
        assert np.array_equal(moved[group.table[x, y]], moved[y][moved[x]])


@pytest.mark.parametrize("sizes", [(4, 2), (3, 5), (2, 2, 3), (4, 9)])
def test_products_of_cyclic_groups(sizes):
    """Else components are mixed up: addition in each, the last one fastest; cyclic where the sizes are coprime."""
    name = "x".join(f"C{n}" for n in sizes)
    group = make_group(name)
    elements = list(itertools.product(*(range(n) for n in sizes)))
    assert group.elements == tuple(f"({', '.join(map(str, e))})" for e in elements)
    for (x, a), (y, b) in itertools.product(enumerate(elements), repeat=2):
        total = tuple((i + j) % n for i, j, n in zip(a, b, sizes, strict=True))
        assert elements[group.table[x, y]] == total
    coprime = all(gcd(m, n) == 1 for m, n in itertools.combinations(sizes, 2))
    assert (group.logarithm is not None) == coprime
    form = make_task("group_mul", group=name).cyclic
    assert (form is not None) == coprime
    if form is not None:
        assert form.n == prod(sizes)


@pytest.mark.parametrize(("name", "over"), [("group_mul", "C12"), ("group_mul", "C3xC4"),
                                            ("group_aba", "C9"), ("group_mul", "A3")])  # fmt: skip
def test_cyclic_form_of_groups(name, over):
    """Else Fourier measures look at the wrong rows: x + y = c must hold over the whole grid."""
    task = make_task(name, group=over)
    form, n = task.cyclic, task.group.order
    exponent = {int(c): i for i, c in enumerate(form.class_c)}
    assert sorted(form.rows) == list(range(n * n))
    for x, y in itertools.product(range(n), repeat=2):
        row = form.grid[x, y]
        assert task.inputs[row].tolist() == [form.token_x[x], form.token_y[y]]
        assert exponent[int(task.answers[row])] == (x + y) % n


@pytest.mark.parametrize(("name", "over"), [("group_aba", "C8"), ("group_conjugate", "C7"),
                                            ("group_mul", "C4xC2"), ("group_mul", "S3")])  # fmt: skip
def test_no_cyclic_form_where_there_is_none(name, over):
    """Else circles are looked for where no sum of exponents is computed."""
    assert make_task(name, group=over).cyclic is None


@pytest.mark.parametrize("over", ["S4", "A4", "A5", "S5"])
def test_operations_against_sympy(over):
    """Else x . y, x . y . x^-1 or x . y . x is another word; rows (x, y) with y running fastest."""
    theirs = of_sympy(over)
    number = {p: i for i, p in enumerate(theirs)}
    n = len(theirs)
    words = {
        "group_mul": lambda x, y: x * y,
        "group_conjugate": lambda x, y: x * y * x**-1,
        "group_aba": lambda x, y: x * y * x,
    }
    pairs = random.Random(1).sample(range(n * n), min(n * n, 600))
    for name, word in words.items():
        task = make_task(name, group=over)
        assert task.group is make_group(over)
        assert task.n_inputs == n * n
        assert not task.commutative
        assert (task.p, task.n_classes, task.d_vocab) == (n, n, n + 1)
        for row in pairs:
            x, y = divmod(row, n)
            assert task.inputs[row].tolist() == [x, y]
            assert task.answers[row] == number[word(theirs[x], theirs[y])]


def test_published_size():
    """Else S5 has not the 14,400 rows of Power et al. 2022."""
    assert make_task("group_mul", group="S5").n_inputs == 14_400


def test_the_largest_group():
    """Else S6, with 518,400 rows, cannot be made or is not what sympy multiplies."""
    task = make_task("group_aba", group="S6")
    assert task.n_inputs == 518_400
    theirs = of_sympy("S6")
    for row in random.Random(2).sample(range(518_400), 50):
        x, y = (theirs[i] for i in divmod(row, 720))
        assert theirs[task.answers[row]] == x * y * x
    assert np.array_equal(task.inputs[task.twin], task.inputs[:, ::-1])


def test_another_order_of_sympy_is_refused(monkeypatch):
    """Else a new sympy that lists elements differently changes every table on disk without a word."""
    monkeypatch.setitem(groups._ORDER, "S3", 0)
    make_group.cache_clear()
    with pytest.raises(UnsoundError, match="S3"):
        make_group("S3")
    make_group.cache_clear()


def test_tables_cannot_be_changed():
    """Else a notebook that writes into a group's table changes every later task: groups are kept."""
    with pytest.raises(ValueError, match="read-only"):
        make_group("C5").table[0, 0] = 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("S7", "S3 to S6"),
        ("A2", "A3 to A6"),
        ("D2", "D3 to"),
        ("C2", "at least 3"),
        ("C40xC40", "at most 1,024"),
        ("S6xC2", "at most 1,024"),
        ("s5", "did you mean 'S5'?"),
        ("C4*C2", "did you mean 'C4xC2'?"),
        ("Q8", "C<n>, D<n>"),
        ("", "C<n>, D<n>"),
        ("x", "C<n>, D<n>"),
        ("C0", "C<n>, D<n>"),
        ("C99999999999", "C<n>, D<n>"),
        ("C5\n", "C<n>, D<n>"),
    ],
)
def test_groups_that_make_no_sense(name, words):
    """Else a misspelt group ends in a traceback, or in a table too large for any memory."""
    with pytest.raises(RequestError) as caught:
        make_task("group_mul", group=name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
