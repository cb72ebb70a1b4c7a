"""A task: the whole finite table of an operation, and the group behind it where there is one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.tasks.groups import Group


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
        Number of values of an operand: the modulus, the order of the group, 2 for bits.
    inputs
        Shape [input, operand]. The operands, (a, b) in row order; the bits for parity.
    tokens
        Shape [input, pos]. What the model reads.
    answers
        Shape [input]. The right class of each row.
    n_classes
        Number of possible answers; chance accuracy is 1 / n_classes.
    d_vocab
        Number of tokens; the operands' values come first, so that token i is number i and class i is answer i. Where
        the second operand has tokens of its own, its values follow those of the first.
    cyclic
        The task in exponents of a cyclic group, or None.
    group
        The group whose elements are the operands, with its multiplication table; None for tasks over numbers and bits.
    layout
        What stands at each position: "a b =", "a op b =", "a b", "a b'", "a b' ="; "bit0 bit1 ... =" for parity.
    """

    name: str
    formula: str
    p: int
    inputs: Int[ndarray, "input operand"]
    tokens: Int[ndarray, "input pos"]
    answers: Int[ndarray, " input"]
    n_classes: int
    d_vocab: int
    cyclic: CyclicForm | None
    group: Group | None = None
    layout: str = "a b ="

    @property
    def n_inputs(self) -> int:
        """Number of rows of the table."""
        return len(self.answers)

    @property
    def n_ctx(self) -> int:
        """Number of positions."""
        return self.tokens.shape[1]

    @property
    def is_binary(self) -> bool:
        """Whether a row is a pair (a, b)."""
        return "a" in self.layout.split()

    @property
    def operand_positions(self) -> tuple[int, ...]:
        """The positions at which the operands stand."""
        return tuple(i for i, symbol in enumerate(self.layout.split()) if symbol not in ("op", "="))

    @property
    def second_token(self) -> int:
        """The token of the second operand's value 0: 0, or p where it has tokens of its own."""
        return self.p if "b'" in self.layout.split() else 0

    @cached_property
    def twin(self) -> Int[ndarray, " input"]:
        """Shape [input]. The row of (b, a) for each row (a, b), -1 where the table has none."""
        if not self.is_binary:
            return np.full(self.n_inputs, -1, dtype=np.int64)
        a, b = self.inputs.T
        row_of = np.full((self.p, self.p), -1, dtype=np.int64)
        row_of[a, b] = np.arange(self.n_inputs)
        return row_of[b, a]

    @cached_property
    def commutative(self) -> bool:
        """Whether (b, a) is in the table and has the answer of (a, b), for every row."""
        if (self.twin < 0).any():
            return False
        return bool((self.answers == self.answers[self.twin]).all())
