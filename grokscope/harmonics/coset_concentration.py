"""Whether a function on a group is constant on the cosets of a subgroup: variance within cosets over variance."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

MOST_ENTRIES = 20_000_000
"""Entries of the class indicators that are held at once."""


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
    n, columns = values.shape
    centred = values - values.mean(0)
    total = np.square(centred).sum(0)
    # What centring leaves of a constant is rounding.
    rounding = n * np.square(4 * np.finfo(np.float64).eps * np.abs(values).max(0, initial=0.0))
    total = np.where(total > rounding, total, np.nan)
    classes = np.array([int(label.max()) + 1 for label in partitions])
    between = np.empty((len(partitions), columns))
    for part in _in_turn(classes * n):
        # One row for each class of each partition: 1 / sqrt(size) at its members.
        first = np.append(0, np.cumsum(classes[part]))
        rows = np.zeros((first[-1], n))
        for start, i in zip(first, part, strict=False):
            sizes = np.bincount(partitions[i])
            rows[start + partitions[i], np.arange(n)] = 1 / np.sqrt(sizes[partitions[i]])
        between[part] = np.add.reduceat(np.square(rows @ centred), first[:-1], axis=0)
    freedom = np.where(classes < n, n - classes, np.nan)[:, None]
    return np.maximum(total - between, 0.0) / freedom / (total / (n - 1))


def lowest_by_chance(
    values: Float[ndarray, "element column"],
    partitions: Sequence[Int[ndarray, " element"]],
    draws: int,
    seed: int = 0,
) -> Float[ndarray, "draw column"]:
    """Return the least of `coset_concentrations` over the partitions when the elements are relabelled at random.

    It is what choosing the best of so many subgroups gives by chance. One permutation serves all columns.
    """
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            coset_concentrations(values[rng.permutation(len(values))], partitions).min(0)
            for _ in range(draws)
        ]
    )


def _in_turn(entries: Int[ndarray, " partition"]) -> Iterator[Int[ndarray, " some"]]:
    """Yield the places of partitions that together have no more than `MOST_ENTRIES`."""
    turn = np.cumsum(entries) // MOST_ENTRIES
    for t in np.unique(turn):
        yield np.flatnonzero(turn == t)
