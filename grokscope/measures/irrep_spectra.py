"""Spectra of the embedding and of the neuron-logit map by representation, on groups that are not cyclic."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.group_fourier import power
from grokscope.harmonics.irreps import Irreps
from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.runs.products import irreps_of
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 4; Chughtai et al. 2023 (arXiv 2302.03025)"
_FORMULA = (
    "sqrt of the squared components of {} in the orthonormal basis of rho's entries, summed over {}"
)


def spectrum_by_irrep(
    irreps: Irreps, tables: Float[ndarray, "step element column"]
) -> Float[ndarray, "step irrep"]:
    """Return the norm of each table in each representation."""
    return np.sqrt(power(tables.swapaxes(0, 1), irreps).sum(-1)).T


def _irreps(snaps: Sequence[Snapshot]) -> Irreps:
    irreps = irreps_of(snaps[0])
    assert irreps is not None
    return irreps


def _embedding_spectra(snaps: Sequence[Snapshot]) -> np.ndarray:
    return spectrum_by_irrep(_irreps(snaps), np.stack([snap.W_E for snap in snaps]))


def _neuron_logit_spectra(snaps: Sequence[Snapshot]) -> np.ndarray:
    return spectrum_by_irrep(_irreps(snaps), np.stack([snap.W_L.T for snap in snaps]))


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
    stacked=_embedding_spectra,
)
def irrep_embedding_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the embedding in each representation; the token `=` is left out."""
    return stack_of_one(_embedding_spectra, snap)


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
    stacked=_neuron_logit_spectra,
)
def irrep_neuron_logit_spectrum(snap: Snapshot) -> np.ndarray:
    """Norm of the neuron-logit map in each representation."""
    return stack_of_one(_neuron_logit_spectra, snap)
