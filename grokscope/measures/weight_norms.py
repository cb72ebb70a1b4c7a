"""Weight norms: size, growth since the beginning, distance moved, direction since the last checkpoint."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217); Liu et al. 2022 (Omnigrok, arXiv 2210.01117)"


def with_total(values: dict[str, float], total: float) -> np.ndarray:
    """Return the values of all weights and, last, that of "all"."""
    return np.array([*values.values(), total])


def inner_products(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> np.ndarray:
    """Return sum a b per weight and, last, over all weights; float64."""
    each = {
        name: float(torch.dot(a[name].double().reshape(-1), b[name].double().reshape(-1)))
        for name in a
    }
    return with_total(each, sum(each.values()))


@measure(
    source=_SOURCE,
    outputs={
        "weight_norm_squared": Output(
            ("param",), "Sum of squared weights", "1", "sum of w^2 per weight tensor; all: over all"
        ),
        "weight_norm_ratio": Output(
            ("param",), "Norm over initial norm", "1", "|w| / |w at step 0|"
        ),
        "weight_distance": Output(
            ("param",), "Distance from the initial weights", "1", "|w - w at step 0|"
        ),
        "weight_cosine_previous": Output(
            ("param",),
            "Cosine with the previous checkpoint",
            "1",
            "w . w_previous / (|w| |w_previous|), w_previous at the checkpoint before: nearer to 1 "
            "where checkpoints are denser, as where densify added some",
        ),
    },
    cost="weights",
    label_free=True,
    builtin=True,
)
def weight_norms(snap: Snapshot) -> dict[str, np.ndarray]:
    """Sum of squares per weight, its ratio to the beginning, the distance moved, the turn since the last checkpoint."""
    now = snap.weights
    norm = inner_products(now, now)
    nothing = np.full_like(norm, np.nan)
    found = {
        "weight_norm_squared": norm,
        "weight_norm_ratio": nothing,
        "weight_distance": nothing,
        "weight_cosine_previous": nothing,
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        initial = snap.initial_weights
        if initial is not None:
            start, cross = inner_products(initial, initial), inner_products(now, initial)
            found["weight_norm_ratio"] = np.where(start > 0, np.sqrt(norm / start), np.nan)
            found["weight_distance"] = np.sqrt(np.maximum(norm + start - 2 * cross, 0))
        previous = snap.previous_weights()
        if previous is not None:
            cross = inner_products(now, previous)
            found["weight_cosine_previous"] = cross / np.sqrt(
                norm * inner_products(previous, previous)
            )
    return found
