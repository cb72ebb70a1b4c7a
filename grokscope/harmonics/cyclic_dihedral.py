"""Real irreducible representations of cyclic and dihedral groups, in closed form.

Source: Serre, Linear Representations of Finite Groups, 5.1 and 5.3.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.representations import Representation

_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
_FLIP = np.diag([1.0, -1.0])


def cyclic_irreps(exponents: Int[ndarray, " element"]) -> tuple[Representation, ...]:
    """Return the real irreducible representations of a cyclic group of order n.

    - trivial: 1; sign (even n): (-1)^x, the Nyquist frequency;
    - freq_k, 1 <= k < n/2: the turn by 2 pi k x / n, of degree 2 and complex type.

    Parameters
    ----------
    exponents
        x of each element a^x, for one generator a.
    """
    n = len(exponents)
    one = np.eye(1)[None]
    found = [Representation("trivial", np.ones((n, 1, 1)), one)]
    if n % 2 == 0:
        found.append(Representation("sign", _sign(exponents), one))
    structure = np.stack([np.eye(2), _TURN])
    found += [
        Representation(f"freq_{k}", _turns(k * exponents, n), structure)
        for k in range(1, (n + 1) // 2)
    ]
    return tuple(found)


def dihedral_irreps(
    turns: Int[ndarray, " element"], flips: Int[ndarray, " element"]
) -> tuple[Representation, ...]:
    """Return the real irreducible representations of the dihedral group of 2n elements r^k s^l; all are of real type.

    - trivial: 1; sign: (-1)^l; for even n also sign_r: (-1)^k and sign_rs: (-1)^(k+l);
    - freq_j, 1 <= j < n/2: r turns by 2 pi j / n, s is diag(1, -1); of degree 2.

    Parameters
    ----------
    turns, flips
        k in 0..n-1 and l in {0, 1} of each element.
    """
    n = len(turns) // 2
    one = np.eye(1)[None]
    found = [
        Representation("trivial", np.ones((2 * n, 1, 1)), one),
        Representation("sign", _sign(flips), one),
    ]
    if n % 2 == 0:
        found.append(Representation("sign_r", _sign(turns), one))
        found.append(Representation("sign_rs", _sign(turns + flips), one))
    reflect = np.stack([np.eye(2), _FLIP])[flips]
    found += [
        Representation(f"freq_{j}", _turns(j * turns, n) @ reflect, np.eye(2)[None])
        for j in range(1, (n + 1) // 2)
    ]
    return tuple(found)


def _sign(exponents: Int[ndarray, " element"]) -> Float[ndarray, "element 1 1"]:
    return np.where(exponents % 2 == 0, 1.0, -1.0)[:, None, None]


def _turns(steps: Int[ndarray, " element"], n: int) -> Float[ndarray, "element 2 2"]:
    """Return the turn by 2 pi / n times `steps`; reduced modulo n first, since large angles lose digits."""
    angle = 2 * np.pi * (steps % n) / n
    return np.cos(angle)[:, None, None] * np.eye(2) + np.sin(angle)[:, None, None] * _TURN
