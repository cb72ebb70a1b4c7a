"""Ranks: how many directions a weight matrix, or the representation, really uses."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.runs.blocks import row_blocks
from grokscope.runs.snapshot import Snapshot


def squared_singular_values(
    matrices: Float[ndarray, "step row column"],
) -> Float[ndarray, "step sigma"]:
    """Return the squared singular values, descending, from the smaller Gram matrices in float64.

    Those that are rounding (below max(shape) eps of the largest) are 0: their many square roots would count as rank.
    """
    turned = matrices.swapaxes(1, 2)
    small = matrices.shape[1] <= matrices.shape[2]
    squared = np.linalg.eigvalsh(matrices @ turned if small else turned @ matrices)[:, ::-1]
    rounding = max(matrices.shape[1:]) * np.finfo(np.float64).eps * np.maximum(squared[:, :1], 0)
    return np.where(squared > rounding, squared, 0.0)


def effective_rank_of(squared: Float[ndarray, "step sigma"]) -> Float[ndarray, " step"]:
    """Return exp of the entropy of sigma / sum sigma; not-a-number for a matrix of zeros."""
    sigma = np.sqrt(squared)
    total = sigma.sum(1, keepdims=True)
    q = sigma / np.where(total > 0, total, np.nan)
    return np.exp(-(q * np.log(np.where(q > 0, q, 1.0))).sum(1))


def stable_rank_of(squared: Float[ndarray, "step sigma"]) -> Float[ndarray, " step"]:
    """Return sum sigma^2 / max sigma^2; not-a-number for a matrix of zeros."""
    largest = squared.max(1)
    return squared.sum(1) / np.where(largest > 0, largest, np.nan)


def matrix_of(name: str, weight: np.ndarray) -> np.ndarray | None:
    """Return a weight as one matrix: heads side by side (W_O: stacked); None for a vector."""
    if weight.ndim == 2:
        return weight
    if weight.ndim == 3:
        if name.endswith("W_O"):
            return weight.reshape(-1, weight.shape[2])
        return weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    return None


def _weight_ranks(snaps: Sequence[Snapshot]) -> dict[str, np.ndarray]:
    nothing = np.full(len(snaps), np.nan)
    effective, stable = [], []
    for name in snaps[0].weights:
        matrices = [matrix_of(name, snap.weights[name].double().numpy()) for snap in snaps]
        known = [matrix for matrix in matrices if matrix is not None]
        squared = squared_singular_values(np.stack(known)) if known else None
        effective.append(nothing if squared is None else effective_rank_of(squared))
        stable.append(nothing if squared is None else stable_rank_of(squared))
    return {
        "effective_rank": np.stack([*effective, nothing], axis=1),
        "stable_rank": np.stack([*stable, nothing], axis=1),
    }


def _neuron_logit_ranks(snaps: Sequence[Snapshot]) -> np.ndarray:
    return effective_rank_of(squared_singular_values(np.stack([snap.W_L for snap in snaps])))


@measure(
    source="Roy & Vetterli 2007 (effective rank)",
    outputs={
        "effective_rank": Output(
            ("param",),
            "Effective rank",
            "1",
            "exp(entropy of sigma / sum sigma), heads side by side as one matrix",
        ),
        "stable_rank": Output(("param",), "Stable rank", "1", "|W|_F^2 / sigma_1^2"),
    },
    cost="weights",
    label_free=True,
    builtin=True,
    stacked=_weight_ranks,
)
def weight_ranks(snap: Snapshot) -> dict[str, np.ndarray]:
    """Effective and stable rank of each weight matrix."""
    return stack_of_one(_weight_ranks, snap)


@measure(
    source="Roy & Vetterli 2007",
    outputs={
        "effective_rank_neuron_logit_map": Output(
            (),
            "Effective rank of the neuron-logit map",
            "1",
            "exp(entropy of sigma / sum sigma) of W_L = W_out W_U",
        )
    },
    cost="weights",
    label_free=True,
    needs=("neurons",),
    builtin=True,
    stacked=_neuron_logit_ranks,
)
def neuron_logit_rank(snap: Snapshot) -> float:
    """Effective rank of the neuron-logit map: two for each frequency in use."""
    return float(stack_of_one(_neuron_logit_ranks, snap))


@measure(
    source="the participation ratio of a spectrum",
    long_name="Participation ratio of the representation",
    formula="(sum l)^2 / sum l^2, l = eigenvalues of the covariance, over all inputs, of the stream before the "
    "unembedding",
    reads=("activations",),
    label_free=True,
    builtin=True,
)
def participation_ratio(snap: Snapshot) -> float:
    """Number of directions in which the final residual stream varies."""
    stream = snap.answer.resid_post.numpy()
    mean = stream.mean(0, dtype=np.float64)
    covariance = np.zeros((stream.shape[1], stream.shape[1]))
    for rows in row_blocks(*stream.shape):
        # Products in the precision of the weights: a ratio of sums of squares, of which the rounding is random.
        x = (stream[rows] - mean).astype(stream.dtype)
        covariance += x.T @ x
    squares = float(np.square(covariance).sum())
    return float(covariance.trace()) ** 2 / squares if squares > 0 else float("nan")
