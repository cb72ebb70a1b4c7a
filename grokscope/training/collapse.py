"""Softmax collapse: training rows of which the precision of the training loss sees nothing any more."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.training.interventions.training_loss import make_loss, softmax_logits

ROUNDING = 64
"""Roundings of a float64 loss at most, in units of its own."""


class Collapse:
    r"""Measures softmax collapse (Prieto et al. 2025, arXiv 2501.04697, definition 1) at a step.

    With z the logits of a row in the precision of the training loss, divided by its temperature (for StableMax z = log
    s, see `log_stable`), a row has collapsed where sum_j exp(z_j - max z), as torch sums it in that precision, is
    exactly 1: each term but the greatest is absorbed. Its softmax is then exactly 1 and 0, its loss exactly 0 if it is
    right. For the squared error there is no such thing.

    Weights are those without weight noise, the forward that without dropout.
    """

    def __init__(self, config: RunConfig) -> None:
        self.change = config.intervention
        self.dtype = getattr(torch, config.optimiser.loss_dtype)
        self.loss = make_loss(config.intervention, config.optimiser.loss_dtype)
        self.is_defined = self.change.loss_function != "mse"
        # The plain loss, which is at hand, bounds the sum of the plain softmax alone.
        self.is_plain = self.change.loss_function == "softmax" and self.change.temperature == 1

    def metrics(
        self,
        logits: Float[Tensor, "input class"],
        labels: Int[Tensor, " input"],
        loss: Float[Tensor, " input"],
        train: Int[Tensor, " row"],
    ) -> dict[str, float]:
        """Return softmax_collapse, the share of the training rows that have collapsed.

        And loss_underflow, True, where the training loss is exactly 0: all have collapsed, on the right answer.

        Parameters
        ----------
        logits
            Of all inputs, in the precision in which the model computed them.
        loss
            Cross-entropy of each, from float64 logits, in nat.
        train
            The training rows.
        """
        if not self.is_defined or not len(train):
            return {}
        rows = self._candidates(logits, labels, loss, train)
        fed = softmax_logits(logits[rows], self.change, self.dtype)
        collapsed = (fed - fed.amax(1, keepdim=True)).exp().sum(1) == 1
        found: dict[str, float] = {"softmax_collapse": int(collapsed.sum()) / len(train)}
        if found["softmax_collapse"] == 1 and self.loss(logits[train], labels[train]).item() == 0:
            found["loss_underflow"] = True
        return found

    def _candidates(self, logits: Tensor, labels: Tensor, loss: Tensor, train: Tensor) -> Tensor:
        """Return the training rows that may have collapsed: none before a loss is tiny, or a wrong answer certain.

        log sum_j exp(z_j - max z) = loss + z_label - max z is at most n eps where each of the n terms is absorbed.
        """
        if not self.is_plain:
            return train
        z = logits[train]
        own = z.gather(1, labels[train][:, None])[:, 0].double()
        greatest = z.amax(1).double()
        size = greatest.abs() + own.abs() + loss[train].abs() + 1
        bound = z.shape[1] * torch.finfo(self.dtype).eps
        exact = ROUNDING * torch.finfo(torch.float64).eps * size
        return train[loss[train] + own - greatest <= bound + exact]
