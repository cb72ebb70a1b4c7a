"""What a script keeps from checkpoint to checkpoint: inputs, labels, sets of rows, waves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.runs.key import KeyRule

Numbers = dict[str, list[float]]
"""Name of a variable of the dataset -> its numbers, row by row."""
Frequencies = tuple[int, ...]

NOTHING = float("nan")


@dataclass(frozen=True, eq=False)
class Inputs:
    """For one layer, tokens `a b =`, and addition modulo an odd p, rows in the order a p + b.

    Attributes
    ----------
    tokens, labels
        All p^2 inputs and their answers.
    rows
        Name of a set of rows -> the rows: train, test, test_twin_free, all.
    key
        Key frequencies of the run.
    rule
        Thresholds of the rule that chooses key frequencies.
    null_of
        Frequencies -> the random sets of as many others, `n_draws` of them.
    triples
        Rows and classes at which gradients are compared.
    """

    tokens: Int[Tensor, "input pos"]
    labels: Int[Tensor, " input"]
    rows: Mapping[str, Int[Tensor, " row"]]
    key: Frequencies
    p: int
    rule: KeyRule
    null_of: Callable[[Frequencies], Sequence[Frequencies]]
    n_draws: int
    triples: tuple[Int[ndarray, " triple"], Int[ndarray, " triple"]]

    @property
    def frequencies(self) -> range:
        """1, 2, ..., (p - 1) / 2."""
        return range(1, self.p // 2 + 1)

    @cached_property
    def a(self) -> Float[Tensor, " input"]:
        """The first operand of each input."""
        return torch.arange(self.p, dtype=torch.float64).repeat_interleave(self.p)

    @cached_property
    def b(self) -> Float[Tensor, " input"]:
        """The second operand of each input."""
        return torch.arange(self.p, dtype=torch.float64).repeat(self.p)

    @cached_property
    def basis(self) -> Float[Tensor, "p p"]:
        """The rows constant, cos w_1 x, sin w_1 x, cos w_2 x, ..., each of length 1."""
        x = torch.arange(self.p, dtype=torch.float64)
        rows = [torch.ones(self.p, dtype=torch.float64)]
        for k in self.frequencies:
            rows.append(torch.cos(2 * torch.pi * k * x / self.p))
            rows.append(torch.sin(2 * torch.pi * k * x / self.p))
        return torch.stack([row / row.norm() for row in rows])

    @cached_property
    def waves_of_sum(self) -> Float[Tensor, "freq 2 input"]:
        """Cos w_k(a + b) and sin w_k(a + b) over all inputs, of length 1, by the addition theorems."""
        found = []
        for k in self.frequencies:
            w = 2 * torch.pi * k / self.p
            cos_a, sin_a = torch.cos(w * self.a), torch.sin(w * self.a)
            cos_b, sin_b = torch.cos(w * self.b), torch.sin(w * self.b)
            cos = cos_a * cos_b - sin_a * sin_b
            sin = sin_a * cos_b + cos_a * sin_b
            found.append(torch.stack([cos / cos.norm(), sin / sin.norm()]))
        return torch.stack(found)

    def directions(self, frequencies: Frequencies) -> Float[Tensor, "direction input"]:
        """Return the waves of the sum at some frequencies, one after the other."""
        return self.waves_of_sum[[k - 1 for k in frequencies]].flatten(0, 1)

    def over_rows(self, per_input: Float[Tensor, " input"]) -> list[float]:
        """Return the mean over each set of rows."""
        return [float(per_input[rows].mean()) for rows in self.rows.values()]


def losses(
    logits: Float[Tensor, "row class"], labels: Int[Tensor, " row"]
) -> Float[Tensor, " row"]:
    """Return the cross-entropy of each row, float64."""
    return torch.nn.functional.cross_entropy(logits.double(), labels, reduction="none")
