"""The real Fourier basis of the cyclic group of order n, and spectra of tables over it.

Rows are named by (frequency, phase), never by index. w_k = 2 pi k / n.

Source: Nanda et al. 2023 (arXiv 2301.05217), sections 4 (basis and spectra) and 5 (Gini coefficient).
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy import ndarray

PRODUCT_UP_TO = 256
"""Largest order for which a product with the basis is faster than a fast transform, prime orders above all."""


def frequencies(n: int) -> ndarray:
    """Shape [freq]. The nontrivial frequencies 1..floor(n/2) of the cyclic group of order `n`."""
    return np.arange(1, n // 2 + 1)


def fourier_basis(n: int) -> tuple[Float[ndarray, "component n"], list[tuple[int, str]]]:
    """Return the orthonormal real Fourier basis and the (frequency, phase) of each row.

    1/sqrt(n); sqrt(2/n) cos(w_k x), sqrt(2/n) sin(w_k x) for k = 1..floor(n/2); for even n the Nyquist frequency has
    the one row cos(pi x)/sqrt(n).

    Examples
    --------
    >>> fourier_basis(4)[1]
    [(0, 'const'), (1, 'cos'), (1, 'sin'), (2, 'cos')]
    """
    rows, names = _basis(n)
    return rows.copy(), list(names)


@lru_cache(maxsize=8)
def _basis(n: int) -> tuple[Float[ndarray, "component n"], tuple[tuple[int, str], ...]]:
    x = np.arange(n)
    rows, names = [np.full(n, n**-0.5)], [(0, "const")]
    for k in frequencies(n):
        angle = 2 * np.pi * k * x / n
        if 2 * k == n:
            rows.append(np.cos(angle) / np.sqrt(n))
            names.append((int(k), "cos"))
            continue
        rows += [np.sqrt(2 / n) * np.cos(angle), np.sqrt(2 / n) * np.sin(angle)]
        names += [(int(k), "cos"), (int(k), "sin")]
    return np.stack(rows), tuple(names)


def fourier_coefficients(
    table: Float[ndarray, "*step n column"],
) -> tuple[
    Float[ndarray, "*step column"],
    Float[ndarray, "*step freq column"],
    Float[ndarray, "*step freq column"],
]:
    """Return the coefficients (const, cos, sin) of each column of `table` in the real Fourier basis, float64.

    Equal to `fourier_basis(n)[0] @ table`: of large tables by a fast transform; at the Nyquist frequency sin is 0.
    """
    n = table.shape[-2]
    table = np.asarray(table, dtype=np.float64)
    if n <= PRODUCT_UP_TO:
        found = _basis(n)[0] @ table
        cos, sin = found[..., 1::2, :], found[..., 2::2, :]
        if n % 2 == 0:
            sin = np.concatenate([sin, np.zeros_like(cos[..., -1:, :])], axis=-2)
        return found[..., 0, :], cos, sin
    f = np.fft.rfft(table, axis=-2)
    scale = np.full((f.shape[-2], 1), np.sqrt(2 / n))
    scale[0] = n**-0.5
    if n % 2 == 0:
        scale[-1] = n**-0.5
    f = f * scale
    sin = -f.imag[..., 1:, :]
    if n % 2 == 0:
        sin[..., -1, :] = 0.0
    return f.real[..., 0, :], f.real[..., 1:, :], sin


def spectrum(table: Float[ndarray, "*step n column"]) -> Float[ndarray, "*step phase freq"]:
    """Return the norm over columns of the cos (first row) and sin (second row) coefficients of each frequency."""
    _, cos, sin = fourier_coefficients(table)
    return np.stack([np.linalg.norm(cos, axis=-1), np.linalg.norm(sin, axis=-1)], axis=-2)


def gini(values: Float[ndarray, "*step value"]) -> Float[ndarray, "*step"]:
    """Return the Gini coefficient sum_i (2i - n - 1) x_(i) / (n sum x), x_(i) ascending, i = 1..n.

    0 where all values are equal, (n-1)/n where one value has all; not-a-number where the sum is 0.
    """
    x = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    n, total = x.shape[-1], x.sum(-1)
    spread = ((2 * np.arange(1, n + 1) - n - 1) * x).sum(-1)
    return np.asarray(spread / np.where(total != 0, n * total, np.nan))
