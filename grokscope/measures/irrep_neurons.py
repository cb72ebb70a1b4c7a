"""Neurons by representation, on groups that are not cyclic: which one explains each best, how well, how many."""

import numpy as np

from grokscope.measures.neuron_clusters import clusters
from grokscope.measures.registry import Output, measure
from grokscope.runs.key_irreps import neuron_irrep_shares
from grokscope.runs.snapshot import Snapshot


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 4.2, carried over to representations",
    outputs={
        "neuron_irrep": Output(
            ("neuron",),
            "Best representation of each neuron",
            "place along irrep",
            "argmax_rho of the fraction explained; 0 = dead",
        ),
        "neuron_fraction_explained": Output(
            ("neuron",),
            "Fraction of each neuron explained by its best representation",
            "1",
            "energy of h[:,:,n], centred over inputs, in {1, rho(x)_ij} x {1, rho(y)_kl} over its total energy",
        ),
        "neurons_per_irrep": Output(
            ("irrep",),
            "Neurons per representation",
            "neurons",
            "neurons whose best representation this is, fraction > .85",
        ),
        "neurons_explained": Output(
            (), "Neurons explained", "neurons", "neurons with fraction > .85"
        ),
        "neurons_dead": Output(
            (),
            "Dead neurons",
            "neurons",
            "neurons constant over all inputs; they count nowhere else",
        ),
        "irrep_concentration": Output(
            (),
            "Concentration on one representation",
            "1",
            "(max par(rho) - 1/K)/(1 - 1/K), par(rho) = share of live neurons whose best representation is rho, "
            "K = number of representations that are not trivial",
        ),
    },
    reads=("activations",),
    label_free=True,
    needs=("irreps", "neurons"),
    instead_of="neuron_clusters",
    builtin=True,
)
def neuron_irreps(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Best representation of each neuron and how much it explains."""
    found = clusters(neuron_irrep_shares(snap)[1:])
    return {
        "neuron_irrep": found["neuron_frequency"],
        "neuron_fraction_explained": found["neuron_fraction_explained"],
        "neurons_per_irrep": np.append(0, found["neurons_per_frequency"]),
        "neurons_explained": found["neurons_explained"],
        "neurons_dead": found["neurons_dead"],
        "irrep_concentration": found["frequency_concentration"],
    }
