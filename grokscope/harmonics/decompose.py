"""Decompositions that know nothing but the matrices or the table: the route for any group, and a check on the others.

A symmetric matrix that commutes with a representation has invariant eigenspaces. A random one from the commutant has
each eigenspace irreducible: on the m copies of one irreducible representation it acts as a random Hermitian m x m
matrix over R, C or H, whose eigenvalues differ with probability 1. Eigenspaces that rounding cannot tell apart are
reducible together, which their character shows (`commutant_dimension`), and are split again with another random matrix.

Source: the method of Dixon 1970, Computing Irreducible Representations of Groups, Mathematics of Computation 24.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.conjugacy import (
    class_means,
    conjugacy_classes,
    generating_set,
    identity_element,
    inverses,
)
from grokscope.harmonics.representations import (
    Representation,
    commutant_basis,
    commutant_dimension,
)

SEED = 0
# Eigenvalues that differ by less than this share of the largest are taken for one.
GAP = 1e-9
INVARIANT = 3e-15
_ATTEMPTS = 100

Subspace = Float[ndarray, "row _"]


def irreps_of_table(table: Int[ndarray, "element element"]) -> tuple[Representation, ...]:
    """Return the real irreducible representations of any finite group, from its Cayley table.

    The functions on the group, moved by (L(g) f)(x) = f(g^-1 . x), hold all of them; kernels a(x^-1 . y) with
    a(g) = a(g^-1) are symmetric and commute with all L(g). Random numbers have a fixed seed.

    Names: trivial; sign, or sign_1, sign_2, ... for the others of degree 1; 2d, or 2d_1, 2d_2, ... for those of a
    degree. Within a degree they are sorted by their characters on the conjugacy classes, largest first.
    """
    n = len(table)
    identity, inverse = identity_element(table), inverses(table)
    quotient = table[inverse]
    classes = conjugacy_classes(table)
    squares = np.diag(table)

    def kernel(rng: np.random.Generator) -> Float[ndarray, "element element"]:
        a = rng.standard_normal(n)
        return (a + a[inverse])[quotient]

    def character(vectors: Subspace) -> Float[ndarray, " element"]:
        # The projection is itself a kernel, p(x^-1 . y), so its trace with L(g) is a sum over the class of g.
        return n * class_means(vectors @ vectors[identity], classes)[classes]

    generators = generating_set(table)
    found = []
    for vectors, chi, dimension in distinct_parts(np.eye(n), kernel, character, squares):
        if vectors.shape[1] == 1:
            matrices = np.rint(chi)[:, None, None]
        else:
            exact = _invariant(vectors, table, generators, quotient, identity, inverse)
            matrices = _matrices(exact, table)
        found.append(Representation("", matrices, commutant_basis(matrices, dimension)))
    return _named(found, classes)


def distinct_parts(
    space: Subspace,
    operator: Callable[[np.random.Generator], Float[ndarray, "row row"]],
    character: Callable[[Subspace], Float[ndarray, " element"]],
    squares: Int[ndarray, " element"],
) -> list[tuple[Subspace, Float[ndarray, " element"], int]]:
    """Return (subspace, character, dimension of the commutant) for one copy of each irreducible part of a space.

    Parameters
    ----------
    space
        Orthonormal columns that span an invariant space.
    operator
        Gives a random symmetric matrix that commutes with the representation.
    character
        Gives the character of the representation on an invariant subspace, from orthonormal columns.
    squares
        g . g for each element g.
    """
    rng = np.random.default_rng(SEED)
    n = len(squares)
    found: list[tuple[Subspace, Float[ndarray, " element"], int]] = []
    known = np.zeros((0, n))
    waiting, attempts = [space], 0
    while waiting:
        vectors = waiting.pop()
        chi = character(vectors)
        dimension = commutant_dimension(chi, squares)
        if dimension is not None:
            # Different irreducible characters are orthogonal; equal ones have (1/n) sum chi^2 = c.
            if not (known @ chi / n > 0.5).any():
                found.append((vectors, chi, dimension))
                known = np.concatenate([known, chi[None]])
            continue
        attempts += 1
        assert attempts < _ATTEMPTS, "the operators do not commute with the representation"
        values, inner = np.linalg.eigh(vectors.T @ operator(rng) @ vectors)
        cuts = np.flatnonzero(np.diff(values) > GAP * np.abs(values).max()) + 1
        waiting += [vectors @ part for part in np.split(inner, cuts, axis=1)]
    return found


def irreducible_part(
    matrices: Float[ndarray, "element d d"], squares: Int[ndarray, " element"]
) -> tuple[Float[ndarray, "element small small"], Float[ndarray, "c small small"]]:
    """Return (matrices, commutant) of the irreducible representation of which `matrices` is a multiple.

    Random matrices averaged over the group, rho(g) X rho(g)^T, serve as commuting ones.
    """
    d = matrices.shape[1]

    def average(rng: np.random.Generator) -> Float[ndarray, "d d"]:
        drawn = rng.standard_normal((d, d))
        return (matrices @ (drawn + drawn.T) @ matrices.swapaxes(1, 2)).mean(0)

    def character(vectors: Subspace) -> Float[ndarray, " element"]:
        return np.einsum("gij,ik,jk->g", matrices, vectors, vectors, optimize=True)

    parts = distinct_parts(np.eye(d), average, character, squares)
    assert len(parts) == 1, "several different irreducible representations"
    vectors, _, dimension = parts[0]
    small = vectors.T @ matrices @ vectors
    return small, commutant_basis(small, dimension)


def _invariant(
    vectors: Subspace,
    table: Int[ndarray, "element element"],
    generators: Int[ndarray, " generator"],
    quotient: Int[ndarray, "element element"],
    identity: int,
    inverse: Int[ndarray, " element"],
) -> Subspace:
    """Return orthonormal columns whose span is invariant to rounding, from columns that are nearly so.

    Eigenspaces with near eigenvalues come out mixed. Their projection, made a kernel p(x^-1 . y), commutes exactly, and
    its eigenvalues are 1 on an invariant space and 0 elsewhere but for that error: applied twice, it leaves the third
    power of it.
    """
    moved = vectors[table[generators]]
    if np.abs(moved - vectors @ (vectors.T @ moved)).max() < INVARIANT:
        return vectors
    p = vectors @ vectors[identity]
    kernel = (0.5 * (p + p[inverse]))[quotient]
    return np.linalg.qr(kernel @ (kernel @ vectors))[0]


def _matrices(
    vectors: Subspace, table: Int[ndarray, "element element"]
) -> Float[ndarray, "element d d"]:
    """Return rho(g) of an invariant space of functions, from v(g . x) = rho(g) v(x) at d elements x.

    v(x) is a row of `vectors`; the d elements are such that their rows are far from dependent.
    """
    d = vectors.shape[1]
    rest, chosen = vectors.copy(), []
    for _ in range(d):
        at = int(np.argmax(np.square(rest).sum(1)))
        chosen.append(at)
        unit = rest[at] / np.linalg.norm(rest[at])
        rest -= np.outer(rest @ unit, unit)
    moved = vectors[table[:, chosen]]
    return np.linalg.solve(vectors[chosen][None], moved).swapaxes(1, 2)


def _named(
    found: list[Representation], classes: Int[ndarray, " element"]
) -> tuple[Representation, ...]:
    representative = np.unique(classes, return_index=True)[1]
    found = sorted(
        found,
        key=lambda rep: (rep.degree, *(-np.round(rep.character[representative], 6) + 0.0)),
    )
    degrees = [rep.degree for rep in found[1:]]
    named, seen = [], dict.fromkeys(degrees, 0)
    for i, rep in enumerate(found):
        name = "trivial"
        if i:
            seen[rep.degree] += 1
            name = "sign" if rep.degree == 1 else f"{rep.degree}d"
            name += f"_{seen[rep.degree]}" if degrees.count(rep.degree) > 1 else ""
        named.append(Representation(name, rep.matrices, rep.commutant))
    return tuple(named)
