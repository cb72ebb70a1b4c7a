"""Coset concentration: whether a neuron sees of each operand only which coset of a subgroup it lies in.

A neuron as a function of x is its mean over y, and as a function of y its mean over x. A circuit of cosets holds x to
the right cosets H x of a subgroup and y to the left cosets y K, so that x . y is held to H x y K.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.coset_concentration import coset_concentrations, lowest_by_chance
from grokscope.measures.registry import Output, measure
from grokscope.runs.neuron_sums import neuron_sums
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.subgroups import coset_partitions, proper_subgroups
from grokscope.runs.sums import N_DRAWS, NULL_SEED

CONCENTRATED = 0.1
_SOURCE = "Stander et al. 2024 (arXiv 2312.06581), with degrees of freedom"
_OPERANDS = {
    "first": ("x", "right cosets H x", "right"),
    "second": ("y", "left cosets y H", "left"),
}


def operand_means(snap: Snapshot) -> dict[str, Float[ndarray, "n neuron"]]:
    """Return each neuron's mean over the other operand, for the first and for the second; float64."""
    sums = neuron_sums(snap)
    return {"first": sums.mean + sums.first, "second": sums.mean + sums.second}


def _outputs() -> dict[str, Output]:
    found = {}
    for operand, (letter, words, _) in _OPERANDS.items():
        found[f"coset_concentration_{operand}"] = Output(
            ("neuron",),
            f"Coset concentration, {operand} operand",
            "1",
            f"min over subgroups H, neither trivial nor the group, of [W_H/(n-k)]/[T/(n-1)] of the neuron as a "
            f"function of {letter}: W_H its sum of squares within the k {words}, T its sum of squares; 1 on average "
            "by chance",
        )
        found[f"coset_order_{operand}"] = Output(
            ("neuron",),
            f"Order of the subgroup, {operand} operand",
            "elements",
            f"order of the largest subgroup H with [W_H/(n-k)]/[T/(n-1)] below {CONCENTRATED:g}; 1 where there is none",
        )
    return found


@measure(
    source=_SOURCE,
    outputs=_outputs(),
    reads=("activations",),
    label_free=True,
    needs=("product", "subgroups", "neurons"),
    builtin=True,
)
def coset_concentration(snap: Snapshot) -> dict[str, np.ndarray]:
    """How constant each neuron is on the cosets of the best of all subgroups, by operand; NaN for dead neurons."""
    orders, found = np.array([int(h.sum()) for h in proper_subgroups(snap)]), {}
    for operand, means in operand_means(snap).items():
        each = coset_concentrations(means, coset_partitions(snap, _OPERANDS[operand][2]))
        low = each < CONCENTRATED  # never where not-a-number
        found[f"coset_concentration_{operand}"] = each.min(0)
        found[f"coset_order_{operand}"] = np.where(low, orders[:, None], 1).max(0)
    return found


@measure(
    source="the null of coset_concentration",
    outputs={
        "coset_concentration_null": Output(
            ("draw",),
            "Coset concentration of relabelled elements",
            "1",
            f"mean over neurons and operands of coset_concentration under {N_DRAWS} random relabellings of the "
            "elements, seed 0",
        ),
        "neurons_concentrated": Output(
            (),
            "Neurons concentrated on cosets",
            "neurons",
            "neurons whose coset concentration is below that of every relabelling of the elements, for both operands",
        ),
    },
    reads=("activations",),
    label_free=True,
    at="final",
    needs=("product", "subgroups", "neurons"),
    builtin=True,
)
def coset_concentration_null(snap: Snapshot) -> dict[str, np.ndarray | int]:
    """What choosing the best of so many subgroups gives by chance, and how many neurons are below it."""
    draws, below = [], []
    for operand, means in operand_means(snap).items():
        partitions = coset_partitions(snap, _OPERANDS[operand][2])
        chance = lowest_by_chance(means, partitions, N_DRAWS, NULL_SEED)
        draws.append(chance)
        below.append(coset_concentrations(means, partitions).min(0) < chance.min(0))
    live = np.concatenate(draws, axis=1)
    live = live[:, ~np.isnan(live).any(0)]
    return {
        "coset_concentration_null": live.mean(1) if live.size else np.full(N_DRAWS, np.nan),
        "neurons_concentrated": int((below[0] & below[1]).sum()),
    }
