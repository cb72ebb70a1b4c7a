"""Restricted and excluded loss on groups that are not cyclic: with the entries of the key representations of x . y.

The functions are those of the cyclic measures; `runs.sums` gives them the spans of rho(x . y) in place of cos w(x+y),
sin w(x+y). Bases of these spans are orthonormal with the right rank, d^2 / c functions for a real representation of
degree d and commutant of dimension c. Plain QR of all d^2 entries adds arbitrary directions where they are dependent.
"""

import numpy as np

from grokscope.measures.excluded_loss import excluded_loss
from grokscope.measures.neuron_projection import neuron_projection
from grokscope.measures.registry import Output, measure
from grokscope.measures.restricted_loss import (
    restricted_loss,
    restricted_loss_held_out,
    restricted_loss_held_out_current,
)
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import N_DRAWS

_SOURCE = "Chughtai et al. 2023 (arXiv 2302.03025), section 5"
_HELD_OUT = (
    "as restricted_loss, but the projection (constant, entries of rho(x . y)) is fitted by least squares on the "
    "twin-free test rows and the loss taken there: no training row leaks in"
)
_NULL = (
    f"the same with the entries of rho(pi(x . y)), pi one of {N_DRAWS} random relabellings of the group's elements, "
    "seed 0; not-a-number where the key representations span all functions"
)
_EXCLUDED = (
    "cross-entropy over the answers, training rows, of L minus its projection on the entries of "
    "rho(x . y), {}"
)


@measure(
    source=_SOURCE + "; with the mean logits kept as by Nanda et al. 2023",
    outputs={
        "restricted_loss": Output(
            ("rows",),
            "Restricted loss (projection fitted on all rows, as published)",
            "nat",
            "cross-entropy over the answers of mean_xy L + projection of L on the entries of rho(x . y), rho key",
        )
    },
    reads=("activations", "test labels"),
    causal=False,
    needs=("irreps",),
    instead_of="restricted_loss",
    builtin=True,
)
def irrep_restricted_loss(snap: Snapshot) -> np.ndarray:
    """Loss when only the functions of x . y in the key representations are kept, projected over all rows.

    A projection fitted on all rows carries memorised training logits: prefer `restricted_loss_held_out`.
    """
    return restricted_loss(snap)


def _held_out_outputs(suffix: str, which: str) -> dict[str, Output]:
    return {
        f"restricted_loss_held_out{suffix}": Output(
            (), f"Held-out restricted loss, {which}", "nat", _HELD_OUT
        ),
        f"restricted_loss_held_out{suffix}_se": Output(
            (),
            f"Standard error of the held-out restricted loss, {which}",
            "nat",
            "std over rows / sqrt(rows)",
        ),
        f"restricted_loss_null{suffix}": Output(
            ("draw",),
            f"Held-out restricted loss of relabelled representations, {which}",
            "nat",
            _NULL,
        ),
    }


@measure(
    source="the held-out form of " + _SOURCE,
    outputs=_held_out_outputs("", "final key representations"),
    reads=("activations", "test labels"),
    causal=False,
    needs=("irreps", "split"),
    instead_of="restricted_loss_held_out",
    builtin=True,
)
def irrep_restricted_loss_held_out(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """Restricted loss fitted and evaluated on twin-free test rows, beside 20 random relabellings."""
    return restricted_loss_held_out(snap)


@measure(
    source="the held-out form of " + _SOURCE,
    outputs=_held_out_outputs("_current", "key representations of the step"),
    reads=("activations", "test labels"),
    needs=("irreps", "split"),
    instead_of="restricted_loss_held_out_current",
    builtin=True,
)
def irrep_restricted_loss_held_out_current(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """The same with the key representations that the step itself shows, for runs that are still going."""
    return restricted_loss_held_out_current(snap)


@measure(
    source=_SOURCE,
    outputs={
        "excluded_loss": Output(
            (),
            "Excluded loss, all key representations at once",
            "nat",
            _EXCLUDED.format("all key rho together"),
        ),
        "excluded_loss_each": Output(
            ("irrep",),
            "Excluded loss, one representation at a time",
            "nat",
            _EXCLUDED.format("each rho by itself"),
        ),
        "excluded_loss_null": Output(
            ("draw",), "Excluded loss of relabelled representations", "nat", _NULL
        ),
    },
    reads=("activations", "training rows"),
    label_free=True,
    causal=False,
    needs=("irreps", "split"),
    instead_of="excluded_loss",
    builtin=True,
)
def irrep_excluded_loss(snap: Snapshot) -> dict[str, float | np.ndarray]:
    """Training loss when the key representations are taken away, together and one at a time, beside relabelled ones.

    The projection is over all rows, as published. It uses training labels only.
    """
    return excluded_loss(snap)


@measure(
    source=_SOURCE + "; with the mean activations and the skip path kept",
    outputs={
        "restricted_loss_neuron": Output(
            ("rows",),
            "Restricted loss at the neurons",
            "nat",
            "cross-entropy when each neuron is its mean plus its projection on the entries of rho(x . y), rho key; "
            "the stream that skips the neurons is kept",
        ),
        "excluded_loss_neuron": Output(
            (),
            "Excluded loss at the neurons",
            "nat",
            "training rows; each neuron without its projection on the entries of rho(x . y), rho key",
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    needs=("irreps", "neurons"),
    instead_of="neuron_projection",
    builtin=True,
)
def irrep_neuron_projection(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Restricted and excluded loss with the projection applied before the neuron-logit map."""
    return neuron_projection(snap)
