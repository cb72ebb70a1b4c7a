"""Neurons by frequency: which one explains each best, how well, how many there are, and how concentrated."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.measures.registry import Output, measure
from grokscope.runs.key import DEFAULT_RULE, neuron_shares
from grokscope.runs.snapshot import Snapshot

TOP_K = 5


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 4.2; concentration: arXiv 2606.12966",
    outputs={
        "neuron_frequency": Output(
            ("neuron",),
            "Best frequency of each neuron",
            "frequency",
            "argmax_k of the fraction explained; 0 = dead",
        ),
        "neuron_fraction_explained": Output(
            ("neuron",),
            "Fraction of each neuron explained by its best frequency",
            "1",
            "energy of h[:,:,n], centred over inputs, in {1,c_k,s_k} x {1,c_k,s_k} over its total energy",
        ),
        "neurons_per_frequency": Output(
            ("freq",),
            "Neurons per frequency",
            "neurons",
            "neurons whose best frequency this is, fraction > .85",
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
        "frequency_concentration": Output(
            (),
            "Frequency concentration",
            "1",
            "(max_k par(k) - 1/K)/(1 - 1/K), par(k) = share of live neurons whose best frequency is k, K = floor(n/2)",
        ),
        "frequency_concentration_top_k": Output(
            (),
            "Frequency concentration, five best",
            "1",
            "(sum of the five largest par(k) - 5/K)/(1 - 5/K); networks use several frequencies",
        ),
    },
    reads=("activations",),
    label_free=True,
    needs=("cyclic", "neurons"),
    builtin=True,
)
def neuron_clusters(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Best frequency of each neuron and how much it explains."""
    return clusters(neuron_shares(snap))


def clusters(shares: Float[ndarray, "part neuron"]) -> dict[str, np.ndarray | float]:
    """Return what `neuron_clusters` measures, from the share of each neuron that each part explains (NaN: dead)."""
    dead = np.isnan(shares).any(0)
    filled = np.nan_to_num(shares)
    best, fraction = filled.argmax(0), filled.max(0)
    explained = (fraction > DEFAULT_RULE.explained) & ~dead
    n_freq = len(shares)
    par = np.bincount(best[~dead], minlength=n_freq) / max(1, (~dead).sum())

    def concentration(k: int) -> float:
        if k >= n_freq or dead.all():
            return float("nan")
        return float((np.sort(par)[-k:].sum() - k / n_freq) / (1 - k / n_freq))

    return {
        "neuron_frequency": np.where(dead, 0, best + 1),
        "neuron_fraction_explained": np.where(dead, np.nan, fraction),
        "neurons_per_frequency": np.bincount(best[explained], minlength=n_freq),
        "neurons_explained": int(explained.sum()),
        "neurons_dead": int(dead.sum()),
        "frequency_concentration": concentration(1),
        "frequency_concentration_top_k": concentration(TOP_K),
    }
