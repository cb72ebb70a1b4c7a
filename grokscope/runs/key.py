"""Key frequencies of a snapshot: the three published rules, and their majority, the default.

The published rules disagree on real models: in one published run a frequency that carries the logits explains .78 of
each of its 88 neurons (a harmonic has the rest), so the neuron rule misses it; in a memorising network nearly every
frequency has a quarter of the largest embedding power, so the embedding rule finds most. Two of three are wrong
together less often.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.harmonics.fourier import spectrum
from grokscope.harmonics.neuron_fractions import neuron_fractions
from grokscope.harmonics.trig_share import trig_shares

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

RULES = ("neuron", "embedding", "logit")
MAJORITY = "majority"


@dataclass(frozen=True)
class KeyRule:
    """How key frequencies are chosen.

    Attributes
    ----------
    explained
        neuron: a neuron belongs to its best frequency where that explains more than this share.
    min_neurons
        neuron: a frequency is key where it has at least this many neurons, or a twentieth of all (two at least) where
        that is fewer.
    power
        embedding: a frequency is key where the power of W_E there is above this share of the largest.
    share
        logit: a frequency is key where cos w(x + y - c) has more than this share of the row-centred logit energy,
    above_flat
        logit: and more than this times the lower quartile of the shares, since memorised answers spread over all
        frequencies alike.
    """

    explained: float = 0.85
    min_neurons: int = 5
    power: float = 0.25
    share: float = 0.01
    above_flat: float = 10.0


DEFAULT_RULE = KeyRule()


def neuron_table(snapshot: "Snapshot") -> Float[ndarray, "n n neuron"]:
    """Return the neurons' activations by the exponents (x, y) of the operands."""
    cyclic = snapshot.task.cyclic
    if cyclic is None:
        raise RequestError(
            f"{snapshot.task.name} mod {snapshot.task.p} has no cyclic group", "a cyclic task"
        )
    activations = snapshot.neurons.numpy()
    rows = cyclic.rows
    if not np.array_equal(rows, np.arange(len(activations))):
        activations = activations[rows]
    return activations.reshape(cyclic.n, cyclic.n, -1)


def neuron_shares(snapshot: "Snapshot") -> Float[ndarray, "freq neuron"]:
    """Return the share of each neuron's energy that each frequency explains (NaN for dead neurons); kept."""
    if "neuron_shares" not in snapshot.__dict__:
        snapshot.__dict__["neuron_shares"] = neuron_fractions(neuron_table(snapshot))
    return snapshot.__dict__["neuron_shares"]


def logit_shares(snapshot: "Snapshot") -> Float[ndarray, " freq"]:
    """Return the share of row-centred logit energy on cos w_k(x + y - c) for each frequency; kept."""
    if "logit_shares" not in snapshot.__dict__:
        cyclic = snapshot.task.cyclic
        if cyclic is None:
            raise RequestError(
                f"{snapshot.task.name} mod {snapshot.task.p} has no cyclic group", "a cyclic task"
            )
        logits = snapshot.answer_logits.numpy()[cyclic.rows][:, cyclic.class_c]
        snapshot.__dict__["logit_shares"] = trig_shares(logits, cyclic.row_sum)
    return snapshot.__dict__["logit_shares"]


def key_frequencies(
    snapshot: "Snapshot", rule: str = MAJORITY, options: KeyRule = DEFAULT_RULE
) -> tuple[int, ...]:
    """Return the key frequencies of a snapshot, ascending; () where there are none or the task is not cyclic.

    - neuron: the frequency that explains most of each neuron, kept if it explains more than .85 for at least five
      neurons; a model without neurons has none;
    - embedding: power of W_E above a quarter of the largest;
    - logit: more than 1 % of the row-centred logit energy on cos w(x + y - c), and ten times the lower quartile;
    - majority (default): at least two of the three (without neurons: both others).

    Source: Nanda et al. 2023, section 4 and its code, which use all three.

    Raises
    ------
    RequestError
        For an unknown rule.
    """
    check_rule(rule)
    if snapshot.task.cyclic is None:
        return ()
    if rule == MAJORITY:
        votes = np.sum([_votes(snapshot, each, options) for each in RULES], axis=0)
        key = votes >= 2
    else:
        key = _votes(snapshot, rule, options)
    return tuple(int(k) + 1 for k in np.flatnonzero(key))


def check_rule(rule: str) -> None:
    """Raise RequestError for an unknown rule."""
    names = (MAJORITY, *RULES)
    if rule not in names:
        raise RequestError(f"unknown rule '{rule}'", ", ".join(names), nearest(rule, names))


def _votes(snapshot: "Snapshot", rule: str, options: KeyRule) -> Bool[ndarray, " freq"]:
    if rule == "neuron":
        if not snapshot.has_neurons:
            return np.zeros(len(logit_shares(snapshot)), dtype=bool)
        shares = np.nan_to_num(neuron_shares(snapshot))
        explained = shares.max(0) > options.explained
        count = np.bincount(shares.argmax(0)[explained], minlength=len(shares))
        few = max(2, min(options.min_neurons, shares.shape[1] // 20))
        return count >= few
    if rule == "embedding":
        power = np.square(spectrum(snapshot.W_E)).sum(0)
        return power > options.power * power.max()
    shares = np.nan_to_num(logit_shares(snapshot))
    return (shares > options.share) & (shares > options.above_flat * np.quantile(shares, 0.25))
