"""Key representations of a snapshot, for a product in a group that is not cyclic: the rules of `key` for any group.

Three things differ from frequencies, since a group has few representations, of different degrees d:
- embedding power is compared after division by d, for what a network learns of a representation grows with its degree;
- the rule for logits looks at twin-free test rows where the split is known. Memorised training answers spread over all
  representations in proportion to their rank, which is a good part of the energy where there are six of them, and no
  flat background is left to compare with;
- a representation has to agree with the logits in sign.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from grokscope.harmonics.group_averages import cosines_of_totals
from grokscope.harmonics.group_fourier import power
from grokscope.harmonics.neuron_irreps import neuron_irrep_fractions
from grokscope.harmonics.sum_projection import counts_per_sum
from grokscope.runs.key import (
    DEFAULT_RULE,
    MAJORITY,
    SIMILARITY,
    KeyRule,
    check_rule,
    decide,
    enough_neurons,
)
from grokscope.runs.neuron_sums import neuron_table
from grokscope.runs.operand_tables import operand_tables_of
from grokscope.runs.products import irreps_of, product_form_of
from grokscope.runs.row_statistics import row_statistics
from grokscope.runs.sums import mean_logits, sum_rows

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def neuron_irrep_shares(snapshot: "Snapshot") -> Float[ndarray, "irrep neuron"]:
    """Return the share of each neuron's energy in {1, rho(x)} x {1, rho(y)} (NaN for dead neurons); kept."""
    if "neuron_irrep_shares" not in snapshot.__dict__:
        form = product_form_of(snapshot)
        assert form is not None
        snapshot.__dict__["neuron_irrep_shares"] = neuron_irrep_fractions(
            neuron_table(snapshot), form.irreps
        )
    return snapshot.__dict__["neuron_irrep_shares"]


def logit_cosines(snapshot: "Snapshot", rows: str = "all") -> Float[ndarray, " irrep"]:
    """Return the cosine of the row-centred logits with chi(x . y . c^-1) over a set of rows, all of them by default.

    Not-a-number where the set is empty or the logits are constant along every row. Kept.
    """
    key = f"logit cosines {rows}"
    if key not in snapshot.__dict__:
        irreps = irreps_of(snapshot)
        assert irreps is not None
        at = sum_rows(snapshot, rows)
        counts = counts_per_sum(at.sums, irreps.order)
        means = mean_logits(snapshot, rows)
        total = counts[:, None] * (means - means.mean(1, keepdims=True))
        energy = float(row_statistics(snapshot).energy.numpy()[at.rows].sum())
        found = cosines_of_totals(total, energy, max(1, len(at.rows)), irreps)
        snapshot.__dict__[key] = found
    return snapshot.__dict__[key]


def held_out_cosines(snapshot: "Snapshot") -> Float[ndarray, " irrep"]:
    """Return `logit_cosines` over twin-free test rows; over all rows where the split is not known or has none."""
    held_out = len(snapshot.rows("test_twin_free")) > 0
    return logit_cosines(snapshot, "test_twin_free" if held_out else "all")


def key_irreps(
    snapshot: "Snapshot", rule: str = MAJORITY, options: KeyRule = DEFAULT_RULE
) -> tuple[int, ...]:
    """Return the places of the key representations in the group's `Irreps`, ascending; () for a task without any.

    - neuron: the representation whose block {1, rho(x)} x {1, rho(y)} explains most of each neuron, kept if it explains
      more than .85 for at least five neurons (for a twentieth, two at least, where that is fewer);
    - embedding: power of the operands' embeddings over the degree above a quarter of the largest;
    - logit: more than 1 % of the row-centred logit energy of the twin-free test rows on chi(x . y . c^-1);
    - majority (default): at least two of the three;
    - similarity: the cosine of the row-centred logits of all rows with chi(x . y . c^-1) above .005, as published.

    Source: Nanda et al. 2023 (arXiv 2301.05217), carried over; similarity: Chughtai et al. 2023 (arXiv 2302.03025).

    Raises
    ------
    RequestError
        For an unknown rule.
    """
    check_rule(rule)
    if irreps_of(snapshot) is None:
        return ()
    return tuple(int(i) for i in np.flatnonzero(decide(rule, snapshot, _votes, options)))


def _votes(snapshot: "Snapshot", rule: str, options: KeyRule) -> Bool[ndarray, " irrep"]:
    irreps = irreps_of(snapshot)
    assert irreps is not None
    if rule == "neuron":
        if not snapshot.has_neurons:
            return np.zeros(len(irreps), dtype=bool)
        return enough_neurons(neuron_irrep_shares(snapshot), options)
    if rule == "embedding":
        degrees = np.array([rep.degree for rep in irreps])
        tables = operand_tables_of(snapshot)
        per_degree = sum(power(table, irreps).sum(1) for table in tables) / degrees
        per_degree[0] = 0.0
        return per_degree > options.power * per_degree.max()
    if rule == SIMILARITY:
        return np.nan_to_num(logit_cosines(snapshot)) > options.similarity
    cosines = np.nan_to_num(held_out_cosines(snapshot))
    return (cosines > 0) & (np.square(cosines) > options.share)
