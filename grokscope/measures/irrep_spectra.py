"""Spectra of the embedding and of the neuron-logit map by representation, on groups that are not cyclic."""

import numpy as np

from grokscope.harmonics.group_fourier import power
from grokscope.measures.registry import Output, measure
from grokscope.runs.products import irreps_of
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 4; Chughtai et al. 2023 (arXiv 2302.03025)"
_FORMULA = (
    "sqrt of the squared components of {} in the orthonormal basis of rho's entries, summed over {}"
)


def spectrum_by_irrep(snap: Snapshot, table: np.ndarray) -> np.ndarray:
    """Return the norm of `table` [element, column] in each representation."""
    irreps = irreps_of(snap)
    assert irreps is not None
    return np.sqrt(power(table, irreps).sum(1))


@measure(
    source=_SOURCE,
    outputs={
        "embedding_spectrum": Output(
            ("irrep",),
            "Spectrum of the embedding by representation",
            "1",
            _FORMULA.format("W_E (tokens of elements)", "them and d_model"),
        )
    },
    cost="weights",
    label_free=True,
    needs=("irreps",),
    instead_of="embedding_spectrum",
    builtin=True,
)
def irrep_embedding_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the embedding in each representation; the token `=` is left out."""
    return spectrum_by_irrep(snap, snap.W_E)


@measure(
    source=_SOURCE,
    outputs={
        "neuron_logit_spectrum": Output(
            ("irrep",),
            "Spectrum of the neuron-logit map by representation",
            "1",
            _FORMULA.format("W_L = W_out W_U along the answers", "them and neurons"),
        )
    },
    cost="weights",
    label_free=True,
    needs=("irreps", "neurons"),
    instead_of="neuron_logit_spectrum",
    builtin=True,
)
def irrep_neuron_logit_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the neuron-logit map in each representation."""
    return spectrum_by_irrep(snap, snap.W_L.T)
