"""Fourier spectra of the embedding and of the neuron-logit map."""

import numpy as np

from grokscope.harmonics.fourier import spectrum
from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 4"


@measure(
    source=_SOURCE,
    outputs={
        "embedding_spectrum": Output(
            ("freq",),
            "Fourier spectrum of the embedding",
            "1",
            "sqrt(|cos part|^2 + |sin part|^2), parts = coefficients of W_E (number tokens) in the orthonormal "
            "real Fourier basis, norm over d_model",
        ),
        "embedding_spectrum_phase": Output(
            ("phase", "freq"),
            "Fourier spectrum of the embedding by phase",
            "1",
            "norm over d_model of the coefficients of W_E on sqrt(2/n) cos w_k x and sqrt(2/n) sin w_k x",
        ),
    },
    cost="weights",
    label_free=True,
    needs=("cyclic",),
    builtin=True,
)
def embedding_spectrum(snap: Snapshot) -> dict[str, np.ndarray]:
    """Norm of the embedding at each frequency; the token `=` is left out."""
    parts = spectrum(snap.W_E)
    return {"embedding_spectrum": np.hypot(*parts), "embedding_spectrum_phase": parts}


@measure(
    source=_SOURCE,
    dims=("freq",),
    long_name="Fourier spectrum of the neuron-logit map",
    formula="sqrt(|cos part|^2 + |sin part|^2) of W_L = W_out W_U along the answers, norm over neurons",
    cost="weights",
    label_free=True,
    needs=("cyclic", "neurons"),
    builtin=True,
)
def neuron_logit_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the neuron-logit map at each frequency."""
    return np.hypot(*spectrum(snap.W_L.T))
