"""A pizza whose dead distance is not n/2: |cos(w(x - y)/2 + delta)| cos w(x + y - c), for operands with two embeddings.

Two operands that share an embedding are at the same phase of each frequency, and delta is 0: the pizza of Zhong et al.
2023. With two embeddings each has phases of its own; only their sum is bound to the answer, not their difference.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.circle_forms import circle_form
from grokscope.runs.circles import circle_logits
from grokscope.runs.run import Run

PHASES = 180
"""Phases that are tried, from 0 to pi."""


def shifted_pizza(n: int, k: int, delta: float) -> Float[ndarray, "n n n"]:
    """Return the logits [x, y, c] of a pizza of frequency k shifted by `delta`; delta = 0 is the pizza itself."""
    x = np.arange(n)
    dead = np.abs(np.cos(np.pi * k / n * (x[:, None] - x) + delta))
    return circle_form(n, k, "clock") * dead[..., None]


def best_shift(logits: Float[ndarray, "n n n"], k: int) -> tuple[float, float]:
    """Return (share, delta): the largest squared correlation with a shifted pizza, and the phase where it is.

    Means over answers and over inputs are taken away first, as in `grokscope.harmonics.circle_forms`.

    Parameters
    ----------
    logits
        Of one circle, by the operands' exponents and the answer's; float64.
    k
        Its frequency.
    """
    centred = _centred(logits)
    energy = float(np.vdot(centred, centred))
    if energy == 0:
        return float("nan"), float("nan")
    found = []
    for delta in np.pi * np.arange(PHASES) / PHASES:
        form = _centred(shifted_pizza(len(logits), k, delta))
        r = float(np.vdot(centred, form)) / np.sqrt(energy * float(np.vdot(form, form)))
        found.append((r * r, float(delta)))
    return max(found)


def add_shifts(run: Run) -> dict[str, xr.DataArray]:
    """Return the share of each key frequency's circle in shifted pizza form, at a run's last checkpoint."""
    snap = run.snapshot()
    cyclic = snap.task.cyclic
    assert cyclic is not None
    shares = np.full(cyclic.n_freq, np.nan)
    for k in snap.key:
        shares[k - 1] = best_shift(circle_logits(snap, k), k)[0]
    return {"circle_shifted_share": xr.DataArray(shares, dims=("freq",))}


def _centred(logits: Float[ndarray, "n n n"]) -> Float[ndarray, "n n n"]:
    centred = logits - logits.mean(2, keepdims=True)
    return centred - centred.mean((0, 1))
