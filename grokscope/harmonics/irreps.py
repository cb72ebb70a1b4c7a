"""All real irreducible representations of one group, and the orthonormal basis of functions that they make.

Source: Serre, Linear Representations of Finite Groups, 2.3 to 2.5.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.harmonics.conjugacy import conjugacy_classes, generating_set
from grokscope.harmonics.representations import Representation, commutant_dimension

TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Irreps:
    """The real irreducible representations of a finite group.

    Attributes
    ----------
    table
        Shape [element, element]. The Cayley table.
    representations
        One of each, the trivial one first.
    exponents
        Shape [element]. For a group that is known as cyclic, x of each element a^x: transforms are fast then.
    """

    table: Int[ndarray, "element element"]
    representations: tuple[Representation, ...]
    exponents: Int[ndarray, " element"] | None = None

    def __iter__(self) -> Iterator[Representation]:
        return iter(self.representations)

    def __len__(self) -> int:
        return len(self.representations)

    def __getitem__(self, name: str) -> Representation:
        return self.representations[self.index([name])[0]]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each representation."""
        return tuple(rep.name for rep in self)

    @property
    def order(self) -> int:
        """Number of elements of the group."""
        return len(self.table)

    def index(self, names: Sequence[str]) -> list[int]:
        """Return the places of the representations with these names.

        Raises
        ------
        ValueError
            For a name that none of them has.
        """
        for name in names:
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, n=1)
                todo = f"; did you mean '{near[0]}'?" if near else ""
                shown = ", ".join(self.names[:12]) + (", ..." if len(self) > 12 else "")
                raise ValueError(f"no representation '{name}'; accepted: {shown}{todo}")
        return [self.names.index(name) for name in names]

    @cached_property
    def classes(self) -> Int[ndarray, " element"]:
        """Shape [element]. The number of each element's conjugacy class; the identity's is 0."""
        return conjugacy_classes(self.table)

    @cached_property
    def characters(self) -> Float[ndarray, "irrep element"]:
        """Shape [irrep, element]. The trace of rho(g)."""
        return np.stack([rep.character for rep in self])

    @cached_property
    def character_table(self) -> Float[ndarray, "irrep conjugacy"]:
        """Shape [irrep, conjugacy]. The characters on the conjugacy classes.

        Rows of the complex type are psi + conj(psi), of the quaternionic type 2 psi. So the table is square only where
        every element is conjugate to its inverse; in general it has as many rows as there are classes when a class
        and the class of the inverses count as one.
        """
        return self.characters[:, np.unique(self.classes, return_index=True)[1]]

    @cached_property
    def basis(self) -> Float[ndarray, "component element"]:
        """Shape [component, element]. The orthonormal functions of all representations, one after the other."""
        return np.concatenate([rep.basis for rep in self])

    @cached_property
    def irrep_of_component(self) -> Int[ndarray, " component"]:
        """Shape [component]. Which representation each row of `basis` belongs to."""
        return np.repeat(np.arange(len(self)), [rep.rank for rep in self])

    def check(self) -> None:
        """Raise ValueError unless these are representations of the table's group, and all of them.

        rho(g . x) = rho(g) rho(x) for generators g and all x; every character is irreducible, of the commutant's type,
        and different characters are orthogonal; the ranks d^2 / c add up to the order.
        """
        generators = generating_set(self.table)
        for rep in self:
            if len(rep.matrices) != self.order:
                raise ValueError(
                    f"{rep.name} has {len(rep.matrices)} matrices, the table {self.order} elements"
                )
            for g in generators:
                off = rep.matrices[self.table[g]] - rep.matrices[g] @ rep.matrices
                if np.abs(off).max() > TOLERANCE:
                    raise ValueError(
                        f"{rep.name} is no representation of the table's group: the structure is of another group "
                        "or of another order of elements"
                    )
        dimensions = np.diag([len(rep.commutant) for rep in self])
        products = self.characters @ self.characters.T / self.order
        squares = np.diag(self.table)
        sound = [commutant_dimension(rep.character, squares) == len(rep.commutant) for rep in self]
        if not all(sound) or np.abs(products - dimensions).max() > TOLERANCE:
            raise ValueError(
                "the representations are not irreducible and different: the structure is not that of the table"
            )
        found = sum(rep.rank for rep in self)
        if found != self.order:
            raise ValueError(
                f"the representations span {found} functions, the group has {self.order} elements"
            )
