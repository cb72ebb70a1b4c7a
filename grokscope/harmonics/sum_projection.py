"""Projection of logits on functions of the sum x + y: cos w_k(x+y) and sin w_k(x+y) for a set of frequencies.

A function of the sum only sees the mean logits per sum, an n-by-class table. So projecting all n^2 rows is one small
product, and the same table serves every set of frequencies.

Source: Nanda et al. 2023 (arXiv 2301.05217), section 5.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_basis

RANK_TOLERANCE = 1e-10
WELL_TOLD_APART = 1e-3
"""Least over largest weight from which on directions need no care."""


def sum_directions(
    n: int, frequencies: Sequence[int], constant: bool
) -> Float[ndarray, "n direction"]:
    """Return cos w_k s and sin w_k s over the sums s = 0..n-1 for each frequency, after the constant if asked.

    At the Nyquist frequency (2k = n) sin is 0 everywhere and left out.
    """
    s = np.arange(n)
    columns = [np.ones(n)] if constant else []
    for k in frequencies:
        angle = 2 * np.pi * k * s / n
        columns.append(np.cos(angle))
        if 2 * k != n:
            columns.append(np.sin(angle))
    return np.stack(columns, axis=1) if columns else np.zeros((n, 0))


def projector(
    n: int,
    frequencies: Sequence[int],
    counts: Float[ndarray, " n"] | None = None,
    constant: bool = False,
) -> Float[ndarray, "n n"]:
    """Return H with H @ M the least-squares fit, M [n, class] the mean logits per sum: the product of its `factors`."""
    left, right = factors(n, frequencies, counts, constant)
    return left @ right


def factors(
    n: int,
    frequencies: Sequence[int],
    counts: Float[ndarray, " n"] | None = None,
    constant: bool = False,
) -> tuple[Float[ndarray, "n direction"], Float[ndarray, "direction n"]]:
    """Return (A, S) with A @ S @ M the least-squares fit of M by cos w_k s, sin w_k s, M [n, class] the means per sum.

    The fit is over rows: sum s counts `counts[s]` times (1 each where None, the whole table). Without `constant` and on
    the whole table, A S is the orthogonal projection on the directions. Rank-aware: directions that the rows do not
    tell apart (singular value below 1e-10 of the largest) are left out, never filled with arbitrary ones.
    """
    basis, names = fourier_basis(n)
    wanted = {*frequencies, *((0,) if constant else ())}
    a = basis[[i for i, (k, _) in enumerate(names) if k in wanted]].T
    if counts is None:
        return a, a.T
    weight = np.asarray(counts, dtype=np.float64)
    if weight.min() > WELL_TOLD_APART * weight.max():
        # Directions are orthonormal: the singular values of A^T W A lie between the least and the largest weight.
        return a, np.linalg.solve(a.T @ (weight[:, None] * a), a.T * weight)
    a = sum_directions(n, frequencies, constant)
    root = np.sqrt(weight)
    u, sigma, vt = np.linalg.svd(root[:, None] * a, full_matrices=False)
    kept = sigma > RANK_TOLERANCE * max(sigma.max(initial=0.0), 1e-300)
    return a, vt[kept].T @ ((u[:, kept] * root[:, None]) / sigma[kept]).T


def counts_per_sum(row_sum: Int[ndarray, " row"], n: int) -> Float[ndarray, " n"]:
    """Return how many rows have each sum."""
    return np.bincount(row_sum, minlength=n).astype(np.float64)


def total_by_sum(
    values: Float[ndarray, "row class"], row_sum: Int[ndarray, " row"], n: int
) -> Float[ndarray, "n class"]:
    """Return the total of `values` over the rows of each sum, 0 where a sum has no row."""
    if np.any(row_sum[1:] < row_sum[:-1]):
        order = np.argsort(row_sum, kind="stable")
        values, row_sum = values[order], row_sum[order]
    present, first = np.unique(row_sum, return_index=True)
    total = np.zeros((n, values.shape[1]))
    if len(present):
        total[present] = np.add.reduceat(values, first, axis=0, dtype=np.float64)
    return total


def mean_by_sum_of_grid(grid: Float[ndarray, "n n column"]) -> Float[ndarray, "n column"]:
    """Return the mean over all x, y with x + y = s modulo n of `grid`[x, y], for each s; summed in float64.

    The sums of row x run through x, x + 1, ..., so that each row is added in two pieces, in place.
    """
    n = len(grid)
    total = np.zeros((n, grid.shape[2]))
    for x in range(n):
        total[x:] += grid[x, : n - x]
        total[:x] += grid[x, n - x :]
    return total / n


def random_frequency_sets(
    n_freq: int, avoid: Sequence[int], size: int, draws: int, seed: int
) -> Int[ndarray, "draw size"]:
    """Return `draws` sets of `size` distinct frequencies from 1..n_freq, none of `avoid`, ascending within a set.

    Where fewer than `size` others are left, each set has them all, and is filled up from `avoid`.
    """
    rng = np.random.default_rng(seed)
    others = np.setdiff1d(np.arange(1, n_freq + 1), np.asarray(avoid, dtype=np.int64))
    missing = max(0, size - len(others))

    def draw() -> Int[ndarray, " size"]:
        if not missing:
            return rng.choice(others, size=size, replace=False)
        return np.concatenate([others, rng.choice(np.asarray(avoid), size=missing, replace=False)])

    return np.stack([np.sort(draw()) for _ in range(draws)])
