"""Sums of rows of a table, with a gradient that is as fast as the sum and repeatable to the bit.

    out[n] = sum_k weight[n, k] table[index[n, k]]

torch's own gradient of the table adds row by row in one thread. Here it is a sum of the same kind: of each row of the
table, over the places that look it up, which are sorted once for all steps.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


class Lookup:
    """Which rows of a table each row adds up, and its inverse.

    Parameters
    ----------
    index
        Rows of the table, for each row and term of its sum; of several members of a stack with one more axis in front.
    n_table
        Rows of the table.
    """

    def __init__(self, index: Int[Tensor, "*member row term"], n_table: int) -> None:
        flat = index.flatten(-2)
        self.index = index.contiguous()
        self.places = flat.argsort(dim=-1, stable=True)
        self.rows = self.places // index.shape[-1]
        counts = flat.new_zeros(*flat.shape[:-1], n_table)
        counts.scatter_add_(-1, flat, torch.ones_like(flat))
        self.starts = functional.pad(counts.cumsum(-1), (1, 0))

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Everything that it holds, for `of_tensors`."""
        return self.index, self.rows, self.places, self.starts

    @classmethod
    def of_tensors(cls, tensors: Sequence[Tensor]) -> "Lookup":
        """Return the look-up that holds these, as a member of a stack has under `torch.vmap`."""
        made = cls.__new__(cls)
        made.index, made.rows, made.places, made.starts = tensors
        return made


def weighted_lookup(
    table: Float[Tensor, "distinct width"],
    weight: Float[Tensor, "row term"] | None,
    lookup: Lookup,
) -> Float[Tensor, "row width"]:
    """Return the weighted sum of the rows that each row looks up; all weights are 1 where None.

    Gradients flow to `table` and `weight`. Under `torch.vmap` the members' tables are one table.
    """
    found: Tensor = _WeightedLookup.apply(table, weight, *lookup.tensors)
    return found


class _WeightedLookup(torch.autograd.Function):
    @staticmethod
    def forward(
        table: Tensor,
        weight: Tensor | None,
        index: Tensor,
        rows: Tensor,
        places: Tensor,
        starts: Tensor,
    ) -> Tensor:
        # Detached: torch's forward also prepares for gradients of its own where a tensor wants one.
        fixed = None if weight is None else weight.detach()
        return functional.embedding_bag(index, table.detach(), mode="sum", per_sample_weights=fixed)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        table, weight, index, rows, places, starts = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        by_place = None if weight is None else weight.reshape(-1)[places]
        of_table = functional.embedding_bag(
            rows,
            gradient,
            starts,
            mode="sum",
            per_sample_weights=by_place,
            include_last_offset=True,
        )
        of_weight = None if weight is None else _products(gradient, table, index)
        return of_table, of_weight, None, None, None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor | None
    ) -> tuple[Tensor, int]:
        """Look everything up in one table: that of all members, one after the other."""
        n = info.batch_size
        table, weight, index, rows, places, starts = (
            _members_first(value, dim, n) for value, dim in zip(inputs, in_dims, strict=True)
        )
        _, n_rows, terms = index.shape
        member = torch.arange(n, device=table.device)[:, None]
        ends = starts[:, :-1] + member * (n_rows * terms)
        out = _WeightedLookup.apply(
            table.flatten(0, 1),
            None if inputs[1] is None else weight.flatten(0, 1),
            (index + member[:, :, None] * table.shape[1]).flatten(0, 1),
            (rows + member * n_rows).flatten(),
            (places + member * (n_rows * terms)).flatten(),
            torch.cat([ends.flatten(), ends.new_full((1,), n * n_rows * terms)]),
        )
        return out.unflatten(0, (n, n_rows)), 0


def _members_first(value: Tensor | None, dim: int | None, n: int) -> Tensor:
    if value is None:
        return torch.empty(0)
    return value.expand(n, *value.shape) if dim is None else value.movedim(dim, 0)


def _products(
    gradient: Float[Tensor, "row width"],
    table: Float[Tensor, "distinct width"],
    index: Int[Tensor, "row term"],
) -> Float[Tensor, "row term"]:
    """Return gradient[n] . table[index[n, k]], which is what torch's own gradient of the weights is."""
    n, terms = index.shape
    flat = torch.arange(n * terms, device=index.device)
    found = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        gradient, table, index.reshape(-1), flat[::terms], flat // terms, 0
    )
    return found.reshape(n, terms)
