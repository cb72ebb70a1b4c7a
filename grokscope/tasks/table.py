"""A task: the whole finite table of a binary operation, and the cyclic group behind it where there is one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class CyclicForm:
    """The task written as addition modulo n: x + y = c in exponents.

    Addition: x = a, y = b. Subtraction: y = -b. Multiplication and division: discrete logarithms, y negated for
    division. Every measure of a cyclic task works in these coordinates, so that one definition serves all four.

    Attributes
    ----------
    n
        Order of the cyclic group; frequencies are 1..n//2.
    token_x, token_y
        Shape [n]. The token whose exponent as first (second) operand is x (y).
    class_c
        Shape [n]. The class whose exponent is c.
    grid
        Shape [n, n]. grid[x, y] is the row of the table with these exponents.
    group
        The group in words.
    """

    n: int
    token_x: Int[ndarray, " n"]
    token_y: Int[ndarray, " n"]
    class_c: Int[ndarray, " n"]
    grid: Int[ndarray, "n n"]
    group: str

    @property
    def n_freq(self) -> int:
        """Number of nontrivial frequencies, floor(n/2); for even n the last one is the Nyquist frequency."""
        return self.n // 2

    @cached_property
    def sums(self) -> Int[ndarray, "n n"]:
        """Shape [n, n]. x + y modulo n."""
        x = np.arange(self.n)
        return (x[:, None] + x[None, :]) % self.n

    @cached_property
    def rows(self) -> Int[ndarray, " row"]:
        """Rows of the table that lie in the group, in the order of `grid`."""
        return self.grid.reshape(-1)

    @cached_property
    def row_sum(self) -> Int[ndarray, " row"]:
        """X + y modulo n of each of `rows`."""
        return self.sums.reshape(-1)


@dataclass(frozen=True, eq=False)
class Task:
    """A finite table of inputs and answers.

    Attributes
    ----------
    name, formula
        As `grokscope tasks` lists them.
    p
        Modulus.
    inputs
        Shape [input, 2]. The operands (a, b), in row order.
    tokens
        Shape [input, pos]. What the model reads: a, b, =.
    answers
        Shape [input]. The right class of each row.
    n_classes
        Number of possible answers; chance accuracy is 1 / n_classes.
    d_vocab
        Number of tokens; the numbers come first, so that token i is number i and class i is answer i.
    cyclic
        The task in exponents of a cyclic group, or None.
    """

    name: str
    formula: str
    p: int
    inputs: Int[ndarray, "input 2"]
    tokens: Int[ndarray, "input pos"]
    answers: Int[ndarray, " input"]
    n_classes: int
    d_vocab: int
    cyclic: CyclicForm | None

    @property
    def n_inputs(self) -> int:
        """Number of rows of the table."""
        return len(self.answers)

    @property
    def n_ctx(self) -> int:
        """Number of positions."""
        return self.tokens.shape[1]

    @cached_property
    def twin(self) -> Int[ndarray, " input"]:
        """Shape [input]. The row of (b, a) for each row (a, b), -1 where the table has none."""
        index = {(int(a), int(b)): i for i, (a, b) in enumerate(self.inputs)}
        return np.array([index.get((int(b), int(a)), -1) for a, b in self.inputs], dtype=np.int64)

    @cached_property
    def commutative(self) -> bool:
        """Whether (b, a) is in the table and has the answer of (a, b), for every row."""
        if (self.twin < 0).any():
            return False
        return bool((self.answers == self.answers[self.twin]).all())
