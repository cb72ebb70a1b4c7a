"""Functions of two elements x, y of a group, seen through x . y: averages, projections on representations, characters.

The form for any group of what `sum_projection.py` and `trig_share.py` do for cyclic ones, and equal to it there: a
function of x . y only sees the mean over all (x, y) with that product, an [element, class] table. `total_by_sum` and
`counts_per_sum` serve here as they are, with x . y for the sum.

Source: Chughtai et al. 2023 (arXiv 2302.03025), section 5; Serre, Linear Representations of Finite Groups, 2.6.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.conjugacy import inverses
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.sum_projection import RANK_TOLERANCE, WELL_TOLD_APART, total_by_sum


def mean_by_product_of_grid(
    grid: Float[ndarray, "element element column"], table: Int[ndarray, "element element"]
) -> Float[ndarray, "element column"]:
    """Return the mean over all x, y with x . y = s of `grid`[x, y], for each s; summed in float64."""
    n = len(table)
    total = np.zeros((n, grid.shape[2]))
    for x in range(n):
        total[table[x]] += grid[x]
    return total / n


def irrep_projector(
    irreps: Irreps,
    names: Sequence[str],
    counts: Float[ndarray, " element"] | None = None,
    constant: bool = False,
) -> Float[ndarray, "element element"]:
    """Return H with H @ M the least-squares fit, M [element, class] the means per product: A S of `irrep_factors`.

    Raises
    ------
    ValueError
        For a name that is no representation of the group.
    """
    left, right = irrep_factors(irreps, names, counts, constant)
    return left @ right


def irrep_factors(
    irreps: Irreps,
    names: Sequence[str],
    counts: Float[ndarray, " element"] | None = None,
    constant: bool = False,
) -> tuple[Float[ndarray, "element direction"], Float[ndarray, "direction element"]]:
    """Return (A, S) with A @ S @ M the least-squares fit of M by the entries of the named representations.

    M [element, class] holds the mean logits per product s, which counts `counts[s]` times (1 each where None: all
    rows). With `constant` the constant is fitted, too. On all rows A S is the orthogonal projection. Directions that
    the rows do not tell apart (singular value below 1e-10 of the largest) are left out, never filled with arbitrary
    ones: of all best fits, it is the one with the least coefficients on independent entries of rho(s), as on cyclic
    groups.

    Raises
    ------
    ValueError
        For a name that is no representation of the group.
    """
    wanted = sorted({*irreps.index(names), *(irreps.index(["trivial"]) if constant else [])})
    chosen = np.isin(irreps.irrep_of_component, wanted)
    directions = irreps.basis[chosen].T
    if counts is None:
        return directions, directions.T
    weight = np.asarray(counts, dtype=np.float64)
    if weight.min() > WELL_TOLD_APART * weight.max():
        gram = directions.T @ (weight[:, None] * directions)
        return directions, np.linalg.solve(gram, directions.T * weight)
    degrees = np.array([rep.degree for rep in irreps])[irreps.irrep_of_component[chosen]]
    entries = directions * np.sqrt(irreps.order / degrees)
    root = np.sqrt(weight)
    solve = np.linalg.pinv(root[:, None] * entries, rcond=RANK_TOLERANCE)
    return entries, solve * root


def character_cosines(
    logits: Float[ndarray, "row element"], row_product: Int[ndarray, " row"], irreps: Irreps
) -> Float[ndarray, " irrep"]:
    """Return the cosine of the row-centred logits with chi(x . y . c^-1), for each representation.

    With L~ the logits minus their mean over the answers c, sum L~ chi(x.y.c^-1) / sqrt(sum L~^2 sum chi^2), sums over
    all rows and answers; sum chi^2 = rows x n x (dimension of the commutant). It needs only the total of L~ over all
    (row, c) with x . y . c^-1 = q, for each q. On a cyclic group its square is the `trig_shares` of that frequency.
    Not-a-number where the logits are constant along every row.

    Source: "logit similarity" of Chughtai et al. 2023 (arXiv 2302.03025).

    Parameters
    ----------
    logits
        Logits of the answers, in the order of the group's elements; float64.
    row_product
        x . y of each row.
    """
    centred = logits - logits.mean(1, keepdims=True)
    total = total_by_sum(centred, row_product, irreps.order)
    return cosines_of_totals(total, float(np.square(centred).sum()), len(row_product), irreps)


def cosines_of_totals(
    total: Float[ndarray, "element element"], energy: float, n_rows: int, irreps: Irreps
) -> Float[ndarray, " irrep"]:
    """Return `character_cosines` from what they need of the row-centred logits.

    Parameters
    ----------
    total
        Their total over the rows of each product.
    energy
        The sum of their squares.
    n_rows
        Number of rows.
    """
    if energy == 0:
        return np.full(len(irreps), np.nan)
    by_quotient = _total_by_quotient(total, irreps.table)
    norms = np.array([n_rows * irreps.order * len(rep.commutant) for rep in irreps])
    return irreps.characters @ by_quotient / np.sqrt(norms * energy)


def _total_by_quotient(
    values: Float[ndarray, "element element"], table: Int[ndarray, "element element"]
) -> Float[ndarray, " element"]:
    """Return the total of `values`[s, c] over all s, c with s . c^-1 = q, for each q."""
    quotient = table[:, inverses(table)]
    return np.bincount(quotient.reshape(-1), weights=values.reshape(-1), minlength=len(table))
