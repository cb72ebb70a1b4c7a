"""How much of a neuron h(x, y) on pairs of group elements one representation explains: two definitions.

Block: the share of h in the span of {1, rho(x)_ij} times {1, rho(y)_kl}, the form for any group of `neuron_fractions`
(on a cyclic group it is the same): whatever a neuron does with the entries of rho alone.

Parts: the energy on the entries of rho(x), of rho(y) and of rho(x . y), as Chughtai et al. 2023 (arXiv 2302.03025)
take it. rho(x . y) lies in the block, so parts are never more than it.

In both h is centred over all pairs. With B the orthonormal functions of rho (`Representation.basis`), the energy on
rho(x) is n |B h_x|^2 for h_x the mean over y, and likewise for y and for x . y. The three are orthogonal for every rho
but the trivial one, and so are blocks of different rho.

Source: Nanda et al. 2023 (arXiv 2301.05217), section 4.2, carried over; Chughtai et al. 2023 (arXiv 2302.03025).
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.grid_sums import DEAD, GridSums
from grokscope.harmonics.group_fourier import power
from grokscope.harmonics.irreps import Irreps

ENTRIES_AT_ONCE = 30_000_000
"""Numbers of one copy of the activations that is worked on; more neurons are taken in turn."""


def neuron_irrep_fractions(
    activations: Float[ndarray, "n n neuron"], irreps: Irreps
) -> Float[ndarray, "irrep neuron"]:
    """Return the share of each neuron's centred energy in the block {1, rho(x)} x {1, rho(y)}, for each rho.

    The trivial representation has 0. Shares sum to at most 1. A dead neuron (constant over inputs) is not-a-number.

    Parameters
    ----------
    activations
        By the first and the second operand, in the order of the group's elements.
    """
    n, found = irreps.order, []
    for h in _in_turn(activations):
        centred = h - h.mean((0, 1))
        basis = torch.as_tensor(irreps.basis, dtype=h.dtype)
        along_x = (basis @ centred.reshape(n, -1)).reshape(n, n, -1)
        on_y = basis @ centred.mean(0)
        energy = torch.zeros(len(irreps), h.shape[2], dtype=torch.float64)
        for i in range(1, len(irreps)):
            rows = np.flatnonzero(irreps.irrep_of_component == i)
            block = torch.tensordot(basis[rows], along_x[rows], dims=([1], [1]))
            energy[i] = _energy(block) + _energy(along_x[rows].sum(1)[None]) / n
            energy[i] += n * _energy(on_y[rows][None])
        total, scale = _energy(centred), _energy(h)
        dead = total <= DEAD * torch.clamp(scale, min=torch.finfo(torch.float64).tiny)
        shares = energy / total
        shares[:, dead] = torch.nan
        found.append(shares)
    return np.asarray(torch.cat(found, dim=1))


def neuron_part_energies(sums: GridSums, irreps: Irreps) -> Float[ndarray, "part irrep neuron"]:
    """Return the energies on rho(x), rho(y), rho(x . y) of each neuron, centred over all pairs; float64.

    Parameters
    ----------
    sums
        Of the activations by the first and the second operand, in the order of the group's elements.
    """
    parts = [power(means, irreps) for means in (sums.first, sums.second, sums.product)]
    return irreps.order * np.stack(parts)


def _energy(h: Float[Tensor, "row column neuron"]) -> Float[Tensor, " neuron"]:
    """Return the sum of squares, added up in float64 over rows: over both it would take several times as long."""
    return h.square().sum(1).sum(0, dtype=torch.float64)


def _in_turn(activations: Float[ndarray, "n n neuron"]) -> Iterator[Float[Tensor, "n n some"]]:
    h = torch.as_tensor(activations)
    at_once = max(1, ENTRIES_AT_ONCE // max(1, h.shape[0] * h.shape[1]))
    yield from h.split(at_once, dim=2)
