"""The obvious alternative to the trainer: a loop as one writes it, over the hooked model, all positions computed."""

import math

import torch
from torch import Tensor, nn

from grokscope.config import RunConfig
from grokscope.models.transformer import HookedTransformer
from grokscope.tasks import make_split
from grokscope.training.resolve import resolve


class PlainLoop:
    """A loop over a model of TransformerLens's hook points, with torch's AdamW as it comes.

    Shares weights, rows and batch order with the trainer's run of the same configuration, and no line of its update.

    Parameters
    ----------
    config
        A run with AdamW, softmax loss and no intervention.
    model
        Another model of the same shape; the hooked one, from the configuration's initial weights, where None.
    test_too
        Also compute the loss of all test rows in every update, gradients recorded, as the code of Nanda et al. 2023
        does; it is never gone back through.
    """

    def __init__(
        self, config: RunConfig, model: nn.Module | None = None, test_too: bool = False
    ) -> None:
        config, task = resolve(config)
        split, opt = make_split(task, config.split), config.optimiser
        assert opt.optimiser == "adamw", "the plain loop has AdamW"
        dtype = getattr(torch, config.dtype)
        self.model = HookedTransformer(config.model, dtype=dtype) if model is None else model
        self.loss_dtype = getattr(torch, opt.loss_dtype)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=opt.lr,
            betas=(opt.beta1, opt.beta2),
            eps=opt.eps,
            weight_decay=opt.weight_decay,
        )
        warmup = opt.warmup
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: min(step / warmup, 1.0) if warmup else 1.0
        )
        tokens, labels = torch.as_tensor(task.tokens), torch.as_tensor(split.labels)
        train, test = torch.as_tensor(split.rows("train")), torch.as_tensor(split.rows("test"))
        self.tokens, self.labels = tokens[train], labels[train]
        self.test = (tokens[test], labels[test]) if test_too else None
        whole = not opt.batch_size or opt.batch_size >= len(train)
        self.batch_size = len(train) if whole else opt.batch_size
        self.order = torch.Generator().manual_seed(opt.batch_seed)
        self.batches: list[Tensor] = []

    def loss(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy at the last position."""
        logits = self.model(tokens)[:, -1]
        return nn.functional.cross_entropy(logits.to(self.loss_dtype), labels)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Return tokens and labels of the next update; an epoch leaves out the rows that fill no batch."""
        if self.batch_size == len(self.tokens):
            return self.tokens, self.labels
        if not self.batches:
            shuffled = torch.randperm(len(self.tokens), generator=self.order)
            whole = math.floor(len(shuffled) / self.batch_size) * self.batch_size
            self.batches = list(shuffled[:whole].split(self.batch_size))
        rows = self.batches.pop(0)
        return self.tokens[rows], self.labels[rows]

    def update(self) -> float:
        """Do one update and return the training loss before it."""
        loss = self.loss(*self.next_batch())
        if self.test is not None:
            self.loss(*self.test).item()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad()
        return loss.item()
