"""Gradient symmetricity in the coordinates of the circles: for every architecture, also without a shared embedding."""

import numpy as np
import torch

from grokscope.measures.gradient_symmetricity import random_triples
from grokscope.measures.registry import Output, measure
from grokscope.runs.operand_gradients import circle_gradients
from grokscope.runs.snapshot import Snapshot


@measure(
    source="grokscope, after the gradient symmetricity of Zhong et al. 2023 (arXiv 2306.17844), equation 5",
    outputs={
        "circle_symmetricity": Output(
            (),
            "Gradient symmetricity on the key circles",
            "1",
            "mean over the random triples (a, b, c) of cos(dL_abc/dz(a), dL_abc/dz(b)), z = (cos w_k x, sin w_k x) for "
            "all key k: what an operand brings in is C z, each operand with its own Fourier coefficients C",
        ),
        "circle_symmetricity_se": Output(
            (),
            "Standard error of the gradient symmetricity on the key circles over triples",
            "1",
            "std of the cosines / sqrt(triples)",
        ),
    },
    reads=("activations", "gradients"),
    cost="gradient",
    label_free=True,
    causal=False,
    needs=("cyclic",),
    builtin=True,
)
def circle_symmetricity(snap: Snapshot) -> dict[str, float]:
    """Cosine of the gradients of a logit by its two operands' places on the circles.

    1 where the operands enter by their sum, as in a pizza; 0 for an ideal clock, L = cos w(a + b - c), where the one
    gradient is c turned back by b and the other c turned back by a. The published measure compares gradients by
    embedding vectors, which needs one embedding for both operands.
    """
    cyclic = snap.task.cyclic
    assert cyclic is not None
    if not snap.key:
        return {"circle_symmetricity": float("nan"), "circle_symmetricity_se": float("nan")}
    rows, classes = snap.context.memo(
        "random triples", lambda: random_triples(snap.task.n_inputs, snap.task.n_classes)
    )
    inside = np.isin(rows, cyclic.rows)
    gradients = circle_gradients(snap, snap.key, rows[inside], classes[inside])
    cosines = torch.cosine_similarity(*gradients, dim=1)
    return {
        "circle_symmetricity": float(cosines.mean()),
        "circle_symmetricity_se": float(cosines.std(correction=0) / len(cosines) ** 0.5),
    }
