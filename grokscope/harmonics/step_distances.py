"""How regularly points that are numbered modulo n advance: the distance that a step of s covers.

Source: what Power et al. 2022 (arXiv 2201.02177), figure 3, show by eye; the statistic is grokscope's own.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def step_distances(rows: Float[ndarray, "n d_model"]) -> Float[ndarray, " step"]:
    """Return, for the steps s = 1 .. n//2, the mean squared distance from r(c) to r(c + s), over that of all pairs.

    With A(s) the sum over c of r(c) . r(c + s) of the centred rows, indices modulo n, the ratio is
    (1 - A(s) / A(0)) (n - 1) / n: the autocorrelation in other words, computed by a discrete Fourier transform. It is
    1 where a step leads anywhere, small where it leads to a neighbour.

    Parameters
    ----------
    rows
        r(c) for c = 0 .. n - 1, in float64.

    Returns
    -------
    array
        Not-a-number where all rows are equal.
    """
    n = len(rows)
    power = np.square(np.abs(np.fft.fft(rows - rows.mean(0), axis=0))).sum(1)
    correlation = np.fft.ifft(power).real
    with np.errstate(invalid="ignore"):
        return (1 - correlation[1 : n // 2 + 1] / correlation[0]) * (n - 1) / n
