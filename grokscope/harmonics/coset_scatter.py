"""How compact the classes of a partition lie: their scatter within against between, and what chance gives.

Source: what Power et al. 2022 (arXiv 2201.02177), figure 3, show by eye; the statistic is grokscope's own.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

MOST_ENTRIES = 100_000_000
"""Entries of the projections onto the class means, 8 bytes each: one n by n matrix for each partition."""


def scatter_ratios(
    rows: Float[ndarray, "n d_model"], labels: Int[ndarray, "partition n"]
) -> Float[ndarray, " partition"]:
    """Return the scatter within classes over that between classes, each per degree of freedom.

    With n rows r in k classes, W the sum over rows of |r - mean of its class|^2 and B the sum over rows of
    |mean of its class - mean of all|^2, the ratio is [W / (n - k)] / [B / (k - 1)]: 0 where each class is one
    point, about 1 for a random partition whatever its number of classes. It is 1 over the index of Calinski and
    Harabasz (1974).

    Parameters
    ----------
    rows
        The points, in float64.
    labels
        The class of each point, numbered from 0, for each partition.

    Returns
    -------
    array
        Infinite where the class means coincide; not-a-number where there is one class or as many as points.

    Raises
    ------
    ValueError
        Where the partitions would take more than `MOST_ENTRIES` numbers.
    """
    gram, projections, classes = _prepared(rows, labels)
    return _ratios(projections @ gram.ravel(), float(np.trace(gram)), len(rows), classes)


def smallest_ratios_by_chance(
    rows: Float[ndarray, "n d_model"],
    labels: Int[ndarray, "partition n"],
    draws: int,
    seed: int = 0,
) -> Float[ndarray, " draw"]:
    """Return, for each draw, the smallest of `scatter_ratios` after dealing the rows out at random.

    One permutation of the rows serves all partitions, so the draws are random partitions of the same sizes, and the
    smallest of them is what choosing the most compact of so many partitions gives by chance.

    Parameters
    ----------
    rows, labels
        As for `scatter_ratios`.
    draws
        Number of permutations.
    seed
        Of numpy's generator.

    Raises
    ------
    ValueError
        As `scatter_ratios`.
    """
    gram, projections, classes = _prepared(rows, labels)
    total, n = float(np.trace(gram)), len(rows)
    generator = np.random.default_rng(seed)
    smallest = np.empty(draws)
    for draw in range(draws):
        dealt = generator.permutation(n)
        between = projections @ gram[dealt[:, None], dealt].ravel()
        smallest[draw] = _ratios(between, total, n, classes).min()
    return smallest


def _prepared(
    rows: Float[ndarray, "n d_model"], labels: Int[ndarray, "partition n"]
) -> tuple[Float[ndarray, "n n"], Float[ndarray, "partition nn"], Int[ndarray, " partition"]]:
    """Return the centred rows' Gram matrix, each partition's projection (flat), and its number of classes."""
    n = len(rows)
    if labels.size * n > MOST_ENTRIES:
        raise ValueError(f"{len(labels):,} partitions of {n:,} points are too many at once")
    centred = rows - rows.mean(0)
    projections = np.empty((len(labels), n * n))
    classes = np.empty(len(labels), dtype=np.int64)
    for number, label in enumerate(labels):
        sizes = np.bincount(label)
        classes[number] = np.count_nonzero(sizes)
        projections[number] = ((label[:, None] == label) / sizes[label]).ravel()
    return centred @ centred.T, projections, classes


def _ratios(
    between: Float[ndarray, " partition"], total: float, n: int, classes: Int[ndarray, " partition"]
) -> Float[ndarray, " partition"]:
    within = np.maximum(total - between, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (within / (n - classes)) / (between / (classes - 1))
    return np.where((classes > 1) & (classes < n), ratio, np.nan)
