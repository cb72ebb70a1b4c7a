"""Fourier frequency density and Fourier coefficient ratio of the embedding."""

import numpy as np

from grokscope.harmonics.fourier import spectrum
from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot

ETA = 0.5


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
)
def fourier_density(snap: Snapshot) -> dict[str, float]:
    """Share of frequencies in use, and the balance of cos and sin (Nyquist, which has no sin, left out)."""
    mu, nu = spectrum(snap.W_E)
    density = ((mu > ETA * mu.max()).mean() + (nu > ETA * nu.max()).mean()) / 2
    small, large = np.minimum(mu, nu), np.maximum(mu, nu)
    paired = slice(0, len(mu) - 1) if len(snap.W_E) % 2 == 0 else slice(None)
    used = np.flatnonzero(large[paired] > 0)
    ratio = (small[used] / large[used]).mean() if len(used) else np.nan
    return {"ffd_embedding": float(density), "fcr_embedding": float(ratio)}
