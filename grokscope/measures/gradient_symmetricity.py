"""Gradient symmetricity: whether the logits depend on both operands' embeddings alike."""

import numpy as np
import torch

from grokscope.measures.registry import measure
from grokscope.models.families import forward
from grokscope.models.fast import make_plan
from grokscope.runs.snapshot import Snapshot

N_TRIPLES = 100
SEED = 0


def operand_gradients(
    snap: Snapshot, rows: np.ndarray, classes: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients of logit `classes[i]` of row `rows[i]` by its two operands' embeddings, [row, d_model].

    Each row gets embeddings of its own, so that an operand that occurs twice is differentiated where it stands.
    """
    tokens = torch.as_tensor(snap.task.tokens[rows])
    own = snap.weights["embed.W_E"][tokens].clone().requires_grad_()
    numbers = np.arange(tokens.numel()).reshape(tokens.shape)
    plan = make_plan(numbers, snap.config.attention_mask == "causal")
    weights = {**snap.weights, "embed.W_E": own.reshape(-1, own.shape[-1])}
    logits = forward(weights, snap.config, plan).logits
    (gradient,) = torch.autograd.grad(
        logits[torch.arange(len(rows)), torch.as_tensor(classes)].sum(), own
    )
    first, second = snap.task.operand_positions
    return gradient[:, first].double(), gradient[:, second].double()


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844), equation 5",
    long_name="Gradient symmetricity",
    formula="mean over 100 random triples (a, b, c), seed 0, of cos(dL_abc/dE_a, dL_abc/dE_b)",
    reads=("activations", "gradients"),
    cost="gradient",
    label_free=True,
    needs=("pairs", "shared embedding"),
    builtin=True,
)
def gradient_symmetricity(snap: Snapshot) -> float:
    """Cosine of the gradients of a logit by its two operands' embeddings, 1 for a function of their sum."""
    rng = np.random.default_rng(SEED)
    rows = rng.integers(snap.task.n_inputs, size=N_TRIPLES)
    classes = rng.integers(snap.task.n_classes, size=N_TRIPLES)
    by_a, by_b = operand_gradients(snap, rows, classes)
    return float(torch.cosine_similarity(by_a, by_b, dim=1).mean())
