"""A term of a sum in the last block that can be taken away, and how.

Everything that is taken away is one term of a sum: of the logits, or of the stream before or after the last block's
neurons. So an ablation adds a change to that sum, and only what comes after it is computed again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.families import last_block
from grokscope.models.fast import mlp_out
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS, NULL_SEED

Sum = Literal["middle", "end", "logits"]
Rows = Int[Tensor, " row"]
Edit = Callable[[str], Tensor]


@dataclass(frozen=True, eq=False)
class Part:
    """A term of a sum at the answer position.

    Attributes
    ----------
    of
        Which sum: middle (resid_pre + attn_out), end (resid_mid + mlp_out), or the answers' logits.
    values
        rows -> the term for these inputs, [row, width], before `through`.
    mean
        Its mean over all inputs, [width]; None where that is 0.
    through
        The linear map that it passes, or a rotation of the change, [width, width of the sum]; None for none.
    """

    of: Sum
    values: Callable[[Rows], Tensor]
    mean: Tensor | None = None
    through: Tensor | None = None

    def change(self, mode: str, here: Tensor, elsewhere: Tensor) -> Tensor:
        """Return what taking the term away adds to the sum; `elsewhere`: its values for the inputs resampled from."""
        change = difference(mode, here, elsewhere, self.mean)
        return change if self.through is None else change @ self.through


def difference(mode: str, here: Tensor, elsewhere: Tensor, mean: Tensor | None) -> Tensor:
    """Return what a term becomes by `mode`, less what it is; any linear map of all three maps the difference."""
    if mode == "resample":
        return elsewhere - here
    return -here if mode == "zero" or mean is None else mean - here


@dataclass(frozen=True, eq=False)
class Component:
    """Something that can be taken away.

    Attributes
    ----------
    name
        As in the dataset's coordinate `component`.
    part
        The term that is taken away.
    null
        draw -> the same for the null; None where there is no null.
    n_draws
        How many draws the null has.
    place, edit
        For TransformerLens hooks: the activation that is edited in the last block, and mode -> its new value for all
        inputs at the answer position; None at the logits, which no hook edits.
    """

    name: str
    part: Part
    null: Callable[[int], Part] | None
    n_draws: int = N_DRAWS
    place: str = ""
    edit: Edit | None = None


def permutation(n: int) -> Int[Tensor, " input"]:
    """Return the input that each input is resampled from: one permutation, seed 0."""
    return torch.as_tensor(np.random.default_rng(NULL_SEED).permutation(n))


def taken(x: Tensor, mode: str) -> Tensor:
    """Return `x` [input, ...] taken away by `mode`."""
    if mode == "zero":
        return torch.zeros_like(x)
    if mode == "mean":
        return x.mean(0, keepdim=True).expand_as(x)
    return x[permutation(len(x))]


def added_by_neurons(snap: Snapshot) -> Float[Tensor, "input d_model"]:
    """Return what the last block's neurons add to the stream, for all inputs; kept."""
    if "added by neurons" not in snap.__dict__:
        block = last_block(snap.weights, snap.config)
        snap.__dict__["added by neurons"] = mlp_out(block, snap.neurons).detach()
    return snap.__dict__["added by neurons"]


def stream_at_end(snap: Snapshot) -> Float[Tensor, "input d_model"]:
    """Return the last block's final residual sum, before any normalisation."""
    return snap.answer.resid_mid + added_by_neurons(snap)


def mean_of(base: Float[Tensor, "input width"]) -> Float[Tensor, " width"]:
    """Return the mean over all inputs; of one row that is shown many times that row, to the bit."""
    return base[0] if base.stride(0) == 0 else base.mean(0)
