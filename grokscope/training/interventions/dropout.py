"""Residual dropout: what attention and neurons add to the stream is dropped in part, in training only."""

import torch
from torch import Tensor

from grokscope.training.interventions.stages import Random


class Dropout(Random):
    r"""Zero each entry of every addition to the stream with probability p, and divide the rest by 1 - p.

    For an addition a [context, d_model] of attention or neurons: m ~ Bernoulli(1 - p), a' = a m / (1 - p), before the
    residual sum and any LayerNorm after it. Every training row has draws of its own, at every position: prefixes that
    the fast forward shares between rows are computed row by row, and weight products are not folded (the run's engine
    is then `per_row`). Metrics, checkpoints and analysis see no dropout.

    Default: off. Published value: 0.1 (Power et al. 2022, arXiv 2201.02177, figure 2 left), as "residual dropout" of
    Vaswani et al. 2017, section 5.4. The authors' later code drops the neurons' addition only.
    """

    name = "dropout"

    def __init__(self, probability: float, noise_seed: int) -> None:
        super().__init__(noise_seed)
        self.probability = probability

    def __call__(self, addition: Tensor) -> Tensor:
        """Return the addition with entries dropped."""
        drawn = torch.rand(addition.shape, generator=self.generator)
        kept = (drawn >= self.probability).to(addition.device)
        return addition * kept / (1 - self.probability)
