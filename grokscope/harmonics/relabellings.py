"""Random relabellings of a group's elements: the null for what is special about the entries of a representation.

rho(pi(s)) for a permutation pi of the elements spans as many functions of s as rho(s), none of them in a known
relation to the group's product. What these functions keep of the logits, any functions of x . y would have kept.

Source: grokscope's own null.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grokscope.harmonics.group_averages import irrep_projector
from grokscope.harmonics.irreps import Irreps

SAME = 1e-6
TRIES = 50


def random_relabellings(
    irreps: Irreps, names: Sequence[str], draws: int, seed: int
) -> Int[ndarray, "draw element"]:
    """Return permutations pi of the elements under which the entries of rho(pi(s)) span other functions than rho(s).

    Permutations are drawn uniformly; one that only turns the span into itself, as every translation g . s does, is
    drawn again. Where the named representations, with the constant, span all functions, there is no other span, and
    the result is empty.

    Parameters
    ----------
    names
        The representations; the trivial one adds nothing.

    Raises
    ------
    ValueError
        For a name that is no representation of the group.
    """
    n = irreps.order
    chosen = [name for name in dict.fromkeys(names) if name != irreps.names[0]]
    rank = sum(irreps[name].rank for name in chosen)
    if rank in (0, n - 1):
        return np.zeros((0, n), dtype=np.int64)
    span = irrep_projector(irreps, chosen)
    rng = np.random.default_rng(seed)
    found: list[Int[ndarray, " element"]] = []
    for _ in range(TRIES * draws):
        if len(found) == draws:
            break
        drawn = rng.permutation(n)
        overlap = float((span[np.ix_(drawn, drawn)] * span).sum())
        if overlap < rank * (1 - SAME):
            found.append(drawn)
    return np.array(found, dtype=np.int64).reshape(-1, n)
