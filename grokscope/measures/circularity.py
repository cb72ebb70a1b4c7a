"""Circularity: whether the embedding lies on circles."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.measures.registry import measure, stack_of_one
from grokscope.runs.snapshot import Snapshot

N_COMPONENTS = 4
NO_SPREAD = 1e-6


def circularity_of(
    embeddings: Float[ndarray, "step n d_model"],
) -> Float[ndarray, " step"]:
    """Return the mean over the first four principal components of the largest single-frequency share of their power.

    Components without spread (singular value below 1e-6 of the largest) have an arbitrary direction and are left out;
    not-a-number where there is none with spread.
    """
    centred = embeddings - embeddings.mean(1, keepdims=True)
    u, sigma, _ = np.linalg.svd(centred, full_matrices=False)
    largest = np.maximum(sigma[:, 0], np.abs(embeddings).max((1, 2)))
    spread = sigma[:, :N_COMPONENTS] > NO_SPREAD * largest[:, None]
    _, cos, sin = fourier_coefficients(u[:, :, :N_COMPONENTS])
    power = cos**2 + sin**2
    shares = power.max(1) / np.where(spread, power.sum(1), 1.0)
    count = spread.sum(1)
    return np.where(spread, shares, 0.0).sum(1) / np.where(count > 0, count, np.nan)


def _circularities(snaps: Sequence[Snapshot]) -> np.ndarray:
    return circularity_of(np.stack([snap.W_E for snap in snaps]))


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844)",
    long_name="Circularity of the embedding",
    formula="mean over the first four principal components of W_E of max_k P_k / sum_k P_k, P = power at frequency k",
    cost="weights",
    label_free=True,
    needs=("cyclic",),
    builtin=True,
    stacked=_circularities,
)
def circularity(snap: Snapshot) -> float:
    """Share of a single frequency in each of the first four principal components of the embedding."""
    return float(stack_of_one(_circularities, snap))
