"""Fourier frequency density and Fourier coefficient ratio of the embedding."""

from collections.abc import Sequence

import numpy as np

from grokscope.harmonics.fourier import spectrum
from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.runs.snapshot import Snapshot

ETA = 0.5


def _densities(snaps: Sequence[Snapshot]) -> dict[str, np.ndarray]:
    tables = np.stack([snap.W_E for snap in snaps])
    parts = spectrum(tables)
    density = (parts > ETA * parts.max(2, keepdims=True)).mean((1, 2))
    small, large = parts.min(1), parts.max(1)
    paired = slice(0, small.shape[1] - 1) if tables.shape[1] % 2 == 0 else slice(None)
    used = large[:, paired] > 0
    ratio = np.where(used, small[:, paired] / np.where(used, large[:, paired], 1.0), 0.0).sum(1)
    count = used.sum(1)
    return {
        "ffd_embedding": density,
        "fcr_embedding": ratio / np.where(count > 0, count, np.nan),
    }


@measure(
    source="Furuta et al. 2024 (arXiv 2402.16726)",
    outputs={
        "ffd_embedding": Output(
            (),
            "Fourier frequency density of the embedding",
            "1",
            "(1/2K) sum_k [1(|mu_k| > .5 max |mu|) + 1(|nu_k| > .5 max |nu|)], mu, nu = cos and sin coefficients of "
            "W_E (norm over d_model), K = floor(n/2)",
        ),
        "fcr_embedding": Output(
            (),
            "Fourier coefficient ratio of the embedding",
            "1",
            "mean_k min(|mu_k|/|nu_k|, |nu_k|/|mu_k|)",
        ),
    },
    cost="weights",
    label_free=True,
    needs=("cyclic",),
    builtin=True,
    stacked=_densities,
)
def fourier_density(snap: Snapshot) -> dict[str, float]:
    """Share of frequencies in use, and the balance of cos and sin (Nyquist, which has no sin, left out)."""
    return stack_of_one(_densities, snap)
