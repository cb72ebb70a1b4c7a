"""How much of the logits is a sum of cos w_k(x + y - c).

Source: Nanda et al. 2023 (arXiv 2301.05217), section 4.1.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.fourier import frequencies
from grokscope.harmonics.sum_projection import total_by_sum


def trig_shares(
    logits: Float[ndarray, "row n"], row_sum: Int[ndarray, " row"]
) -> Float[ndarray, " freq"]:
    """Return the share of the row-centred logits' energy on cos w_k(x + y - c), for each frequency k.

    With L~ the logits minus their mean over c, the share is (sum L~ cos w_k(x+y-c))^2 / (sum cos^2 sum L~^2). It needs
    only G[d], the sum of L~ over all (row, c) with x + y - c = d, and one transform of length n. Without row-centring a
    constant per row, which the softmax does not see, would count as energy.

    Parameters
    ----------
    logits
        All rows of the group, answers in the order of their exponents c; float64.
    row_sum
        x + y modulo n of each row.
    """
    centred = logits - logits.mean(1, keepdims=True)
    total = total_by_sum(centred, row_sum, logits.shape[1])
    return shares_of_totals(total, float(np.square(centred).sum()), len(row_sum))


def shares_of_totals(
    per_sum: Float[ndarray, "n n"], energy: float, n_rows: int
) -> Float[ndarray, " freq"]:
    """Return `trig_shares` from what they need of the row-centred logits.

    Parameters
    ----------
    per_sum
        Their total over the rows of each sum.
    energy
        The sum of their squares.
    n_rows
        Number of rows.
    """
    n = len(per_sum)
    s = np.arange(n)
    by_difference = np.array([per_sum[s, (s - d) % n].sum() for d in range(n)])
    transform = np.fft.rfft(by_difference).real[1:]
    norm = np.array([n_rows * (n if 2 * k == n else n / 2) for k in frequencies(n)])
    return transform**2 / norm / energy if energy > 0 else np.full(n // 2, np.nan)
