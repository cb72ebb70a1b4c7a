"""How much of a neuron one frequency explains."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_basis, frequencies

DEAD = 1e-12


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
    n, _, n_neuron = activations.shape
    h = torch.as_tensor(activations)
    basis_array, names = fourier_basis(n)
    basis = torch.as_tensor(basis_array, dtype=h.dtype)
    centred = h - h.mean((0, 1))
    energy = centred.square().sum((0, 1), dtype=torch.float64)
    scale = h.square().sum((0, 1), dtype=torch.float64)
    along_x = (basis @ centred.reshape(n, -1)).reshape(n, n, n_neuron)
    const_y = (basis @ along_x[0]).square()
    shares = torch.zeros(n // 2, n_neuron, dtype=torch.float64)
    for k in frequencies(n):
        rows = [i for i, (frequency, _) in enumerate(names) if frequency == k]
        block = torch.einsum("by,aym->abm", basis[[0, *rows]], along_x[rows])
        shares[k - 1] = block.square().sum((0, 1), dtype=torch.float64) + const_y[rows].sum(0)
    # Where centring leaves only rounding, there is no energy to share out.
    dead = energy <= DEAD * torch.clamp(scale, min=torch.finfo(torch.float64).tiny)
    fractions = shares / energy
    fractions[:, dead] = torch.nan
    return np.asarray(fractions)
