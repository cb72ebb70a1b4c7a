"""Optimisers and the warm-up: torch's own, and Muon."""

import torch

from grokscope.config import OptimiserConfig
from grokscope.training.interventions.stages import Weights
from grokscope.training.interventions.weight_decay import decay_form, is_optimisers_own
from grokscope.training.muon import Muon


def make_optimiser(
    weights: Weights, config: OptimiserConfig, fused: bool = False, capturable: bool = False
) -> torch.optim.Optimizer:
    """Return the optimiser of `config`.

    - adamw: decay w -= lr wd w beside the step (Loshchilov & Hutter 2019);
    - adam: the decay wd w is added to the gradient, coupled L2 (Kingma & Ba 2015);
    - sgd: w -= lr (momentum buffer of g + wd w);
    - muon: see `Muon`.

    With another `weight_decay_form` than its own, adam with to_zero is adamw, adamw with l2 is adam, and what none of
    them does by itself is left to `WeightDecay`.

    `fused`: Adam in torch's fused kernel, one pass over all weights; else in several (their rounding differs).
    `capturable`: Adam with its learning rate and step on the GPU, for a CUDA graph.
    """
    decay = config.weight_decay if is_optimisers_own(config) else 0.0
    if config.optimiser == "muon":
        return Muon(weights, config, decay)
    parameters = list(weights.values())
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, lr=config.lr, momentum=config.momentum, weight_decay=decay
        )
    lr: float | torch.Tensor = config.lr
    if capturable:
        lr = torch.tensor(config.lr, device=parameters[0].device)
    make = torch.optim.Adam if decay_form(config) == "l2" else torch.optim.AdamW
    return make(
        parameters,
        lr=lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=decay,
        foreach=not fused,
        fused=fused,
        capturable=capturable,
    )


def learning_rate(config: OptimiserConfig, update: int) -> float:
    """Return the learning rate of update `update` (from 0): lr lr_scale min(update / warmup, 1)."""
    lr = config.lr * config.lr_scale
    return lr * min(update / config.warmup, 1.0) if config.warmup else lr
