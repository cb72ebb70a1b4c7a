"""Fourier spectra of the embedding and of the neuron-logit map."""

from collections.abc import Sequence

import numpy as np

from grokscope.harmonics.fourier import spectrum
from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 4"


def _embedding_spectra(snaps: Sequence[Snapshot]) -> dict[str, np.ndarray]:
    parts = spectrum(np.stack([snap.W_E for snap in snaps]))
    return {
        "embedding_spectrum": np.hypot(parts[:, 0], parts[:, 1]),
        "embedding_spectrum_phase": parts,
    }


def _neuron_logit_spectra(snaps: Sequence[Snapshot]) -> np.ndarray:
    parts = spectrum(np.stack([snap.W_L.T for snap in snaps]))
    return np.hypot(parts[:, 0], parts[:, 1])


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
    stacked=_embedding_spectra,
)
def embedding_spectrum(snap: Snapshot) -> dict[str, np.ndarray]:
    """Norm of the embedding at each frequency; the token `=` is left out."""
    return stack_of_one(_embedding_spectra, snap)


@measure(
    source=_SOURCE,
    dims=("freq",),
    long_name="Fourier spectrum of the neuron-logit map",
    formula="sqrt(|cos part|^2 + |sin part|^2) of W_L = W_out W_U along the answers, norm over neurons",
    cost="weights",
    label_free=True,
    needs=("cyclic", "neurons"),
    builtin=True,
    stacked=_neuron_logit_spectra,
)
def neuron_logit_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the neuron-logit map at each frequency."""
    return stack_of_one(_neuron_logit_spectra, snap)
