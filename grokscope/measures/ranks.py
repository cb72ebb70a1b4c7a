"""Ranks: how many directions a weight matrix, or the representation, really uses."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import row_blocks
from grokscope.runs.snapshot import Snapshot


def squared_singular_values(matrix: np.ndarray) -> np.ndarray:
    """Return the squared singular values, descending, from the smaller Gram matrix in float64.

    Those that are rounding (below max(shape) eps of the largest) are 0: their many square roots would count as rank.
    """
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    squared = np.linalg.eigvalsh(gram)[::-1]
    rounding = max(matrix.shape) * np.finfo(np.float64).eps * max(squared[0], 0)
    return np.where(squared > rounding, squared, 0.0)


def effective_rank_of(squared: np.ndarray) -> float:
    """Return exp of the entropy of sigma / sum sigma; not-a-number for a matrix of zeros."""
    sigma = np.sqrt(squared)
    if sigma.sum() == 0:
        return float("nan")
    q = sigma / sigma.sum()
    q = q[q > 0]
    return float(np.exp(-(q * np.log(q)).sum()))


def stable_rank_of(squared: np.ndarray) -> float:
    """Return sum sigma^2 / max sigma^2; not-a-number for a matrix of zeros."""
    return float(squared.sum() / squared.max()) if squared.max() > 0 else float("nan")


def matrix_of(name: str, weight: np.ndarray) -> np.ndarray | None:
    """Return a weight as one matrix: heads side by side (W_O: stacked); None for a vector."""
    if weight.ndim == 2:
        return weight
    if weight.ndim == 3:
        if name.endswith("W_O"):
            return weight.reshape(-1, weight.shape[2])
        return weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    return None


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
)
def weight_ranks(snap: Snapshot) -> dict[str, np.ndarray]:
    """Effective and stable rank of each weight matrix."""
    effective, stable = [], []
    for name, weight in snap.weights.items():
        matrix = matrix_of(name, weight.double().numpy())
        squared = None if matrix is None else squared_singular_values(matrix)
        effective.append(np.nan if squared is None else effective_rank_of(squared))
        stable.append(np.nan if squared is None else stable_rank_of(squared))
    return {
        "effective_rank": np.array([*effective, np.nan]),
        "stable_rank": np.array([*stable, np.nan]),
    }


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
)
def neuron_logit_rank(snap: Snapshot) -> float:
    """Effective rank of the neuron-logit map: two for each frequency in use."""
    return effective_rank_of(squared_singular_values(snap.W_L))


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
    stream = snap.activations.resid_post.numpy()
    mean = stream.mean(0, dtype=np.float64)
    covariance = np.zeros((stream.shape[1], stream.shape[1]))
    for rows in row_blocks(*stream.shape):
        x = stream[rows] - mean
        covariance += x.T @ x
    squares = float(np.square(covariance).sum())
    return float(covariance.trace()) ** 2 / squares if squares > 0 else float("nan")
