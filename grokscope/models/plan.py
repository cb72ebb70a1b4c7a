"""Which things are distinct in a set of rows: what the exact fast forward computes once.

Rows share tokens (a position's stream before the first block) and, under a causal mask, prefixes (later on). Both are
found once for a whole table; the plan of any of its rows, such as a minibatch, is then a matter of look-ups, and its
tables have the same sizes whatever the rows: several seeds can be stacked, and compiled code is compiled once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import Tensor

from grokscope.models.lookup import Lookup


@dataclass(frozen=True, eq=False)
class Plan:
    """Which things are distinct for a set of input rows; the contexts of the last position are the rows.

    Attributes
    ----------
    tokens
        Per position, the distinct tokens there.
    token_index
        Per position, the index into `tokens` of each context's token.
    parents
        parents[i][j]: for each context of position i, the context of position j that it sees; None where both have
        one context a row. In the plan of a stack these two have one more axis in front where members differ.
    tables
        Whether values may be taken through the weights behind them token by token (`grokscope.models.folded`).
    """

    tokens: tuple[Int[Tensor, " _distinct"], ...]
    token_index: tuple[Int[Tensor, "*_member _context"], ...]
    parents: tuple[tuple[Int[Tensor, "*_member _context"] | None, ...], ...]
    tables: bool = True
    _lookups: dict[int, Lookup] = field(default_factory=dict, repr=False)

    @property
    def n_ctx(self) -> int:
        """Number of positions."""
        return len(self.tokens)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.token_index[-1].shape[-1]

    def answer_tokens(self, pos: int) -> Int[Tensor, "*member row"]:
        """Return for each row the place of its token at `pos` in `tokens[pos]`."""
        found = compose(self.parents[-1][pos], self.token_index[pos])
        assert found is not None
        return found

    def row_tokens(self) -> Int[Tensor, "row pos"]:
        """Return the rows' tokens."""
        return torch.stack(
            [tokens[self.answer_tokens(pos)] for pos, tokens in enumerate(self.tokens)], 1
        )

    def answer_lookup(self, n_heads: int) -> Lookup:
        """Return what each row looks up in a table of (position, token, head), and of the last position's tokens.

        Columns: position by position its heads, then the row's own last token. A feed-forward model has no heads
        (n_heads = 0) and looks up its first two tokens alone.
        """
        if n_heads not in self._lookups:
            columns, start = [], 0
            heads = torch.arange(max(1, n_heads), device=self.tokens[0].device)
            for pos in range(self.n_ctx if n_heads else 2):
                columns.append(start + self.answer_tokens(pos)[..., None] * len(heads) + heads)
                start += len(self.tokens[pos]) * len(heads)
            if n_heads:
                columns.append(start + self.token_index[-1][..., None])
                start += len(self.tokens[-1])
            self._lookups[n_heads] = Lookup(torch.cat(columns, -1), start)
        return self._lookups[n_heads]


