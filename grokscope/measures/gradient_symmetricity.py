"""Gradient symmetricity: whether the logits depend on both operands' embeddings alike."""

import random

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray

from grokscope.measures.registry import Output, measure
from grokscope.runs.operand_gradients import embedding_gradients
from grokscope.runs.snapshot import Snapshot

N_TRIPLES = 100
SEED = 42
"""With the shuffle below this draws the authors' own triples: their two models give their .9937 and .3336."""
MOST_SHUFFLED = 5_000_000
"""Triples of larger tables are sampled, for all would have to be listed to be shuffled."""


def random_triples(
    n_inputs: int, n_classes: int
) -> tuple[Int[ndarray, " triple"], Int[ndarray, " triple"]]:
    """Return the rows and the classes of 100 triples (a, b, c), all of them where there are fewer.

    All triples in order, c running fastest, are shuffled by Python's generator with seed 42, and the first are taken.
    """
    total, generator = n_inputs * n_classes, random.Random(SEED)
    if total > MOST_SHUFFLED:
        drawn = generator.sample(range(total), N_TRIPLES)
    else:
        drawn = list(range(total))
        generator.shuffle(drawn)
    rows, classes = np.divmod(np.array(drawn[:N_TRIPLES]), n_classes)
    return rows, classes


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844), equation 5, with their triples",
    outputs={
        "gradient_symmetricity": Output(
            (),
            "Gradient symmetricity",
            "1",
            "mean over 100 random triples (a, b, c), seed 42, of cos(dL_abc/dE_a, dL_abc/dE_b)",
        ),
        "gradient_symmetricity_se": Output(
            (),
            "Standard error of the gradient symmetricity over triples",
            "1",
            "std of the cosines / sqrt(triples)",
        ),
    },
    reads=("activations", "gradients"),
    cost="gradient",
    label_free=True,
    needs=("pairs", "shared embedding"),
    version=2,
    builtin=True,
)
def gradient_symmetricity(snap: Snapshot) -> dict[str, float]:
    """Cosine of the gradients of a logit by its two operands' embeddings, 1 for a function of their sum."""
    rows, classes = snap.context.memo(
        "random triples", lambda: random_triples(snap.task.n_inputs, snap.task.n_classes)
    )
    cosines = torch.cosine_similarity(*embedding_gradients(snap, rows, classes), dim=1)
    return {
        "gradient_symmetricity": float(cosines.mean()),
        "gradient_symmetricity_se": float(cosines.std(correction=0) / len(cosines) ** 0.5),
    }
