"""A task whose answer is a product x . y in a group, cyclic or not, in the group's own elements."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.harmonics.irreps import Irreps
from grokscope.tasks.group_irreps import group_irreps
from grokscope.tasks.groups import MAX_ORDER, make_group
from grokscope.tasks.table import Task


@dataclass(frozen=True, eq=False)
class ProductForm:
    """The task written as x . y = c in a group; for every group what `CyclicForm` is for cyclic ones, by its names.

    Attributes
    ----------
    group
        The group's name, as `make_group` takes it.
    token_x, token_y
        Shape [n]. The token that is element x as first (y as second) operand.
    class_c
        Shape [n]. The class that is element c.
    grid
        Shape [n, n]. grid[x, y] is the row of the table with these operands.
    whole
        Whether `grid` is all rows of the table in their order.
    """

    group: str
    token_x: Int[ndarray, " n"]
    token_y: Int[ndarray, " n"]
    class_c: Int[ndarray, " n"]
    grid: Int[ndarray, "n n"]
    whole: bool = field(default=True)

    @property
    def n(self) -> int:
        """Number of elements."""
        return len(self.grid)

    @cached_property
    def irreps(self) -> Irreps:
        """The group's real irreducible representations, the trivial one first."""
        return group_irreps(self.group)

    @property
    def sums(self) -> Int[ndarray, "n n"]:
        """Shape [n, n]. The product x . y, which is x + y in a cyclic group."""
        return make_group(self.group).table

    @property
    def rows(self) -> Int[ndarray, " row"]:
        """Rows of the table that lie in the group, in the order of `grid`."""
        return self.grid.reshape(-1)

    @cached_property
    def row_sum(self) -> Int[ndarray, " row"]:
        """The product x . y of each of `rows`."""
        return self.sums.flatten()


def product_form(task: Task) -> ProductForm | None:
    """Return the task as a product in a group, None where it is none.

    A cyclic task is one in the coordinates of its `CyclicForm`. Any other is read off its table: operands that are
    elements of a group, all pairs of them, and a . b for every answer. So conjugation and a . b . a are none.
    """
    cyclic, group = task.cyclic, task.group
    if cyclic is not None:
        if cyclic.n > MAX_ORDER:
            return None
        whole = np.array_equal(cyclic.rows, np.arange(task.n_inputs))
        return ProductForm(
            f"C{cyclic.n}", cyclic.token_x, cyclic.token_y, cyclic.class_c, cyclic.grid, whole
        )
    if group is None or not task.is_binary:
        return None
    n, elements = group.order, np.arange(group.order)
    grid = np.arange(n * n).reshape(n, n)
    a, b = np.divmod(grid.reshape(-1), n)
    if not np.array_equal(task.inputs, np.stack([a, b], axis=1)):
        return None
    if not np.array_equal(task.answers, group.table.reshape(-1)):
        return None
    return ProductForm(group.name, elements, elements + task.second_token, elements, grid)
