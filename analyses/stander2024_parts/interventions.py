"""Interventions on networks whose neurons see the sum of what both operands add: accuracy and loss over all rows.

pre(x, y) = L[x] + R[y], logits = ReLU(pre) W_L: the MLP of Chughtai et al. 2023, which Stander et al. 2024 take apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError
from grokscope.runs.operand_tables import operand_tables_of
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.subgroups import coset_partitions
from grokscope.runs.sums import sum_form
from stander2024_parts.concentration import NONE, SIDES, Concentration

DRAWS = 5
SEED = 0
Activation = Callable[[torch.Tensor], torch.Tensor]

#: Name -> what is done, in words.
WORDS = {
    "none": "nothing",
    "both signs": "L and R both with the other sign",
    "first sign": "L with the other sign",
    "second sign": "R with the other sign",
    "swap": "L and R exchanged",
    "absolute value": "absolute value in place of ReLU",
    "coset means": "each neuron's L and R replaced by their means over the cosets of its own subgroups",
    "relabelled means": f"the same with relabelled elements (mean over {DRAWS} draws)",
    "concentrated only": "only neurons with a subgroup for both operands",
}


@dataclass(frozen=True)
class Outcome:
    """Accuracy and cross-entropy over all rows."""

    accuracy: float
    loss: float


def interventions(snap: Snapshot, found: Concentration) -> dict[str, Outcome]:
    """Return what each intervention does to a network.

    Parameters
    ----------
    snap
        An MLP with an embedding for each operand and one hidden layer of ReLU neurons without biases.
    found
        Its neurons' subgroups.

    Raises
    ------
    RequestError
        For another architecture.
    """
    if snap.config.architecture != "mlp" or snap.config.act_fn != "relu":
        raise RequestError(
            f"interventions on architecture {snap.config.architecture} with {snap.config.act_fn}",
            "mlp with relu, whose neurons see a sum of both operands",
        )
    left, right = (torch.as_tensor(table) for table in operand_tables_of(snap))
    relu = torch.relu
    rng = np.random.default_rng(SEED)

    def run(first: torch.Tensor, second: torch.Tensor, act: Activation = relu) -> Outcome:
        return _outcome(snap, act(first[:, None] + second[None]))

    def by_means(move: Int[ndarray, " n"]) -> Outcome:
        return run(
            *(
                torch.as_tensor(coset_means(table.numpy(), partitions, found.chosen[operand], move))
                for table, operand, partitions in (
                    (left, "first", coset_partitions(snap, SIDES["first"])),
                    (right, "second", coset_partitions(snap, SIDES["second"])),
                )
            )
        )

    n = sum_form(snap).n
    relabelled = [by_means(rng.permutation(n)) for _ in range(DRAWS)]
    has = torch.tensor(
        [NONE not in pair for pair in zip(found.kinds("first"), found.kinds("second"), strict=True)]
    )
    return {
        "none": run(left, right),
        "both signs": run(-left, -right),
        "first sign": run(-left, right),
        "second sign": run(left, -right),
        "swap": run(right, left),
        "absolute value": run(left, right, torch.abs),
        "coset means": by_means(np.arange(n)),
        "relabelled means": Outcome(
            float(np.mean([o.accuracy for o in relabelled])),
            float(np.mean([o.loss for o in relabelled])),
        ),
        "concentrated only": run(left, right, lambda pre: torch.relu(pre) * has),
    }


def coset_means(
    table: Float[ndarray, "n neuron"],
    partitions: list[Int[ndarray, " n"]],
    chosen: Int[ndarray, " neuron"],
    move: Int[ndarray, " n"],
) -> Float[ndarray, "n neuron"]:
    """Return each neuron's column replaced by its means over the cosets of its own subgroup.

    Parameters
    ----------
    table
        What each element adds to each neuron.
    partitions
        Number of each element's coset, for each subgroup.
    chosen
        Place of each neuron's subgroup; a neuron with -1 is left as it is.
    move
        Element x counts as element move[x]: the identity, or a relabelling as the null.
    """
    means = table.copy()
    for place in np.unique(chosen[chosen >= 0]):
        own, label = chosen == place, partitions[place][move]
        sizes = np.bincount(label)
        totals = np.stack([np.bincount(label, weights=column) for column in table[:, own].T], 1)
        means[:, own] = (totals / sizes[:, None])[label]
    return means


def _outcome(snap: Snapshot, neurons: Float[torch.Tensor, "n n neuron"]) -> Outcome:
    form = sum_form(snap)
    logits = (neurons @ torch.as_tensor(snap.W_L)).reshape(form.n**2, -1)
    right = torch.as_tensor(form.row_sum)
    loss = torch.logsumexp(logits, 1) - logits.gather(1, right[:, None])[:, 0]
    return Outcome(float((logits.argmax(1) == right).double().mean()), float(loss.mean()))
