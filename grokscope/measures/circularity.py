"""Circularity: whether the embedding lies on circles."""

import numpy as np

from grokscope.measures.registry import measure
from grokscope.runs.snapshot import Snapshot

N_COMPONENTS = 4
NO_SPREAD = 1e-6


def circularity_of(embedding: np.ndarray) -> float:
    """Return the mean over the first four principal components of the largest single-frequency share of their power.

    Components without spread (singular value below 1e-6 of the largest) have an arbitrary direction and are left out;
    not-a-number where there is none with spread.
    """
    centred = embedding - embedding.mean(0)
    u, sigma, _ = np.linalg.svd(centred, full_matrices=False)
    spread = sigma[:N_COMPONENTS] > NO_SPREAD * max(sigma[0], np.abs(embedding).max())
    if not spread.any():
        return float("nan")
    power = np.abs(np.fft.rfft(u[:, :N_COMPONENTS][:, spread], axis=0)[1:]) ** 2
    if len(embedding) % 2 == 0:
        power[-1] /= 2
    return float((power.max(0) / power.sum(0)).mean())


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844)",
    long_name="Circularity of the embedding",
    formula="mean over the first four principal components of W_E of max_k P_k / sum_k P_k, P = power at frequency k",
    cost="weights",
    label_free=True,
    needs=("cyclic",),
    builtin=True,
)
def circularity(snap: Snapshot) -> float:
    """Share of a single frequency in each of the first four principal components of the embedding."""
    return circularity_of(snap.W_E)
