"""A real irreducible representation: its matrices, what commutes with them, and the functions that its entries span.

A real irreducible representation rho of degree d has a commutant D (the matrices J with J rho(g) = rho(g) J for all g)
that is one of three fields, with c = dim D:

| type | D | c | over the complex numbers | (1/n) sum_g chi(g)^2 | (1/n) sum_g chi(g^2) | spanned functions |
|---|---|---|---|---|---|---|
| real | R | 1 | psi, irreducible | 1 | 1 | d^2 |
| complex | C | 2 | psi + conj(psi), psi of degree d/2 | 2 | 0 | d^2 / 2 |
| quaternionic | H | 4 | 2 psi, psi of degree d/2 | 4 | -2 | d^2 / 4 |

With J_1 = I, ..., J_c a basis of D of orthogonal matrices (J_m skew for m > 1) the entries obey, n the group's order,

    (1/n) sum_g rho(g)_ij rho(g)_kl = (1/d) sum_m (J_m)_ik (J_m)_jl.

For c = 1 this is the usual relation. For c > 1 the entries are linearly dependent: d^2 of them span d^2 / c functions.

Source: Serre, Linear Representations of Finite Groups, 2.2 and 13.2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

Kind = Literal["real", "complex", "quaternionic"]

# (norm of the character, Frobenius-Schur indicator) -> dimension of the commutant; all else is reducible.
_IRREDUCIBLE = {(1, 1): 1, (2, 0): 2, (4, -2): 4}
_KIND: dict[int, Kind] = {1: "real", 2: "complex", 4: "quaternionic"}
ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Representation:
    """A real irreducible representation by orthogonal matrices.

    Attributes
    ----------
    name
        As the literature calls it: "trivial", "freq_3", "standard".
    matrices
        rho(g) for each element g; rho(x . y) = rho(x) rho(y), float64.
    commutant
        Orthogonal J_1 = I, ..., J_c that span the matrices commuting with all rho(g); orthogonal to each other.
    label
        How mathematics says it, "(3, 1, 1)" for a partition; empty where the name says all.
    """

    name: str
    matrices: Float[ndarray, "element d d"]
    commutant: Float[ndarray, "c d d"]
    label: str = ""

    @property
    def degree(self) -> int:
        """The real degree d."""
        return self.matrices.shape[1]

    @property
    def kind(self) -> Kind:
        """The type by Frobenius and Schur: "real", "complex" or "quaternionic"."""
        return _KIND[len(self.commutant)]

    @property
    def complex_degrees(self) -> tuple[int, ...]:
        """Degrees of the *different* complex irreducible representations in it: two for the complex type."""
        d = self.degree
        return {"real": (d,), "complex": (d // 2, d // 2), "quaternionic": (d // 2,)}[self.kind]

    @property
    def rank(self) -> int:
        """Dimension of the span of the matrix entries as functions on the group, d^2 / c."""
        return self.degree**2 // len(self.commutant)

    @cached_property
    def character(self) -> Float[ndarray, " element"]:
        """chi(g), the trace of rho(g)."""
        return np.trace(self.matrices, axis1=1, axis2=2)

    @cached_property
    def basis(self) -> Float[ndarray, "component element"]:
        """Orthonormal functions that span the matrix entries: sqrt(d/n) (rho(g) w_j)_i, i running fastest.

        The d/c vectors w_j are such that all J_m w_j are orthonormal, so that by the relation above the functions are
        too, and there are d^2 / c of them: the right number for every type. For c = 1 the w_j are the unit vectors.
        """
        columns = _independent_columns(self.commutant)
        entries = self.matrices @ columns
        scale = np.sqrt(self.degree / len(self.matrices))
        return scale * np.moveaxis(entries, 0, 2).swapaxes(0, 1).reshape(self.rank, -1)


def _independent_columns(commutant: Float[ndarray, "c d d"]) -> Float[ndarray, "d columns"]:
    """Return unit vectors w_j with all J_m w_j orthonormal: the first unit vector, then what is farthest from these."""
    c, d, _ = commutant.shape
    rest = np.eye(d)
    columns = []
    for _ in range(d // c):
        # The first of those that are equally far, whatever the rounding.
        length = np.linalg.norm(rest, axis=0)
        far = int(np.argmax(length > length.max() - ROUNDING))
        w = rest[:, far] / length[far]
        columns.append(w)
        line = (commutant @ w).T
        rest = rest - line @ (line.T @ rest)
        rest = rest - line @ (line.T @ rest)
    return np.stack(columns, axis=1)


def commutant_dimension(
    character: Float[ndarray, " element"], squares: Int[ndarray, " element"]
) -> int | None:
    """Return c = 1, 2 or 4 for the character of a real irreducible representation, None for a reducible one.

    A sum of irreducible representations with multiplicities m has (1/n) sum chi(g)^2 = sum m^2 c and
    (1/n) sum chi(g^2) = sum m (1, 0 or -2 by type). The pairs (1, 1), (2, 0), (4, -2) arise in no other way.

    Parameters
    ----------
    squares
        g . g for each element g.
    """
    found = np.array([np.square(character).mean(), character[squares].mean()])
    whole = np.rint(found)
    if np.abs(found - whole).max() > ROUNDING:
        return None
    return _IRREDUCIBLE.get((int(whole[0]), int(whole[1])))


def commutant_basis(
    matrices: Float[ndarray, "element d d"], dimension: int
) -> Float[ndarray, "c d d"]:
    """Return orthogonal J_1 = I, ..., J_c that commute with an irreducible representation, c = `dimension` = 1, 2, 4.

    The mean of rho(g) X rho(g)^T over the group commutes; for skew X it is a multiple of an orthogonal matrix, since
    it is an imaginary element of C or H. The sign of J_2 makes tr(J_2^T rho(g)) positive at the first element where it
    is not 0.
    """
    d = matrices.shape[1]
    basis = [np.eye(d)]
    if dimension > 1:
        drawn = np.random.default_rng(0).standard_normal((4, d, d))
        means = np.stack(
            [
                (matrices @ skew @ matrices.swapaxes(1, 2)).mean(0)
                for skew in drawn - drawn.swapaxes(1, 2)
            ]
        )
        basis.append(_longest(means))
        along = np.einsum("ij,gij->g", basis[1], matrices)
        if along[np.argmax(np.abs(along) > ROUNDING)] < 0:
            basis[1] = -basis[1]
        if dimension == 4:
            rest = means - np.einsum("ij,kij->k", basis[1], means)[:, None, None] * basis[1] / d
            basis.append(_longest(rest))
            basis.append(basis[1] @ basis[2])
    return np.stack(basis)


def _longest(matrices: Float[ndarray, "matrix d d"]) -> Float[ndarray, "d d"]:
    """Return the largest of some matrices, at the length of an orthogonal one."""
    length = np.linalg.norm(matrices, axis=(1, 2))
    return matrices[np.argmax(length)] * np.sqrt(matrices.shape[1]) / length.max()