class PlanTable:
    """The distinct tokens and prefixes of a table of rows, from which plans of some of them are made.

    Parameters
    ----------
    tokens
        The rows, as the model reads them.
    causal
        Whether a position sees only those before it; else prefixes are not shared.
    device
        Where the plans' tensors lie.
    """

    def __init__(
        self, tokens: Int[ndarray, "input pos"], causal: bool, device: str = "cpu"
    ) -> None:
        n, n_ctx = tokens.shape
        self.n_rows, self.n_ctx, self.causal = n, n_ctx, causal
        base = int(tokens.max()) + 1
        code = np.zeros(n, dtype=np.int64)
        self._tokens, self._token_of_row = [], []
        self._prefix_of_row: list[Tensor] = []
        self._row_of_prefix: list[Tensor] = []
        for pos in range(n_ctx):
            distinct, inverse = np.unique(tokens[:, pos], return_inverse=True)
            self._tokens.append(_to_tensor(distinct, device))
            self._token_of_row.append(_to_tensor(inverse, device))
            if causal and pos < n_ctx - 1:
                _, code = np.unique(code * base + tokens[:, pos], return_inverse=True)
                _, first = np.unique(code, return_index=True)
                self._prefix_of_row.append(_to_tensor(code, device))
                self._row_of_prefix.append(_to_tensor(first, device))
        self._rows = torch.arange(n, device=device)

    def plan(
        self,
        rows: Int[Tensor, "*member row"] | None = None,
        shared: bool = True,
        tables: bool = True,
    ) -> Plan:
        """Return the plan of `rows`, all where None; of several members of a stack with one more axis in front.

        A position's contexts are the prefixes of the whole table where they are at most as many as the rows, and else
        one a row. Where not `shared`, every row has contexts of its own at every position: rows with a common prefix
        are computed each by itself, as residual dropout needs. Tokens stay shared, for a stream that nothing was added
        to yet.
        """
        chosen = self._rows if rows is None else rows
        by_prefix = [shared and len(first) <= chosen.shape[-1] for first in self._row_of_prefix]
        by_prefix += [False] * (self.n_ctx - len(by_prefix))
        row_of = [
            self._row_of_prefix[pos] if by_prefix[pos] else chosen for pos in range(self.n_ctx)
        ]
        parents = tuple(
            tuple(
                self._prefix_of_row[j][row_of[i]] if by_prefix[j] else None
                for j in (range(i + 1) if self.causal else range(self.n_ctx))
            )
            for i in range(self.n_ctx)
        )
        index = tuple(inverse[row_of[i]] for i, inverse in enumerate(self._token_of_row))
        return Plan(tuple(self._tokens), index, parents, tables)


def plan_tensors(plan: Plan, n_heads: int | None) -> list[Tensor]:
    """Return what a plan holds for each row, for `plan_of_tensors`; with its look-up where `n_heads` is given."""
    lookup = () if n_heads is None else plan.answer_lookup(n_heads).tensors
    parents = (index for of_pos in plan.parents for index in of_pos if index is not None)
    return [*plan.token_index, *parents, *lookup]


def member_axes(plan: Plan, n_heads: int | None) -> list[int | None]:
    """Return for each of `plan_tensors` 0 where members of a stack have their own, None where it is shared."""
    tensors, plain = plan_tensors(plan, n_heads), len(plan_tensors(plan, None))
    alone = [1] * plain + [2, 1, 1, 1]
    return [0 if tensor.ndim > n else None for tensor, n in zip(tensors, alone, strict=False)]


def plan_of_tensors(like: Plan, n_heads: int | None, tensors: Sequence[Tensor]) -> Plan:
    """Return the plan that holds `tensors` in the places that `plan_tensors` found them in, in the plan `like`."""
    left = iter(tensors)
    index = tuple(next(left) for _ in like.token_index)
    parents = tuple(
        tuple(None if parent is None else next(left) for parent in of_pos)
        for of_pos in like.parents
    )
    lookups = {} if n_heads is None else {n_heads: Lookup.of_tensors(tuple(left))}
    return Plan(like.tokens, index, parents, like.tables, lookups)


def make_plan(
    tokens: Int[ndarray, "input pos"],
    causal: bool,
    device: str = "cpu",
    shared: bool = True,
    tables: bool = True,
) -> Plan:
    """Return the plan of all rows of `tokens` (see `PlanTable`)."""
    return PlanTable(tokens, causal, device).plan(shared=shared, tables=tables)


def compose(
    outer: Int[Tensor, "*member row"] | None, inner: Int[Tensor, "*_member context"] | None
) -> Int[Tensor, "*_both row"] | None:
    """Return inner[outer], where None stands for each thing itself, in order."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    return inner[outer]


def _to_tensor(array: Int[ndarray, " i"], device: str) -> Int[Tensor, " i"]:
    return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.int64, device=device)
