"""Key frequencies of a snapshot: the three published rules, their majority, which is the default, and one more.

The published rules disagree on real models: in one published run a frequency that carries the logits explains .78 of
each of its 88 neurons (a harmonic has the rest), so the neuron rule misses it; in a memorising network nearly every
frequency has a quarter of the largest embedding power, so the embedding rule finds most. Two of three are wrong
together less often.

Frequencies are those of cyclic groups; `key_irreps` has the same rules for representations of any other group.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.harmonics.fourier import spectrum
from grokscope.harmonics.neuron_fractions import fractions_of_sums
from grokscope.harmonics.trig_share import shares_of_totals
from grokscope.runs.blocks import answer_blocks
from grokscope.runs.neuron_sums import neuron_sums
from grokscope.runs.row_statistics import row_statistics
from grokscope.runs.sums import mean_logits
from grokscope.tasks.table import CyclicForm

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

RULES = ("neuron", "embedding", "logit")
MAJORITY = "majority"
SIMILARITY = "similarity"
GROUP_RULES = (*RULES, SIMILARITY)
"""The rules that a dataset shows beside each other for a group that is not cyclic."""


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
    solved, of_mean
        logit: where no frequency stands out though the model answers more than `solved` of all inputs, the flat
        background is the circuit, as in the closed-form solution of Gromov 2023 (arXiv 2301.02679): key are those with
        more than `of_mean` of the mean share.
    similarity
        similarity: a frequency is key where the cosine of the row-centred logits with cos w(x + y - c) is above this
        (Chughtai et al. 2023, arXiv 2302.03025). It says nothing before a network generalises.
    """

    explained: float = 0.85
    min_neurons: int = 5
    power: float = 0.25
    share: float = 0.01
    above_flat: float = 10.0
    solved: float = 0.95
    of_mean: float = 0.5
    similarity: float = 0.005


DEFAULT_RULE = KeyRule()


def neuron_shares(snapshot: "Snapshot") -> Float[ndarray, "freq neuron"]:
    """Return the share of each neuron's energy that each frequency explains (NaN for dead neurons); kept."""
    if "neuron_shares" not in snapshot.__dict__:
        snapshot.__dict__["neuron_shares"] = fractions_of_sums(neuron_sums(snapshot))
    return snapshot.__dict__["neuron_shares"]


def logit_shares(snapshot: "Snapshot") -> Float[ndarray, " freq"]:
    """Return the share of row-centred logit energy on cos w_k(x + y - c) for each frequency; kept."""
    if "logit_shares" not in snapshot.__dict__:
        cyclic = snapshot.task.cyclic
        if cyclic is None:
            raise RequestError(
                f"{snapshot.task.name} mod {snapshot.task.p} has no cyclic group", "a cyclic task"
            )
        means = mean_logits(snapshot, "all")[:, cyclic.class_c]
        total = cyclic.n * (means - means.mean(1, keepdims=True))
        energy = _energy_in_group(snapshot, cyclic)
        snapshot.__dict__["logit_shares"] = shares_of_totals(total, energy, len(cyclic.rows))
    return snapshot.__dict__["logit_shares"]


def _energy_in_group(snapshot: "Snapshot", cyclic: CyclicForm) -> float:
    """Return the sum of the squares of the logits of the group's rows and answers, each row centred."""
    if len(cyclic.class_c) == snapshot.task.n_classes:
        return float(row_statistics(snapshot).energy[torch.as_tensor(cyclic.rows)].sum())
    classes, energy = torch.as_tensor(cyclic.class_c), 0.0
    for _, logits in answer_blocks(snapshot, cyclic.rows):
        chosen = logits[:, classes]
        energy += float((chosen - chosen.mean(1, keepdim=True)).square().sum())
    return energy


def key_frequencies(
    snapshot: "Snapshot", rule: str = MAJORITY, options: KeyRule = DEFAULT_RULE
) -> tuple[int, ...]:
    """Return the key frequencies of a snapshot, ascending; () where there are none.

    For a product in a group that is not cyclic: the places of its key representations (`key_irreps`). For any other
    task: ().

    - neuron: the frequency that explains most of each neuron, kept if it explains more than .85 for at least five
      neurons; a model without neurons has none;
    - embedding: power of W_E above a quarter of the largest;
    - logit: more than 1 % of the row-centred logit energy on cos w(x + y - c), and ten times the lower quartile; where
      a model that answers .95 of all inputs has none, all with more than half of the mean share;
    - majority (default): at least two of the three (without neurons: both others);
    - similarity: a cosine with cos w(x + y - c) above .005.

    Source: Nanda et al. 2023, section 4 and its code, which use the first three; Chughtai et al. 2023 for the last.

    Raises
    ------
    RequestError
        For an unknown rule.
    """
    check_rule(rule)
    if snapshot.task.cyclic is None:
        from grokscope.runs.key_irreps import key_irreps

        return key_irreps(snapshot, rule, options)
    return tuple(int(k) + 1 for k in np.flatnonzero(decide(rule, snapshot, _votes, options)))


def decide(
    rule: str,
    snapshot: "Snapshot",
    votes: Callable[["Snapshot", str, KeyRule], Bool[ndarray, " part"]],
    options: KeyRule,
) -> Bool[ndarray, " part"]:
    """Return what is key by one rule, or by two of the three, from `votes` by each."""
    if rule != MAJORITY:
        return votes(snapshot, rule, options)
    return np.sum([votes(snapshot, each, options) for each in RULES], axis=0) >= 2


def enough_neurons(
    shares: Float[ndarray, "part neuron"], options: KeyRule
) -> Bool[ndarray, " part"]:
    """Return which parts (frequencies, representations) explain enough neurons, by their shares (rule: neuron)."""
    shares = np.nan_to_num(shares)
    explained = shares.max(0) > options.explained
    count = np.bincount(shares.argmax(0)[explained], minlength=len(shares))
    return count >= max(2, min(options.min_neurons, shares.shape[1] // 20))


def check_rule(rule: str) -> None:
    """Raise RequestError for an unknown rule."""
    names = (MAJORITY, *GROUP_RULES)
    if rule not in names:
        raise RequestError(f"unknown rule '{rule}'", ", ".join(names), nearest(rule, names))


def _votes(snapshot: "Snapshot", rule: str, options: KeyRule) -> Bool[ndarray, " freq"]:
    if rule == "neuron":
        if not snapshot.has_neurons:
            return np.zeros(len(logit_shares(snapshot)), dtype=bool)
        return enough_neurons(neuron_shares(snapshot), options)
    if rule == "embedding":
        power = np.square(spectrum(snapshot.W_E)).sum(0)
        return power > options.power * power.max()
    shares = np.nan_to_num(logit_shares(snapshot))
    if rule == SIMILARITY:
        return np.sqrt(shares) > options.similarity
    flat = options.above_flat * np.quantile(shares, 0.25)
    if shares.max() <= flat and snapshot.accuracy.all > options.solved:
        return shares > options.of_mean * shares.mean()
    return (shares > options.share) & (shares > flat)
