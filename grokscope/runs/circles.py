"""A snapshot with one circle only: its operands' embeddings projected on one frequency."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.fourier import fourier_basis
from grokscope.models.families import logits_of, operand_weights

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def circle_basis(n: int, key: tuple[int, ...]) -> Float[Tensor, "component n"]:
    """Return the rows of the real Fourier basis at these frequencies, 0 being the constant; float64."""
    basis, names = fourier_basis(n)
    return torch.as_tensor(basis[[i for i, (freq, _) in enumerate(names) if freq in key]])


def circle_logits(snapshot: "Snapshot", k: int) -> Float[ndarray, "n n n"]:
    """Return the logits [x, y, c] when the operands' embeddings keep only their mean and frequency k; float64.

    All else is as it was: positions, the token `=`, values outside the group, attention that is computed anew.

    Source: Zhong et al. 2023 (arXiv 2306.17844), section 4, who keep two principal components in place of a frequency.
    """
    cyclic = snapshot.task.cyclic
    assert cyclic is not None
    kept = circle_basis(cyclic.n, (0, k))
    weights: dict[str, Tensor] = {name: w.double() for name, w in snapshot.weights.items()}
    # Operands that share their rows are projected twice, which changes nothing: -x has the frequencies of x.
    tokens = (cyclic.token_x, cyclic.token_y)
    for (name, first), values in zip(operand_weights(snapshot.config), tokens, strict=True):
        rows = first + torch.as_tensor(values)
        table = weights[name].clone()
        table[rows] = kept.T @ (kept @ table[rows])
        weights[name] = table
    with torch.no_grad():
        logits = logits_of(weights, snapshot.config, snapshot.plan)
    return logits.numpy()[cyclic.grid][..., cyclic.class_c]
