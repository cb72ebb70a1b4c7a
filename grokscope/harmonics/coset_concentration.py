"""Whether a function on a group is constant on the cosets of a subgroup: variance within cosets over variance.

Source: Stander et al. 2024 (arXiv 2312.06581), with degrees of freedom, which are grokscope's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch.nn import functional

MOST_ENTRIES = 2_000_000
"""Sums of a class of a partition that are held at once, 8 bytes each."""


def coset_concentrations(
    values: Float[ndarray, "element column"], partitions: Sequence[Int[ndarray, " element"]]
) -> Float[ndarray, "partition column"]:
    """Return C = [W / (n - k)] / [T / (n - 1)] of each column, for each partition into k classes.

    W is the sum over elements of (f - mean of its class)^2, T that of (f - mean of all)^2. C is 0 where f is constant
    on every class, and 1 on average over random relabellings of the elements, whatever k. Not-a-number for a constant
    column, and for a partition into points.

    Source: Stander et al. 2024 (arXiv 2312.06581). Without the degrees of freedom n - k, small subgroups would look
    concentrated by themselves.

    Parameters
    ----------
    values
        In float64.
    partitions
        Number of each element's class, from 0 (`subgroups.cosets`).

    Examples
    --------
    >>> even = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> coset_concentrations(even, [np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])]).round(9).ravel().tolist()
    [0.0, 1.5]
    """
    return _concentrations(values, _classes(partitions))


def lowest_by_chance(
    values: Float[ndarray, "element column"],
    partitions: Sequence[Int[ndarray, " element"]],
    draws: int,
    seed: int = 0,
) -> Float[ndarray, "draw column"]:
    """Return the least of `coset_concentrations` over the partitions when the elements are relabelled at random.

    It is what choosing the best of so many subgroups gives by chance. One permutation serves all columns.
    """
    rng, classes = np.random.default_rng(seed), _classes(partitions)
    drawn = [rng.permutation(len(values)) for _ in range(draws)]
    return np.stack([_concentrations(values[moved], classes).min(0) for moved in drawn])


@dataclass(frozen=True, eq=False)
class _Classes:
    """The classes of all partitions, one after the other.

    Attributes
    ----------
    members
        The elements of each class: as many for each partition as there are elements.
    sizes
        How many each class has.
    per_partition
        How many classes each partition has.
    """

    members: Int[ndarray, " member"]
    sizes: Int[ndarray, " class"]
    per_partition: Int[ndarray, " partition"]


def _classes(partitions: Sequence[Int[ndarray, " element"]]) -> _Classes:
    sizes = [np.bincount(labels) for labels in partitions]
    return _Classes(
        np.concatenate([np.argsort(labels, kind="stable") for labels in partitions]),
        np.concatenate(sizes),
        np.array([len(each) for each in sizes]),
    )


def _concentrations(
    values: Float[ndarray, "element column"], classes: _Classes
) -> Float[ndarray, "partition column"]:
    n, columns = values.shape
    centred = values - values.mean(0)
    total = np.square(centred).sum(0)
    # What centring leaves of a constant is rounding.
    rounding = n * np.square(4 * np.finfo(np.float64).eps * np.abs(values).max(0, initial=0.0))
    total = np.where(total > rounding, total, np.nan)
    between, counts = _between(centred, classes), classes.per_partition
    freedom = np.where(counts < n, n - counts, np.nan)[:, None]
    return np.maximum(total - between, 0.0) / freedom / (total / (n - 1))


def _between(
    centred: Float[ndarray, "element column"], classes: _Classes
) -> Float[ndarray, "partition column"]:
    """Return the sum over the classes of each partition of (sum over its members)^2 / size."""
    (n, columns), count = centred.shape, len(classes.per_partition)
    first = np.append(0, np.cumsum(classes.per_partition))
    place = np.cumsum(classes.sizes) - classes.sizes
    table, found = torch.as_tensor(centred), np.empty((count, columns))
    turn = first[1:] * columns // MOST_ENTRIES
    for t in np.unique(turn):
        part = np.flatnonzero(turn == t)
        rows = slice(first[part[0]], first[part[-1] + 1])
        # Sums of gathered rows: a product with the indicators of all classes would take ten times as long.
        members = torch.as_tensor(classes.members[n * part[0] : n * (part[-1] + 1)])
        starts = torch.as_tensor(place[rows] - n * part[0])
        sums = functional.embedding_bag(members, table, starts, mode="sum").numpy()
        squares = np.square(sums) / classes.sizes[rows, None]
        found[part] = np.add.reduceat(squares, first[part] - first[part[0]], axis=0)
    return found
