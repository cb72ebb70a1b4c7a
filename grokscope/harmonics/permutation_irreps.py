"""Real irreducible representations of the symmetric and alternating groups, with their names in the literature.

Names follow Chughtai et al. 2023 (arXiv 2302.03025) and their published models where these have one: trivial, sign,
standard, standard_sign, s4_2d, s5_5d_a, s5_5d_b, s5_6d, s6_5d_a, s6_5d_b, a5_3d_a, a5_3d_b, a5_5d_a. The others are
formed alike: group, degree, and a letter where several have that degree, for partitions lexicographically descending.

Source: James & Kerber, The Representation Theory of the Symmetric Group (1981), chapters 2 and 3.
"""

from collections import Counter

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.representations import Representation
from grokscope.harmonics.young import (
    Partition,
    associator,
    conjugate,
    lexicographic_rank,
    partitions,
    standard_tableaux,
    young_orthogonal_form,
)

Part = tuple[Partition, Float[ndarray, "element _ _"], Float[ndarray, "_ _ _"], str]

# In the published models (2, 2, 1) of S5 comes before (3, 2), and the one of A5 has a letter, too.
_PUBLISHED_A = (2, 2, 1)


def symmetric_irreps(points: Int[ndarray, "element point"]) -> tuple[Representation, ...]:
    """Return the irreducible representations of S_n by Young's orthogonal form; all are of real type.

    Order: trivial, sign, standard, standard_sign, then by degree and letter. `label` is the partition.

    Parameters
    ----------
    points
        Where each element takes each point, for all n! permutations in any order.
    """
    rows = lexicographic_rank(points)
    return tuple(
        Representation(
            name,
            young_orthogonal_form(partition)[rows],
            np.eye(_degree(partition))[None],
            str(partition),
        )
        for partition, name in _symmetric_names(points.shape[1]).items()
    )


def alternating_irreps(points: Int[ndarray, "element point"]) -> tuple[Representation, ...]:
    """Return the real irreducible representations of A_n, from those of S_n.

    - A partition and its conjugate restrict to the same irreducible representation of real type; the lexicographically
      larger is taken.
    - A self-conjugate one has T with T rho(x) = sign(x) rho(x) T (`young.associator`). Where T^2 = 1, its eigenspaces
      are two representations of real type: `a` has the larger character at the permutation whose cycles (0 1 2 ...)
      are as long as the hooks of the diagonal. Where T^2 = -1, the restriction is irreducible over the real numbers
      and of complex type, with T as its complex structure.

    Order: trivial, standard, then by degree and letter. `label` is the partition, or the pair of partitions.

    Parameters
    ----------
    points
        Where each element takes each point, for all n!/2 even permutations in any order.
    """
    n = points.shape[1]
    rows = lexicographic_rank(points)
    parts: list[Part] = []
    for partition in partitions(n):
        other = conjugate(partition)
        if partition < other:
            continue
        matrices = young_orthogonal_form(partition)[rows]
        identity = np.eye(matrices.shape[1])
        if partition != other:
            parts.append((partition, matrices, identity[None], f"{partition}, {other}"))
            continue
        t = associator(partition)
        if (t == t.T).all():
            for half, sign in zip(_halves(matrices, t, points, partition), "+-", strict=True):
                parts.append((partition, half, np.eye(half.shape[1])[None], f"{partition}{sign}"))
        else:
            parts.append((partition, matrices, np.stack([identity, t]), str(partition)))
    return _named_alternating(n, parts)


def _degree(partition: Partition) -> int:
    return len(standard_tableaux(partition))


def _letters(degrees: list[int], prefix: str, always: list[bool]) -> list[str]:
    """Return "s5_6d", or "s5_5d_a", "s5_5d_b" where a degree occurs more than once (or the letter is asked for)."""
    how_many, seen, names = Counter(degrees), Counter[int](), []
    for degree, letter in zip(degrees, always, strict=True):
        suffix = f"_{chr(ord('a') + seen[degree])}" if how_many[degree] > 1 or letter else ""
        names.append(f"{prefix}_{degree}d{suffix}")
        seen[degree] += 1
    return names


def _symmetric_names(n: int) -> dict[Partition, str]:
    """Return the name of each partition of n, in the order of the representations."""
    found: dict[Partition, str] = {}
    everything = partitions(n)
    # Small groups have several of these in one: standard_sign is standard in S3, sign in S2.
    for partition, name in (
        ((n,), "trivial"),
        ((1,) * n, "sign"),
        ((n - 1, 1), "standard"),
        ((2, *(1,) * (n - 2)), "standard_sign"),
    ):
        if partition in everything:
            found.setdefault(partition, name)
    others = [partition for partition in everything if partition not in found]
    others.sort(key=lambda partition: (_degree(partition), partition != _PUBLISHED_A))
    names = _letters([_degree(p) for p in others], f"s{n}", [False] * len(others))
    return found | dict(zip(others, names, strict=True))


def _named_alternating(n: int, parts: list[Part]) -> tuple[Representation, ...]:
    common = {(n,): "trivial", (n - 1, 1): "standard"}
    named = [
        Representation(common[p], matrices, commutant, label)
        for p, matrices, commutant, label in parts
        if p in common
    ]
    others = sorted((part for part in parts if part[0] not in common), key=lambda p: p[1].shape[1])
    names = _letters(
        [part[1].shape[1] for part in others],
        f"a{n}",
        [conjugate(part[0]) == _PUBLISHED_A for part in others],
    )
    named += [
        Representation(name, matrices, commutant, label)
        for name, (_, matrices, commutant, label) in zip(names, others, strict=True)
    ]
    return tuple(named)


def _halves(
    matrices: Float[ndarray, "element d d"],
    t: Float[ndarray, "d d"],
    points: Int[ndarray, "element point"],
    partition: Partition,
) -> list[Float[ndarray, "element half half"]]:
    """Return the representations on the eigenspaces of T for 1 and -1, the one with the larger character first."""
    d = len(t)
    partner = np.argmax(np.abs(t), axis=0)
    first = np.flatnonzero(np.arange(d) < partner)
    halves = []
    for sign in (1.0, -1.0):
        vectors = (np.eye(d) + sign * t)[:, first] / np.sqrt(2)
        halves.append(vectors.T @ matrices @ vectors)
    at = int(np.flatnonzero((points == _of_diagonal_hooks(partition)).all(1))[0])
    return sorted(halves, key=lambda half: -np.trace(half[at]))


def _of_diagonal_hooks(partition: Partition) -> Int[ndarray, " point"]:
    """Return the permutation with cycles (0 1 ...) of the lengths 2 (l_i - i) - 1 of a self-conjugate partition."""
    permutation, start = np.arange(sum(partition)), 0
    for i, length in enumerate(partition):
        hook = 2 * (length - i) - 1
        if hook > 0:
            cycle = np.arange(start, start + hook)
            permutation[cycle] = np.roll(cycle, -1)
            start += hook
    return permutation
