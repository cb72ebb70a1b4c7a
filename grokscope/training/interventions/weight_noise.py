"""Weight noise: each training forward runs with slightly wrong weights."""

from torch import Tensor

from grokscope.training.interventions.stages import Random, Weights


class WeightNoise(Random):
    r"""Run the training forward at w + sigma eps, eps ~ N(0, 1), fresh for every weight and update.

    The gradient at the noisy weights moves the clean ones: w <- w - step(grad L(w + sigma eps)). All trained weights
    are noisy, embeddings, biases and LayerNorm too. Metrics and checkpoints are those of the clean weights.

    Default: off. Published value: sigma = 0.01 (Power et al. 2022, arXiv 2201.02177, figure 2 left).
    """

    name = "weight_noise"

    def __init__(self, sigma: float, noise_seed: int) -> None:
        super().__init__(noise_seed)
        self.sigma = sigma

    def noise(self, weights: Weights) -> dict[str, Tensor]:
        """Return what is added to each weight."""
        return {name: self.sigma * self.randn_like(w) for name, w in weights.items()}

    def __call__(self, weights: Weights) -> dict[str, Tensor]:
        """Return noisy weights, through which gradients flow to the clean ones."""
        added = self.noise(weights)
        return {name: w + added[name] for name, w in weights.items()}
