"""Which tasks are a product in a group, and that their coordinates are right."""

import numpy as np
import pytest

import grokscope as gs
from grokscope.tasks import make_group, make_task
from grokscope.tasks.product_form import product_form
from grokscope.tasks.registry import forget


@pytest.mark.parametrize("name", ["S3", "A4", "D5", "C4xC2", "S4"])
def test_a_product_in_a_group(name):
    """Else a measure of representations is of other elements than the operands and answers are."""
    task, table = make_task("group_mul", group=name), make_group(name).table
    form = product_form(task)
    assert form.group == name
    assert form.n == len(table)
    for row, (a, b) in enumerate(task.inputs):
        assert form.grid[a, b] == row
        assert form.row_sum[row] == table[a, b] == task.answers[row]
    form.irreps.check()
    np.testing.assert_array_equal(form.irreps.table, table)


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("group_conjugate", {"group": "S3"}),
        ("group_aba", {"group": "S3"}),
        ("mod_mul", {"p": 8}),
        ("mod_a2_b2", {"p": 7}),
        ("sparse_parity", {"bits": 3, "relevant": 2}),
    ],
)
def test_what_is_none(task, options):
    """Else conjugation, or what has no group, is measured as if it were a product."""
    assert product_form(make_task(task, **options)) is None


@pytest.mark.parametrize("task", ["mod_add", "mod_sub", "mod_mul", "mod_div"])
def test_cyclic_tasks_in_exponents(task):
    """Else subtraction and division are another group, or their elements stand in another order than frequencies."""
    made = make_task(task, 11)
    form = product_form(made)
    assert form.group == f"C{made.cyclic.n}"
    for x in range(form.n):
        for y in range(form.n):
            row = form.grid[x, y]
            assert made.inputs[row].tolist() == [form.token_x[x], form.token_y[y]]
            assert (
                made.answers[row] == form.class_c[form.sums[x, y]] == form.class_c[(x + y) % form.n]
            )


def test_products_in_cyclic_groups_by_their_exponents():
    """Else a . b . a in C5, which is addition of 2 a and b, is not seen as such."""
    made = make_task("group_aba", group="C5")
    form = product_form(made)
    assert form.group == "C5"
    answers = [made.answers[form.grid[x, y]] for x in range(5) for y in range(5)]
    assert answers == [form.class_c[(x + y) % 5] for x in range(5) for y in range(5)]


def test_a_users_own_operation_is_read_off_its_table():
    """Else only the built-in product has representations, or b . a counts as a . b."""

    @gs.operation(formula="a . b", over="group")
    def mine(a, b, group):
        return group.table[a, b]

    @gs.operation(formula="b . a", over="group")
    def turned(a, b, group):
        return group.table[b, a]

    try:
        assert product_form(make_task("mine", group="S3")).group == "S3"
        assert product_form(make_task("turned", group="S3")) is None
    finally:
        forget("mine")
        forget("turned")


def test_a_modulus_beyond_the_groups_has_none():
    """Else representations of Z/4093 are built, 134 MB and minutes for a table of 16 million rows."""
    form = product_form(make_task("mod_add", 1031))
    assert form is None
