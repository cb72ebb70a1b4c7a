"""Constrained norm: the weights move on a sphere (Omnigrok, Liu et al. 2022, arXiv 2210.01117)."""

import torch

from grokscope.training.interventions.stages import Intervention, Weights


class ConstrainedNorm(Intervention):
    r"""After each update rescale all weights together, so that their total norm stays what it was.

    w <- w (alpha |w0| / |w|), |w|^2 the sum of squares over all trained weights, w0 the weights as drawn.

    In the paper weights are initialised at a norm and held there, and losses are read as functions of the norm (the
    reduced landscape): that is `init_scale` = its alpha with `constrained_norm` 1, or, the same for all but
    LayerNorm, `constrained_norm` = alpha. Embedding, biases and LayerNorm are counted and rescaled with the rest. It
    holds at step 0 too.

    Default: off.
    """

    name = "constrained_norm"

    def __init__(self, alpha: float, weights: Weights) -> None:
        # Follows from the configuration, as w0 does: it needs no place in a key frame.
        self.norm = alpha * total_norm(weights)

    @torch.no_grad()
    def __call__(self, weights: Weights) -> None:
        """Rescale the weights in place."""
        factor = self.norm / total_norm(weights)
        for weight in weights.values():
            weight.mul_(factor)


@torch.no_grad()
def total_norm(weights: Weights) -> float:
    """Return the norm of all weights as one vector, summed in float64."""
    return float(sum(w.double().square().sum() for w in weights.values()) ** 0.5)
