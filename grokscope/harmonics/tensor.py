"""Real irreducible representations of a direct product, from those of its two factors.

Over the complex numbers rho x sigma, of degree d_rho d_sigma, is irreducible. Over the real numbers its commutant is
the product of the two commutants:

| commutants | product | rho x sigma is |
|---|---|---|
| R and any D | D | irreducible, of the type of D |
| C and C | C + C | two of complex type and half the degree: psi chi and psi conj(chi), each with its conjugate |
| C and H | 2 x 2 matrices over C | twice one of complex type and half the degree |
| H and H | 4 x 4 matrices over R | four times one of real type and a quarter of the degree |

Source: Serre, Linear Representations of Finite Groups, 3.2 and 13.2.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.decompose import irreducible_part
from grokscope.harmonics.representations import Representation

Matrices = Float[ndarray, "element d d"]


def product_irreps(
    first: tuple[Representation, ...],
    second: tuple[Representation, ...],
    squares: Int[ndarray, " element"],
) -> tuple[Representation, ...]:
    """Return the real irreducible representations of G x H.

    Names are "rho x sigma"; where two of complex type give two, the one with conj(chi) is "rho x sigma*". For cyclic
    groups freq_j x freq_k turns by w_j x + w_k y, and freq_j x freq_k* by w_j x - w_k y.

    Parameters
    ----------
    first, second
        All real irreducible representations of G and of H, as representations of the product: matrices for each of
        its elements.
    squares
        g . g for each element g of the product.
    """
    return tuple(part for rho in first for sigma in second for part in _outer(rho, sigma, squares))


def _outer(
    rho: Representation, sigma: Representation, squares: Int[ndarray, " element"]
) -> list[Representation]:
    name = f"{rho.name} x {sigma.name}"
    matrices = _kron(rho.matrices, sigma.matrices)
    c = len(rho.commutant), len(sigma.commutant)
    if 1 in c:
        many = np.repeat(rho.commutant, c[1], axis=0), np.tile(sigma.commutant, (c[0], 1, 1))
        return [Representation(name, matrices, _kron(*many))]
    if c == (2, 2):
        return _two_of_complex_type(name, rho, sigma, matrices)
    return [Representation(name, *irreducible_part(matrices, squares))]


def _two_of_complex_type(
    name: str, rho: Representation, sigma: Representation, matrices: Matrices
) -> list[Representation]:
    """Split by J_rho x J_sigma: it is -1 where both turn the same way (psi chi), 1 where they do not."""
    both = np.kron(rho.commutant[1], sigma.commutant[1])
    turn = np.kron(rho.commutant[1], np.eye(sigma.degree))
    vectors = np.linalg.eigh(both)[1]
    half = len(both) // 2
    found = []
    for side, star in ((vectors[:, :half], ""), (vectors[:, half:], "*")):
        commutant = np.stack([np.eye(half), side.T @ turn @ side])
        found.append(Representation(name + star, side.T @ matrices @ side, commutant))
    return found


def _kron(a: Float[ndarray, "stack i j"], b: Float[ndarray, "stack k l"]) -> Matrices:
    """Return the Kronecker product of each pair of matrices."""
    d = a.shape[1] * b.shape[1]
    return np.einsum("gij,gkl->gikjl", a, b).reshape(len(a), d, d)
