"""Optimisers and the warm-up, as torch has them."""

from collections.abc import Iterable

import torch
from torch import Tensor

from grokscope.config import OptimiserConfig


def make_optimiser(parameters: Iterable[Tensor], config: OptimiserConfig) -> torch.optim.Optimizer:
    """Return the optimiser of `config`.

    - adamw: decay w -= lr wd w beside the step (Loshchilov & Hutter 2019);
    - adam: the decay wd w is added to the gradient, coupled L2 (Kingma & Ba 2015);
    - sgd: w -= lr (momentum buffer of g + wd w).
    """
    parameters = list(parameters)
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
    make = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return make(
        parameters,
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )


def learning_rate(config: OptimiserConfig, update: int) -> float:
    """Return the learning rate of update `update` (from 0): lr min(update / warmup, 1), lr without warm-up."""
    return config.lr * min(update / config.warmup, 1.0) if config.warmup else config.lr
