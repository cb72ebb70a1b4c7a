"""The training forward compiled by torch, where that works."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

LossOf = Callable[..., Tensor]


def compile_loss(loss: LossOf, weights: dict[str, Tensor], *arguments: object) -> LossOf | None:
    """Return `loss` compiled, tried once with its gradients; None where that fails.

    It fails without a compiler that works, or Python's headers. What it says then is not for users: the run is
    computed without.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own imports warn of each other
        try:
            compiled: LossOf = torch.compile(loss, dynamic=False)
            torch.autograd.grad(compiled(*arguments), list(weights.values()), allow_unused=True)
        except Exception:  # of many kinds: torch's, the compiler's, the system's
            return None
    return compiled
