"""Gini coefficients: how sparse a spectrum is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.harmonics.fourier import gini as gini_coefficient
from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.runs.snapshot import Snapshot

_FORMULA = "sum_i (2i - n - 1) x_(i) / (n sum x), x = the n norms of the Fourier components (constant, cos, sin) of {}"


def gini_of_spectrum(
    tables: Float[ndarray, "step n column"],
) -> Float[ndarray, " step"]:
    """Return the Gini coefficient of the norms over columns of all n Fourier components of each table."""
    const, cos, sin = fourier_coefficients(tables)
    norms = np.linalg.norm(np.concatenate([const[:, None], cos, sin], axis=1), axis=2)
    return gini_coefficient(norms[:, : tables.shape[1]])


def _ginis(snaps: Sequence[Snapshot]) -> dict[str, np.ndarray]:
    maps = np.full(len(snaps), np.nan)
    if snaps[0].has_neurons:
        maps = gini_of_spectrum(np.stack([snap.W_L.T for snap in snaps]))
    return {
        "gini_embedding": gini_of_spectrum(np.stack([snap.W_E for snap in snaps])),
        "gini_neuron_logit_map": maps,
    }


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
    stacked=_ginis,
)
def gini(snap: Snapshot) -> dict[str, float]:
    """Sparsity of the embedding and of the neuron-logit map in the Fourier basis."""
    return stack_of_one(_ginis, snap)
