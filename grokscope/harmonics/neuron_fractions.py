"""How much of a neuron one frequency explains.

Source: Nanda et al. 2023 (arXiv 2301.05217), section 4.2.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.harmonics.grid_sums import GridSums, grid_sums


def neuron_fractions(activations: Float[ndarray, "n n neuron"]) -> Float[ndarray, "freq neuron"]:
    """Return the share of each neuron's centred energy in the block {1, c_k, s_k} x {1, c_k, s_k}.

    With h centred over all inputs, the share of frequency k is the sum of the squared coefficients of h on the products
    of {1, cos w_k x, sin w_k x} and {1, cos w_k y, sin w_k y} (orthonormal; the constant is 0) over sum h^2. Blocks of
    different frequencies share no direction, so shares sum to at most 1. A dead neuron (constant over inputs) is
    not-a-number.

    Source: Nanda et al. 2023, section 4.2.

    Parameters
    ----------
    activations
        Activations by the exponents of the first and the second operand.
    """
    return fractions_of_sums(grid_sums(activations))


def fractions_of_sums(sums: GridSums) -> Float[ndarray, "freq neuron"]:
    """Return `neuron_fractions` from what they need of the activations.

    The block is spanned by cos and sin of w_k x, w_k y, w_k (x + y) and w_k (x - y), functions of one number each, so
    that the energy there is n times that of four tables of means. At the Nyquist frequency the last two are the same.
    """
    assert sums.difference is not None, "frequencies are those of a cyclic group"
    n, width = sums.n, sums.first.shape[1]
    tables = np.concatenate([sums.first, sums.second, sums.product, sums.difference], axis=1)
    _, cos, sin = fourier_coefficients(tables)
    energies = (np.square(cos) + np.square(sin)).reshape(n // 2, 4, width)
    if n % 2 == 0:
        energies[-1, 3] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = n * energies.sum(1) / sums.energy
    fractions[:, sums.dead] = np.nan
    return fractions
