"""Gini coefficients: how sparse a spectrum is."""

import numpy as np

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.harmonics.fourier import gini as gini_coefficient
from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot

_FORMULA = "sum_i (2i - n - 1) x_(i) / (n sum x), x = the n norms of the Fourier components (constant, cos, sin) of {}"


def gini_of_spectrum(table: np.ndarray) -> float:
    """Return the Gini coefficient of the norms over columns of all n Fourier components of `table` [n, column]."""
    const, cos, sin = fourier_coefficients(table)
    n = len(table)
    norms = np.linalg.norm(np.concatenate([const[None], cos, sin]), axis=1)
    return gini_coefficient(norms[:n])


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 5",
    outputs={
        "gini_embedding": Output(
            (), "Gini coefficient of the embedding", "1", _FORMULA.format("W_E")
        ),
        "gini_neuron_logit_map": Output(
            (),
            "Gini coefficient of the neuron-logit map",
            "1",
            _FORMULA.format("W_L along the answers"),
        ),
    },
    cost="weights",
    label_free=True,
    needs=("cyclic",),
    builtin=True,
)
def gini(snap: Snapshot) -> dict[str, float]:
    """Sparsity of the embedding and of the neuron-logit map in the Fourier basis."""
    map_value = gini_of_spectrum(snap.W_L.T) if snap.has_neurons else float("nan")
    return {"gini_embedding": gini_of_spectrum(snap.W_E), "gini_neuron_logit_map": map_value}
