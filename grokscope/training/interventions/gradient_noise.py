"""Gradient noise: the optimiser sees a gradient that is a little wrong."""

from grokscope.training.interventions.stages import Random, Weights, gradients


class GradientNoise(Random):
    r"""Add noise to the gradient: g <- g + sigma eps, eps ~ N(0, 1), before any filter and the optimiser.

    As Neelakantan et al. 2015 (arXiv 1511.06807), but with a constant sigma (theirs decays with the step).
    Adam divides by the gradient's size: where gradients are much smaller than sigma, noise is all that moves weights.

    Default: off.
    """

    name = "gradient_noise"

    def __init__(self, sigma: float, noise_seed: int) -> None:
        super().__init__(noise_seed)
        self.sigma = sigma

    def __call__(self, weights: Weights) -> None:
        """Change the gradients in place."""
        for gradient in gradients(weights).values():
            gradient.add_(self.randn_like(gradient), alpha=self.sigma)
