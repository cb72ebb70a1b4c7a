"""Norms of the weights and what became of them, ranks of the weights and of the representation."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import NOTHING, Numbers

Weights = Mapping[str, Tensor]


def norms(weights: Weights, initial: Weights, previous: Weights | None) -> Numbers:
    """Return squared norms, their growth, the distance moved and the turn, of each weight and of all as one vector.

    Sources: Nanda et al. 2023 (arXiv 2301.05217); Liu et al. 2022 (arXiv 2210.01117).
    """

    def of_each(number: Callable[[Tensor, Tensor], Tensor], other: Weights) -> list[float]:
        pairs = [
            (weights[name].double().flatten(), other[name].double().flatten()) for name in weights
        ]
        everything = tuple(torch.cat(side) for side in zip(*pairs, strict=True))
        return [float(number(now, then)) for now, then in [*pairs, everything]]

    def ratio(now: Tensor, then: Tensor) -> Tensor:
        size = then.norm()
        return now.norm() / size if size > 0 else torch.tensor(NOTHING)

    def cosine(now: Tensor, then: Tensor) -> Tensor:
        return now @ then / (now.norm() * then.norm())

    before = [NOTHING] * (len(weights) + 1) if previous is None else of_each(cosine, previous)
    return {
        "weight_norm_squared": of_each(lambda now, then: now.square().sum(), weights),
        "weight_norm_ratio": of_each(ratio, initial),
        "weight_distance": of_each(lambda now, then: (now - then).norm(), initial),
        "weight_cosine_previous": before,
    }


def ranks(weights: Weights, w_l: Float[Tensor, "neuron p"]) -> Numbers:
    """Return effective and stable rank of each matrix, by its singular values; there is none of a vector, or of all.

    Source: Roy & Vetterli 2007.
    """
    effective, stable = [], []
    for name, weight in weights.items():
        matrix = weight.double()
        if matrix.ndim == 3:
            matrix = matrix.flatten(0, 1) if name.endswith("W_O") else torch.cat([*matrix], dim=1)
        sigma = torch.linalg.svdvals(matrix) if matrix.ndim == 2 else torch.zeros(1)
        some = bool(sigma[0] > 0)
        effective.append(effective_rank(sigma) if some else NOTHING)
        stable.append(float((sigma / sigma[0]).square().sum()) if some else NOTHING)
    return {
        "effective_rank": [*effective, NOTHING],
        "stable_rank": [*stable, NOTHING],
        "effective_rank_neuron_logit_map": [effective_rank(torch.linalg.svdvals(w_l))],
    }


def effective_rank(sigma: Float[Tensor, " sigma"]) -> float:
    """Return exp of the entropy of sigma / sum sigma."""
    q = sigma / sigma.sum()
    return float(torch.special.entr(q).sum().exp())


def participation_ratio(stream: Float[Tensor, "input d_model"]) -> Numbers:
    """Return (sum l)^2 / sum l^2 of the eigenvalues l of the covariance of the stream before the unembedding."""
    values = torch.linalg.eigvalsh(torch.cov(stream.double().T))
    return {"participation_ratio": [float(values.sum() ** 2 / values.square().sum())]}
