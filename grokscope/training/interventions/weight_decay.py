"""Weight decay: to zero, to the initialisation, or coupled with the gradient."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from grokscope.config import OptimiserConfig
from grokscope.training.interventions.stages import Intervention, Weights

Form = Literal["to_zero", "to_initialisation", "l2"]


def decay_form(config: OptimiserConfig) -> Form:
    r"""Return the form of weight decay, with `optimiser` resolved: to_zero for adamw and muon, l2 for adam and sgd.

    - to_zero: w <- w - lr wd w before the step, decoupled (Loshchilov & Hutter 2019, arXiv 1711.05101);
    - to_initialisation: w <- w - lr wd (w - w0) before the step, w0 the weights at step 0 (Power et al. 2022,
      arXiv 2201.02177, figure 2 left: weaker than to_zero);
    - l2: g <- g + wd w, the gradient of wd |w|^2 / 2, which Adam then divides by the gradient's size.

    lr is the learning rate of this update, warm-up and `lr_scale` included. Default: the optimiser's own; wd = 1.
    """
    if config.weight_decay_form != "optimiser":
        return config.weight_decay_form
    return "to_zero" if config.optimiser in ("adamw", "muon") else "l2"


def is_optimisers_own(config: OptimiserConfig) -> bool:
    """Return whether torch's optimiser, or our Muon, does this decay by itself."""
    form = decay_form(config)
    if config.optimiser == "muon":
        return form == "to_zero"
    return form == "l2" or (form == "to_zero" and config.optimiser != "sgd")


class WeightDecay(Intervention):
    """The decay that the optimiser does not do by itself; see `decay_form`."""

    name = "weight_decay"

    def __init__(self, form: Form, decay: float, weights: Weights) -> None:
        self.form, self.decay = form, decay
        # w0 follows from the configuration: it is drawn again on resuming, and needs no place in a key frame.
        start = {id(w): w.detach().clone() for w in weights.values()}
        self.start = start if form == "to_initialisation" else {}

    @torch.no_grad()
    def __call__(self, optimiser: torch.optim.Optimizer) -> None:
        """Change weights (to_zero, to_initialisation) or gradients (l2) before the optimiser's step."""
        for group in optimiser.param_groups:
            rate = group["lr"] * self.decay
            for weight in group["params"]:
                if self.form == "to_zero":
                    weight.mul_(1 - rate)
                elif self.form == "to_initialisation":
                    weight.sub_(weight - self.start[id(weight)], alpha=rate)
                elif weight.grad is not None:
                    weight.grad.add_(weight, alpha=self.decay)

    def move(self, moved: Mapping[int, Tensor]) -> None:
        """Go on with weights that lie elsewhere now: id of the old one -> new one."""
        self.start = {id(moved[old]): start for old, start in self.start.items()}
