"""Which subgroup's cosets each neuron is concentrated on, by operand, beside relabelled elements."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.coset_concentration import coset_concentrations, lowest_by_chance
from grokscope.measures.coset_concentration import CONCENTRATED, operand_means
from grokscope.runs.products import product_form_of
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.subgroups import coset_partitions, proper_subgroups
from grokscope.tasks.groups import make_group
from stander2024_parts.subgroup_names import subgroup_name

SIDES = {"first": "right", "second": "left"}
NONE = "no subgroup"
DRAWS = 20


@dataclass(frozen=True, eq=False)
class Concentration:
    """One network's neurons.

    Attributes
    ----------
    least
        Operand -> each neuron's coset concentration at the best of all subgroups.
    chance
        Operand -> the same with relabelled elements, [draw, neuron].
    chosen
        Operand -> the place of each neuron's subgroup: the largest with a concentration below .1, of equals the most
        concentrated; -1 where there is none.
    names
        The name of each subgroup.
    """

    least: dict[str, Float[ndarray, " neuron"]]
    chance: dict[str, Float[ndarray, "draw neuron"]]
    chosen: dict[str, Int[ndarray, " neuron"]]
    names: list[str]

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.least["first"])

    def below_chance(self) -> int:
        """Return how many neurons are below every relabelling, for both operands."""
        low = [self.least[o] < self.chance[o].min(0) for o in SIDES]
        return int((low[0] & low[1]).sum())

    def kinds(self, operand: str) -> list[str]:
        """Return the name of each neuron's subgroup."""
        return [NONE if i < 0 else self.names[i] for i in self.chosen[operand]]

    def counts(self, operand: str) -> Counter[str]:
        """Return how many neurons each kind of subgroup has."""
        return Counter(self.kinds(operand))

    def conjugate_pairs(self) -> tuple[int, int]:
        """Return (neurons whose two subgroups are of one kind, neurons with a subgroup for both operands)."""
        pairs = [
            (a, b)
            for a, b in zip(self.kinds("first"), self.kinds("second"), strict=True)
            if NONE not in (a, b)
        ]
        return sum(a == b for a, b in pairs), len(pairs)

    def pairs_by_chance(self) -> float:
        """Return the expected share of such pairs if the second operand's subgroups were dealt out at random."""
        pairs = [
            (a, b)
            for a, b in zip(self.kinds("first"), self.kinds("second"), strict=True)
            if NONE not in (a, b)
        ]
        if not pairs:
            return float("nan")
        first, second = (Counter(kinds) for kinds in zip(*pairs, strict=True))
        return sum(first[k] * second[k] for k in first) / len(pairs) ** 2


def concentration(snap: Snapshot) -> Concentration:
    """Return how the neurons of a network are concentrated on cosets.

    Parameters
    ----------
    snap
        A network whose task is a product in a group with few subgroups.
    """
    form = product_form_of(snap)
    assert form is not None
    every = proper_subgroups(snap)
    group = make_group(form.group)
    orders = np.array([int(h.sum()) for h in every])
    least, chance, chosen = {}, {}, {}
    for operand, means in operand_means(snap).items():
        partitions = coset_partitions(snap, SIDES[operand])
        each = coset_concentrations(means, partitions)
        low = each < CONCENTRATED
        # The largest order first, then the least concentration, which lies in [0, .1).
        rank = np.where(low, orders[:, None] - np.nan_to_num(each), -1.0)
        chosen[operand] = np.where(low.any(0), rank.argmax(0), -1)
        least[operand] = each.min(0)
        chance[operand] = lowest_by_chance(means, partitions, DRAWS)
    return Concentration(least, chance, chosen, [subgroup_name(group, h) for h in every])
