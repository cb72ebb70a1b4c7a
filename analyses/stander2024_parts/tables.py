"""The tables: neurons by subgroup, their null, pairs of conjugate subgroups, interventions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from published.page import Table, number, over_seeds
from stander2024_parts.concentration import NONE, Concentration
from stander2024_parts.interventions import WORDS, Outcome

#: What the paper says of each intervention, as far as its abstract and its public code say it.
PUBLISHED = {
    "none": "loss 6.1e-06 in one network of their code",
    "both signs": "changes next to nothing: loss 1.3e-05 in the same network",
}


@dataclass(frozen=True, eq=False)
class Network:
    """One measured network: where it is from, its test accuracy, its neurons, what interventions do."""

    group: str
    name: str
    accuracy: float
    neurons: Concentration
    outcomes: dict[str, Outcome]
    published: bool = False

    @property
    def grokked(self) -> bool:
        """Whether it answers at least 99 % of the test rows."""
        return self.accuracy >= 0.99


def subgroup_table(networks: Sequence[Network]) -> Table:
    """Return for each group how many networks and how many of their neurons have which kind of subgroup."""
    rows = []
    for group, theirs in dict.fromkeys((n.group, n.published) for n in networks):
        own = [n for n in networks if (n.group, n.published) == (group, theirs) and n.grokked]
        counts = {o: [n.neurons.counts(o) for n in own] for o in ("first", "second")}
        total: Counter[str] = sum((c for c in counts["first"]), Counter())
        for kind in sorted(total, key=lambda k: (k == NONE, -total[k])):
            with_kind = sum(c[kind] > 0 for c in counts["first"])
            rows.append(
                (
                    _group(group, theirs),
                    kind,
                    f"{with_kind} of {len(own)}",
                    over_seeds([float(c[kind]) for c in counts["first"]]),
                    over_seeds([float(c[kind]) for c in counts["second"]]),
                )
            )
    return Table(
        "subgroups",
        "Neurons by the subgroup on whose cosets they are concentrated",
        ("group", "subgroup (orbits)", "networks with it", "neurons, first operand",
         "neurons, second operand"),
        rows,
        "The largest subgroup with a coset concentration below 0.1. Neurons: mean [least, greatest] (networks).",
    )  # fmt: skip


def _group(group: str, theirs: bool) -> str:
    return f"{group}, published model" if theirs else group


def null_table(networks: Sequence[Network]) -> Table:
    """Return how concentrated neurons are, beside relabelled elements, and how often two subgroups are conjugate."""
    rows = []
    for n in networks:
        found = n.neurons
        least = np.concatenate([found.least["first"], found.least["second"]])
        chance = np.concatenate([found.chance["first"], found.chance["second"]], axis=1)
        same, pairs = found.conjugate_pairs()
        rows.append(
            (
                n.group,
                n.name,
                number(n.accuracy, 4),
                f"{found.below_chance()} of {found.n_neurons}",
                number(float(np.nanmedian(least))),
                number(float(np.nanmedian(chance))),
                f"{same} of {pairs}",
                "-" if not pairs else f"{found.pairs_by_chance() * pairs:.0f}",
            )
        )
    return Table(
        "null",
        "Coset concentration beside relabelled elements",
        (
            "group",
            "network",
            "test accuracy",
            "neurons below all relabellings",
            "median concentration",
            "median, relabelled",
            "neurons with two conjugate subgroups",
            "expected at random",
        ),
        rows,
        "The paper: the circuit multiplies cosets of conjugate subgroups (abstract of the first version). Conjugate: "
        "of the same kind and orbits; at random: with the second operand's subgroups dealt out anew.",
    )


def intervention_table(networks: Sequence[Network]) -> Table:
    """Return what each intervention does, by group: accuracy and loss over all rows."""
    own = [n for n in networks if n.grokked and n.outcomes]
    groups = list(dict.fromkeys((n.group, n.published) for n in own))
    heads = [_group(group, theirs) for group, theirs in groups]
    rows = []
    for name, words in WORDS.items():
        cells = []
        for group, theirs in groups:
            picked = [n.outcomes[name] for n in own if (n.group, n.published) == (group, theirs)]
            accuracy = over_seeds([o.accuracy for o in picked], digits=4)
            cells.append(f"{accuracy}; {over_seeds([o.loss for o in picked])}")
        rows.append((words, PUBLISHED.get(name, "-"), *cells))
    return Table(
        "interventions",
        "Interventions: accuracy; loss, over all rows",
        ("what is done", "published", *heads),
        rows,
        "L[x], R[y]: what the operands add to the neurons. Mean [least, greatest] (networks).",
    )
