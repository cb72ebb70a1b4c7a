"""How much of the logits is a sum of cos w_k(x + y - c)."""

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
    n = logits.shape[1]
    centred = logits - logits.mean(1, keepdims=True)
    total = np.square(centred).sum()
    per_sum = total_by_sum(centred, row_sum, n)
    s = np.arange(n)
    by_difference = np.array([per_sum[s, (s - d) % n].sum() for d in range(n)])
    transform = np.fft.rfft(by_difference).real[1:]
    norm = np.array([len(row_sum) * (n if 2 * k == n else n / 2) for k in frequencies(n)])
    return transform**2 / norm / total if total > 0 else np.full(n // 2, np.nan)
