"""Restricted loss of one frequency, or one representation, at a time."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.table_loss import loss_of_tables
from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import every_part, mean_logits, projections, sum_rows

_FORMULA = "cross-entropy over the answers, all rows, of mean_xy L + projection of L on {}"


def loss_of_each_part(snap: Snapshot, constant: bool = True) -> Float[ndarray, " part"]:
    """Return the loss on all rows when the projection of the logits on one part is kept, for each part.

    Parameters
    ----------
    constant
        Whether the mean logits are kept as well (Nanda et al. 2023) or not (Chughtai et al. 2023).
    """
    means, at = mean_logits(snap, "all"), sum_rows(snap, "all")
    kept = means.mean(0) if constant else np.zeros(means.shape[1])
    return loss_of_tables(kept + projections(snap, every_part(snap), means), at)[0]


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 5, one frequency at a time",
    outputs={
        "restricted_loss_each": Output(
            ("freq",),
            "Restricted loss, one frequency at a time",
            "nat",
            _FORMULA.format("cos w_k(x+y), sin w_k(x+y), each k by itself"),
        )
    },
    reads=("activations", "test labels"),
    needs=("cyclic",),
    builtin=True,
)
def restricted_loss_each(snap: Snapshot) -> np.ndarray:
    """Loss when one frequency's functions of the sum are kept, projected over all rows."""
    return loss_of_each_part(snap)


@measure(
    source="Chughtai et al. 2023 (arXiv 2302.03025), section 5; with the mean logits kept",
    outputs={
        "restricted_loss_each": Output(
            ("irrep",),
            "Restricted loss, one representation at a time",
            "nat",
            _FORMULA.format("the entries of rho(x . y), each rho by itself"),
        )
    },
    reads=("activations", "test labels"),
    needs=("irreps",),
    instead_of="restricted_loss_each",
    builtin=True,
)
def irrep_restricted_loss_each(snap: Snapshot) -> np.ndarray:
    """Loss when one representation's functions of the product are kept, projected over all rows."""
    return loss_of_each_part(snap)
