"""The subgroups of a task's group, and the cosets by which neurons are judged."""

from typing import TYPE_CHECKING

from jaxtyping import Bool, Int
from numpy import ndarray

from grokscope.harmonics.subgroups import cosets, subgroups
from grokscope.runs.products import product_form_of

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def proper_subgroups(snap: "Snapshot") -> tuple[Bool[ndarray, " n"], ...]:
    """Return the members of every subgroup but the trivial one and the group itself, by order; kept.

    None for a task that is no product in a group, or whose group has more than `subgroups` looks at.
    """
    form = product_form_of(snap)

    def make() -> tuple[Bool[ndarray, " n"], ...]:
        if form is None:
            return ()
        try:
            every = subgroups(form.sums)
        except ValueError:  # too many
            return ()
        return tuple(row for row in every if 1 < row.sum() < form.n)

    return snap.context.memo("proper subgroups", make)


def coset_partitions(snap: "Snapshot", side: str) -> list[Int[ndarray, " n"]]:
    """Return the number of each element's coset, "left" (x H) or "right" (H x), for each proper subgroup; kept."""
    form = product_form_of(snap)
    assert form is not None
    return snap.context.memo(
        ("cosets", side), lambda: [cosets(form.sums, h, side) for h in proper_subgroups(snap)]
    )
