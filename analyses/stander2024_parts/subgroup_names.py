"""A name for each subgroup of a permutation group: its kind and its orbits, the same for conjugate subgroups."""

from collections import Counter

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from grokscope.tasks.groups import Group

# Order of a group -> how many of its elements have which order -> the group. It tells all groups apart that are
# subgroups of S5.
_KINDS: dict[int, dict[tuple[tuple[int, int], ...], str]] = {
    4: {((1, 1), (2, 1), (4, 2)): "C4", ((1, 1), (2, 3)): "C2×C2"},
    6: {((1, 1), (2, 1), (3, 2), (6, 2)): "C6", ((1, 1), (2, 3), (3, 2)): "S3"},
    8: {((1, 1), (2, 5), (4, 2)): "D4"},
    10: {((1, 1), (2, 5), (5, 4)): "D5"},
    12: {((1, 1), (2, 3), (3, 8)): "A4", ((1, 1), (2, 7), (3, 2), (6, 2)): "S3×C2"},
    20: {((1, 1), (2, 5), (4, 10), (5, 4)): "F20"},
    24: {((1, 1), (2, 9), (3, 8), (4, 6)): "S4"},
    60: {((1, 1), (2, 15), (3, 20), (5, 24)): "A5"},
}


def subgroup_name(group: Group, members: Bool[ndarray, " n"]) -> str:
    """Return the kind of a subgroup, and the sizes of its orbits where the group permutes points: "S4 (4+1)".

    Kind and orbits are the same for conjugate subgroups, and in S4, S5 and A5 for no others. A kind that is not known
    is named by its order.

    Parameters
    ----------
    group
        The group.
    members
        The subgroup.
    """
    order = int(members.sum())
    counts = Counter(group.element_orders[members].tolist())
    if order in counts:  # an element that generates it
        kind = f"C{order}"
    else:
        kind = _KINDS.get(order, {}).get(tuple(sorted(counts.items())), f"order {order}")
    if group.permutations is None:
        return kind
    return f"{kind} ({'+'.join(map(str, orbits(group.permutations[members])))})"


def orbits(permutations: ndarray) -> list[int]:
    """Return the sizes of the orbits of a set of permutations that is a group, the largest first."""
    reached = [np.unique(permutations[:, point]) for point in range(permutations.shape[1])]
    return sorted((len(orbit) for orbit in {tuple(o.tolist()) for o in reached}), reverse=True)
