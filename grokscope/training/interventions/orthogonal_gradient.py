"""Orthogonal gradient: no weight moves along itself (Prieto et al. 2025, arXiv 2501.04697)."""

import torch

from grokscope.training.interventions.stages import Intervention, Weights, gradients

TINY = 1e-30


class OrthogonalGradient(Intervention):
    r"""Project each weight's gradient orthogonal to the weight, and restore the gradient's norm.

    g' = g - (w.g / w.w) w;  g <- g' |g| / |g'|, with w and g each one flat vector per weight tensor.

    This is the paper's perpendicular gradient, which prevents naive loss minimisation: growing all weights along
    themselves, which lowers the loss and changes no answer. The norm is restored as in the authors' code, not in the
    paper's formula. It acts after noise and Grokfast, right before the optimiser, which adds coupled L2 to it.
    Divisions have 1e-30 added, as theirs: a weight that is zero keeps its gradient.

    Default: off. The authors use it without weight decay.
    """

    name = "orthogonal_gradient"

    @torch.no_grad()
    def __call__(self, weights: Weights) -> None:
        """Change the gradients in place."""
        for name, gradient in gradients(weights).items():
            weight = weights[name]
            along = (weight * gradient).sum() / (weight.square().sum() + TINY)
            orthogonal = gradient - along * weight
            gradient.copy_(orthogonal * (gradient.norm() / (orthogonal.norm() + TINY)))
