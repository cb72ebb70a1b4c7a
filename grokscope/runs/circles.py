"""A snapshot with one circle only: its operands' embeddings projected on one frequency."""

from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.circle_forms import circle_turn
from grokscope.harmonics.fourier import fourier_basis
from grokscope.models.families import logits_of, operand_weights
from grokscope.runs.operand_tables import operand_tables_of

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

LEAST_ALIGNMENT = 0.9
"""Of two operands' circles that are one circle, turned."""
LEAST_POWER = 0.5
"""Of a principal component that belongs to a frequency, the share of its power there."""


def circle_basis(n: int, key: tuple[int, ...]) -> Float[Tensor, "component n"]:
    """Return the rows of the real Fourier basis at these frequencies, 0 being the constant; float64."""
    basis, names = fourier_basis(n)
    return torch.as_tensor(basis[[i for i, (freq, _) in enumerate(names) if freq in key]])


def turns_of(snapshot: "Snapshot", key: tuple[int, ...]) -> dict[int, float]:
    """Return for each frequency the angle by which the second operand's circle is ahead, 0 where they share it.

    Operands with an embedding each may have the same circle turned. It counts as that where the alignment of what both
    bring in (`circle_turn`) is at least .9; otherwise neurons have phases of their own, and there is no common angle.
    """
    cyclic = snapshot.task.cyclic
    assert cyclic is not None
    (first, start), (second, later) = operand_weights(snapshot.config)
    tokens = {start + int(t) for t in cyclic.token_x}, {later + int(t) for t in cyclic.token_y}
    if first == second and tokens[0] & tokens[1]:
        return dict.fromkeys(key, 0.0)
    tables = operand_tables_of(snapshot)
    found = {k: circle_turn(*tables, k) for k in key}
    return {
        k: turn if alignment >= LEAST_ALIGNMENT else 0.0 for k, (alignment, turn) in found.items()
    }


def circle_logits(
    snapshot: "Snapshot", k: int, by: Literal["frequency", "components"] = "frequency"
) -> Float[ndarray, "n n n"]:
    """Return the logits [x, y, c] when the operands' embeddings keep only their mean and one circle.

    The embeddings are projected in float64; the forward is in the precision of the weights, as that of the model is.

    All else is as it was: positions, the token `=`, values outside the group, attention that is computed anew.

    Parameters
    ----------
    k
        The circle's frequency.
    by
        What the circle is: frequency k of the embedding, or, as published, the two of its principal components that
        have most of their power there. Not-a-number where two components have less than half of their power there.

    Source: Zhong et al. 2023 (arXiv 2306.17844), section 4.
    """
    cyclic = snapshot.task.cyclic
    assert cyclic is not None
    weights: dict[str, Tensor] = dict(snapshot.weights)
    # Operands that share their rows are projected twice, which changes nothing: -x has the frequencies of x.
    tokens = (cyclic.token_x, cyclic.token_y)
    for (name, first), values in zip(operand_weights(snapshot.config), tokens, strict=True):
        rows = first + torch.as_tensor(values)
        table = weights[name].double()
        kept = circle_basis(cyclic.n, (0, k))
        if by == "components":
            kept = _two_components(snapshot.weights[name].double()[rows], kept)
        projected = kept.T @ (kept @ table[rows])
        weights[name] = weights[name].index_copy(0, rows, projected.to(weights[name].dtype))
    with torch.no_grad():
        logits = logits_of(weights, snapshot.config, snapshot.plan)
    rows, classes = (torch.as_tensor(i) for i in (cyclic.grid.reshape(-1), cyclic.class_c))
    chosen = logits.index_select(0, rows).index_select(1, classes)
    return chosen.reshape(cyclic.n, cyclic.n, cyclic.n).numpy()


def _two_components(
    table: Float[Tensor, "n column"], basis: Float[Tensor, "row n"]
) -> Float[Tensor, "row n"]:
    """Return the constant and the two left singular vectors of the centred table with most power in `basis`."""
    left, sigma, _ = torch.linalg.svd(table - table.mean(0), full_matrices=False)
    power = (basis[1:] @ left).square().sum(0)
    power[sigma <= 1e-9 * sigma[0]] = 0
    best = power.argsort(descending=True)[: len(basis) - 1]
    found = torch.cat([basis[:1], left[:, best].T])
    return found if bool((power[best] > LEAST_POWER).all()) else torch.full_like(found, torch.nan)
