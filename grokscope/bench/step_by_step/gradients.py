"""Gradient symmetricity: whether a logit changes alike with both operands.

Source: Zhong et al. 2023 (arXiv 2306.17844), equation 5; and the same by the operands' places on the key circles.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import Inputs, Numbers
from grokscope.models.transformer import HookedTransformer


def symmetricity(
    inputs: Inputs, model: HookedTransformer, embedding: Float[Tensor, "p d_model"]
) -> Numbers:
    """Return the mean cosine of dL_abc/dE_a and dL_abc/dE_b over the triples, and its standard error.

    Embeddings are differentiated where they stand, by a hook. On the circles an operand is C z, z the coordinates
    cos w_k x, sin w_k x for all key k and C its Fourier coefficients, so that dL/dz = C^T dL/dE.
    """
    rows, classes = (torch.as_tensor(part) for part in inputs.triples)
    leaves: list[Tensor] = []

    def take(values: Tensor, hook: object) -> Tensor:
        leaves.append(values.detach().clone().requires_grad_())
        return leaves[0]

    with torch.enable_grad():
        logits = model.run_with_hooks(inputs.tokens[rows], fwd_hooks=[("hook_embed", take)])
        chosen = logits[torch.arange(len(rows)), -1, classes].sum()
        (gradient,) = torch.autograd.grad(chosen, leaves)
    by_a, by_b = gradient[:, 0].double(), gradient[:, 1].double()
    key_rows = [row for k in inputs.key for row in (2 * k - 1, 2 * k)]
    coefficients = inputs.basis[key_rows] @ embedding
    found = {}
    for name, pair in (
        ("gradient_symmetricity", (by_a, by_b)),
        ("circle_symmetricity", (by_a @ coefficients.T, by_b @ coefficients.T)),
    ):
        cosines = torch.cosine_similarity(*pair, dim=1)
        found[name] = [float(cosines.mean())]
        found[f"{name}_se"] = [float(cosines.std(correction=0) / len(rows) ** 0.5)]
    return found
