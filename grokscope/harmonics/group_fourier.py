"""The Fourier transform on a finite group: components along the entries of its real irreducible representations.

For a function f on a group of n elements (one for each of its further axes), and rho of degree d with commutant
dimension c:

- components: `rho.basis @ f`, orthonormal, d^2 / c of them; together with all others n, so that
  sum over rho of |components|^2 = sum_g f(g)^2 (Plancherel);
- the matrix transform f^(rho) = sum_g f(g) rho(g), with sum_g f(g)^2 = sum over rho of d / (c n) |f^(rho)|^2, and
  (f * h)^(rho) = f^(rho) h^(rho) for (f * h)(g) = sum of f(x) h(y) over x . y = g;
- the projection on all copies of rho, d / (c n) sum_h chi(h^-1 . g) f(h), is the same as basis^T basis f.

On a cyclic group this is the real Fourier basis of `fourier.py`, by fast transform.

Source: Serre, Linear Representations of Finite Groups, 2.6 and 6.2; Diaconis, Group Representations in Probability and
Statistics (1988), chapter 2.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.representations import Representation


def fourier_transform(
    values: Float[ndarray, " element *rest"], irreps: Irreps
) -> dict[str, Float[ndarray, " _ *rest"]]:
    """Return the components of `values` along the orthonormal basis of each representation, float64.

    Examples
    --------
    >>> from grokscope.harmonics.structure import make_irreps
    >>> cyclic = make_irreps((np.arange(4)[:, None] + np.arange(4)) % 4)
    >>> {k: v.round(3).tolist() for k, v in fourier_transform(np.array([1.0, 0.0, 0.0, 0.0]), cyclic).items()}
    {'trivial': [0.5], 'sign': [0.5], 'freq_1': [0.707, 0.0]}
    """
    values = np.asarray(values, dtype=np.float64)
    flat = values.reshape(len(values), -1)
    if irreps.exponents is None:
        components = irreps.basis @ flat
    else:
        components = _cyclic_components(flat, irreps)
    cuts = np.cumsum([rep.rank for rep in irreps])[:-1]
    parts = np.split(components.reshape(-1, *values.shape[1:]), cuts)
    return dict(zip(irreps.names, parts, strict=True))


def inverse_transform(
    components: dict[str, Float[ndarray, " _ *rest"]], irreps: Irreps
) -> Float[ndarray, " element *rest"]:
    """Return the function with these components; representations that are not named have none.

    Raises
    ------
    ValueError
        For a name that is no representation of the group, or no components at all.
    """
    if not components:
        raise ValueError("no components were given; accepted: those of at least one representation")
    parts = [
        np.tensordot(irreps[name].basis, part, axes=(0, 0)) for name, part in components.items()
    ]
    return np.sum(parts, axis=0)


def matrix_transform(
    values: Float[ndarray, " element *rest"], rep: Representation
) -> Float[ndarray, "d d *rest"]:
    """Return f^(rho) = sum_g f(g) rho(g)."""
    return np.tensordot(rep.matrices, np.asarray(values, dtype=np.float64), axes=(0, 0))


def project(
    values: Float[ndarray, " element *rest"], irreps: Irreps, names: Sequence[str]
) -> Float[ndarray, " element *rest"]:
    """Return the part of `values` that lies in the span of the entries of the named representations.

    Raises
    ------
    ValueError
        For a name that is no representation of the group.
    """
    values = np.asarray(values, dtype=np.float64)
    found = np.zeros_like(values)
    for i in dict.fromkeys(irreps.index(names)):
        basis = irreps.representations[i].basis
        found += np.tensordot(basis, np.tensordot(basis, values, axes=1), axes=(0, 0))
    return found


def power(
    values: Float[ndarray, " element *rest"], irreps: Irreps
) -> Float[ndarray, " irrep *rest"]:
    """Return the squared length of the part of `values` in each representation; they add up to that of `values`."""
    components = fourier_transform(values, irreps)
    return np.stack([np.square(part).sum(0) for part in components.values()])


def power_shares(
    values: Float[ndarray, " element *rest"], irreps: Irreps
) -> Float[ndarray, " irrep *rest"]:
    """Return `power` over its sum, so that shares add up to 1; not-a-number for a function that is 0 everywhere."""
    found = power(values, irreps)
    total = found.sum(0)
    return found / np.where(total > 0, total, np.nan)


def _cyclic_components(
    flat: Float[ndarray, "element column"], irreps: Irreps
) -> Float[ndarray, "component column"]:
    n = irreps.order
    by_exponent = np.empty_like(flat)
    by_exponent[irreps.exponents] = flat
    const, cos, sin = fourier_coefficients(by_exponent)
    pairs = np.stack([cos, sin], axis=1)[: (n - 1) // 2].reshape(-1, flat.shape[1])
    nyquist = cos[-1:] if n % 2 == 0 else cos[:0]
    return np.concatenate([const[None], nyquist, pairs])
