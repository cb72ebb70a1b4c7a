"""The subgroup whose cosets lie most compactly among the rows of the output layer, beside chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.figures.snapshot_gallery.output_rows import OutputRows
from grokscope.harmonics.coset_scatter import scatter_ratios, smallest_ratios_by_chance
from grokscope.harmonics.subgroups import cosets, generated, generators, subgroups

SIDES = ("left", "right")
#: Order of the subgroup of S5 in Power et al. 2022, figure 3: ⟨(0 3)(1 4), (1 2)(3 4)⟩ is dihedral.
PUBLISHED_ORDER, PUBLISHED_GROUP_ORDER = 10, 120


@dataclass(frozen=True, eq=False)
class CompactCosets:
    """The cosets that were found or given, and how compact they are.

    Attributes
    ----------
    labels
        The coset of each answer, numbered from 0.
    side
        "left" or "right".
    order
        Number of elements of the subgroup.
    words
        The subgroup by its generators.
    ratio
        Scatter within over scatter between cosets, per degree of freedom, in the original space.
    chance
        The same for each random dealing out of the rows, the smallest over all that was searched.
    searched
        Number of partitions it was chosen from.
    """

    labels: Int[ndarray, " answer"]
    side: str
    order: int
    words: str
    ratio: float
    chance: Float[ndarray, " draw"]
    searched: int

    @property
    def as_low_by_chance(self) -> float:
        """Share of the random draws, the observation among them, with a ratio as low."""
        return float((1 + (self.chance <= self.ratio).sum()) / (1 + len(self.chance)))


def compact_cosets(
    answers: OutputRows,
    subgroup: Sequence[int | str] | None = None,
    order: int | None = None,
    side: str | None = None,
    draws: int = 499,
    seed: int = 0,
) -> CompactCosets:
    """Return the most compact cosets over all subgroups of one order, or those of a given subgroup.

    Compact is said in the original space of the rows, by `harmonics.coset_scatter.scatter_ratios`. Chance deals
    the rows out at random and makes the same choice, so that having searched is paid for.

    Parameters
    ----------
    answers
        The rows, with the table of the group.
    subgroup
        Generators, by number or by name.
    order
        Order of the subgroups that are searched. Where neither is given: 10 in a group of 120 elements, as in Power et
        al. 2022, figure 3; else every subgroup but the trivial one and the group.
    side
        "left" (x . H) or "right" (H . x); whichever is more compact where None.
    draws, seed
        Number of random dealings out, and the seed of numpy's generator.

    Raises
    ------
    RequestError
        Where there is no group, no such subgroup, or too many of them.
    """
    table = answers.table
    if table is None:
        raise RequestError("cosets of answers that form no group", "a task over a group")
    if side is not None and side not in SIDES:
        raise RequestError(f"side = '{side}'", ", ".join(SIDES), nearest(side, SIDES))
    found = _subgroups(answers, table, subgroup, order)
    partitions: dict[bytes, tuple[Int[ndarray, " answer"], Bool[ndarray, " answer"], str]] = {}
    for members in found:
        for own in SIDES if side is None else (side,):
            labels = cosets(table, members, own)  # of a normal subgroup left and right are the same
            partitions.setdefault(labels.tobytes(), (labels, members, own))
    every = np.array([labels for labels, _, _ in partitions.values()])
    try:
        ratios = scatter_ratios(answers.rows, every)
        chance = smallest_ratios_by_chance(answers.rows, every, draws, seed)
    except ValueError as error:
        raise RequestError(str(error), todo="give order= or subgroup=") from error
    best = int(np.argmin(ratios))
    labels, members, own = list(partitions.values())[best]
    names = ", ".join(answers.names[g] for g in generators(table, members))
    return CompactCosets(
        labels, own, int(members.sum()), f"⟨{names}⟩", float(ratios[best]), chance, len(every)
    )  # fmt: skip


def _subgroups(
    answers: OutputRows,
    table: Int[ndarray, "answer answer"],
    subgroup: Sequence[int | str] | None,
    order: int | None,
) -> Bool[ndarray, "subgroup answer"]:
    n = len(table)
    if subgroup is not None:
        if order is not None:
            raise RequestError("a subgroup and an order", "one of them")
        numbers = np.array([_element(answers, g) for g in subgroup], dtype=np.int64)
        members = generated(table, numbers)
        if not 1 < members.sum() < n:
            raise RequestError(
                f"generators of a subgroup of {int(members.sum())} elements",
                f"a subgroup of 2 to {n // 2} elements",
            )
        return members[None]
    if order is None and n == PUBLISHED_GROUP_ORDER:
        order = PUBLISHED_ORDER
    try:
        found = subgroups(table, order)
    except ValueError as error:
        raise RequestError(str(error), todo="give order= or subgroup=") from error
    sizes = found.sum(1)
    found = found[(sizes > 1) & (sizes < n)]
    if not len(found):
        asked = "proper subgroup" if order is None else f"proper subgroup of order {order}"
        raise RequestError(f"this group of {n} elements has no {asked}", "another order")
    return found


def _element(answers: OutputRows, element: int | str) -> int:
    if isinstance(element, str):
        if element not in answers.names:
            some = ", ".join(answers.names[:6])
            raise RequestError(
                f"element '{element}'", f"{some}, ...", nearest(element, answers.names)
            )
        return answers.names.index(element)
    if not 0 <= element < len(answers.names):
        raise RequestError(f"element {element}", f"0 to {len(answers.names) - 1}")
    return int(element)
