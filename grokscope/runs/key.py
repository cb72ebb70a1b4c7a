"""Key frequencies of a snapshot: the three published rules, one default."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.harmonics.fourier import spectrum
from grokscope.harmonics.neuron_fractions import neuron_fractions
from grokscope.harmonics.trig_share import trig_shares

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

RULES = ("neuron", "embedding", "logit")


@dataclass(frozen=True)
class KeyRule:
    """How key frequencies are chosen.

    Attributes
    ----------
    explained
        neuron: a neuron belongs to its best frequency where that explains more than this share.
    min_neurons
        neuron: a frequency is key where it has at least this many neurons.
    power
        embedding: a frequency is key where the power of W_E there is above this share of the largest.
    share
        logit: a frequency is key where cos w(x + y - c) has more than this share of the row-centred logit energy.
    """

    explained: float = 0.85
    min_neurons: int = 5
    power: float = 0.25
    share: float = 0.01


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
    snapshot: "Snapshot", rule: str | None = None, options: KeyRule = DEFAULT_RULE
) -> tuple[int, ...]:
    """Return the key frequencies of a snapshot, ascending; () where there are none or the task is not cyclic.

    - neuron (default): the frequency that explains most of each neuron, kept if it explains more than .85 for at least
      five neurons;
    - embedding (default without neurons): power of W_E above a quarter of the largest;
    - logit: more than 1 % of the row-centred logit energy on cos w(x + y - c).

    Source: Nanda et al. 2023, section 4 and its code, which use all three.
    """
    if rule is None:
        rule = default_rule(snapshot)
    if rule not in RULES:
        raise RequestError(f"unknown rule '{rule}'", ", ".join(RULES), nearest(rule, RULES))
    if snapshot.task.cyclic is None:
        return ()
    if rule == "neuron":
        if not snapshot.has_neurons:
            return ()
        shares = np.nan_to_num(neuron_shares(snapshot))
        explained = shares.max(0) > options.explained
        count = np.bincount(shares.argmax(0)[explained], minlength=len(shares))
        key = count >= options.min_neurons
    elif rule == "embedding":
        power = np.square(spectrum(snapshot.W_E)).sum(0)
        key = power > options.power * power.max()
    else:
        key = logit_shares(snapshot) > options.share
    return tuple(int(k) + 1 for k in np.flatnonzero(key))


def default_rule(snapshot: "Snapshot") -> str:
    """Return the rule used unless another is asked for: neuron, or embedding for a model without neurons."""
    return "neuron" if snapshot.has_neurons else "embedding"
