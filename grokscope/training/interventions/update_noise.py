"""Update noise: the weights move in a direction that is a little wrong."""

import torch

from grokscope.training.interventions.stages import Random


class UpdateNoise(Random):
    r"""Add noise to the update: w <- w + lr (dw + sigma eps), eps ~ N(0, 1), lr dw what the optimiser did.

    lr is the learning rate of this update, warm-up and `lr_scale` included; weights with a learning rate of their own
    (Muon's) have that one. As defined by Power et al. 2022 (arXiv 2201.02177, the baselines of figure 2 left). Their
    later code also divides by Adam's bias correction 1 - beta1^t, which is 1 after some fifty updates.

    Default: off. Published value: sigma = 1.
    """

    name = "update_noise"

    def __init__(self, sigma: float, noise_seed: int) -> None:
        super().__init__(noise_seed)
        self.sigma = sigma

    @torch.no_grad()
    def __call__(self, optimiser: torch.optim.Optimizer) -> None:
        """Move the weights after the optimiser's step."""
        for group in optimiser.param_groups:
            for weight in group["params"]:
                weight.add_(self.randn_like(weight), alpha=group["lr"] * self.sigma)
