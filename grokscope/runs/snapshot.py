"""One run at one step: its weights, and everything derived from them, computed on first use and kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.errors import RequestError
from grokscope.models.families import (
    embedding,
    forward,
    hooked_model,
    last_block,
    short_answer,
    unembedding,
)
from grokscope.models.fast import Answer, FastActivations
from grokscope.models.plan import Plan
from grokscope.runs.blocks import row_blocks
from grokscope.runs.context import Context
from grokscope.runs.kept import cached_property
from grokscope.runs.key import key_frequencies
from grokscope.runs.row_statistics import row_statistics
from grokscope.tasks import ROWS, Split, Task

if TYPE_CHECKING:
    from grokscope.models.feedforward.hooked import HookedFeedforward
    from grokscope.models.transformer import HookedTransformer
    from grokscope.runs.run import Run

ENTRIES_KEPT = 2**24
"""Logits of the largest table of which a copy in float64 is kept, 128 MB."""


@dataclass(frozen=True)
class RowValues:
    """One number for each set of rows; not-a-number where the split is not known or the set is empty."""

    train: float
    test: float
    test_twin_free: float
    all: float

    def array(self) -> Float[ndarray, " rows"]:
        """Return the values in the order of the dimension `rows`."""
        return np.array([getattr(self, name) for name in ROWS])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One run at one step.

    Attributes
    ----------
    task, split, config
        What it learns, from which rows (None where not known), with which shape.
    weights
        Name -> weight, TransformerLens's names and shapes, in the precision in which they were stored.
    step
        Number of updates so far.
    run
        Where it comes from; None for a snapshot made from weights.
    context
        What all snapshots of a run share: plan, key frequencies, null draws. Made on first use where None is given.
    """

    task: Task
    split: Split | None
    config: ModelConfig
    weights: Mapping[str, Tensor]
    step: int = 0
    run: "Run | None" = None
    given_context: Context | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        run = "" if self.run is None else f"{self.run.name!r}, "
        return f"Snapshot({run}step {self.step}: {self.task.name}, {self.config.architecture})"

    @cached_property
    def context(self) -> Context:
        """What all snapshots of the run share."""
        if self.given_context is not None:
            return self.given_context
        return Context(self.task, self.split, self.config, lambda: key_frequencies(self))

    @cached_property
    def model(self) -> "HookedTransformer | HookedFeedforward":
        """The hooked model, a copy of the weights; edit it freely."""
        return hooked_model(self.config, self.weights).eval()

    @cached_property
    def tokens(self) -> Tensor:
        """Shape [input, pos]. All inputs, as the model reads them."""
        return torch.as_tensor(self.task.tokens)

    @cached_property
    def plan(self) -> Plan:
        """The plan of the fast forward over all inputs."""
        return self.context.plan

    @cached_property
    def answer(self) -> Answer:
        """Logits, neurons and streams at the answer position, for all inputs, by the exact fast forward."""
        with torch.no_grad():
            short = short_answer(self.weights, self.config, self.plan)
        if short is not None:
            return short
        act = self.activations
        return Answer(act.logits, act.neurons, act.resid_mid, act.resid_post)

    @cached_property
    def activations(self) -> FastActivations:
        """Everything at the answer position, heads and pattern too; equal to `answer` up to rounding."""
        with torch.no_grad():
            return forward(self.weights, self.config, self.plan)

    @property
    def logits(self) -> Float[Tensor, "input class"]:
        """Shape [input, d_vocab_out]. All classes, in the precision of the weights."""
        return self.answer.logits

    @property
    def answer_logits(self) -> Float[Tensor, "input class"]:
        """Shape [input, n_classes]. The answers' classes only (no `=`), float64; kept where it is no large table.

        A table of 720 elements takes 3 GB: see `answer_logits_of`, and `grokscope.runs.blocks` for all rows in turn.
        """
        if "answer logits" in self.__dict__:
            return self.__dict__["answer logits"]
        logits = self.logits[:, : self.task.n_classes].double()
        if logits.numel() <= ENTRIES_KEPT:
            self.__dict__["answer logits"] = logits
        return logits

    def answer_logits_of(
        self, rows: slice | Int[ndarray, " row"] | Int[Tensor, " row"]
    ) -> Float[Tensor, "row class"]:
        """Return `answer_logits` of some rows, which copies no others."""
        rows = torch.as_tensor(rows) if isinstance(rows, ndarray) else rows
        # Not of the kept copy, which takes longer to make, and to read, than these rows.
        return self.logits[rows, : self.task.n_classes].double()

    @property
    def is_finite(self) -> bool:
        """Whether every logit is a finite number."""
        # A sum in float64 holds any number of float32 logits, and one that is not finite makes it so.
        total = sum(
            self.logits[rows].sum(dtype=torch.float64) for rows in row_blocks(*self.logits.shape)
        )
        return bool(torch.as_tensor(total).isfinite())

    @property
    def neurons(self) -> Float[Tensor, "input neuron"]:
        """Shape [input, neuron]. The last block's neurons at the answer position, after the activation function."""
        if self.answer.neurons is None:
            raise RequestError("this model has no neurons (attn_only)", "a model with an MLP")
        return self.answer.neurons

    @property
    def has_neurons(self) -> bool:
        """Whether the model has neurons."""
        return not self.config.attn_only

    @cached_property
    def labels(self) -> Tensor:
        """Shape [input]. The answers as trained on."""
        return torch.as_tensor(self.task.answers if self.split is None else self.split.labels)

    @cached_property
    def loss_per_input(self) -> Float[Tensor, " input"]:
        """Cross-entropy of each row over all classes of the model, float64, natural logarithm."""
        return row_statistics(self).loss

    @cached_property
    def loss(self) -> RowValues:
        """Mean cross-entropy per set of rows."""
        return self.mean_over_rows(self.loss_per_input)

    @cached_property
    def accuracy(self) -> RowValues:
        """Share of right answers per set of rows."""
        return self.mean_over_rows(row_statistics(self).hit.double())

    def rows(self, name: str) -> ndarray:
        """Return the indices of a set of rows; empty where the split is not known."""
        if name == "all":
            return np.arange(self.task.n_inputs)
        return np.array([], dtype=np.int64) if self.split is None else self.split.rows(name)

    def mean_over_rows(self, per_input: Float[Tensor, " input"]) -> RowValues:
        """Return the mean of a number per input over each set of rows; not-a-number stands for "not looked at"."""
        values = {}
        for name in ROWS:
            rows = torch.as_tensor(self.rows(name))
            values[name] = float(per_input[rows].nanmean()) if len(rows) else float("nan")
        return RowValues(**values)

    @cached_property
    def W_E(self) -> Float[ndarray, "n d_model"]:
        """[n, d_model]: embedding of the first operand by exponent (addition: of the numbers), no `=`; float64.

        Of one-hot operands: [n, neuron], their weights in the first layer.
        """
        table = embedding(self.weights, self.config).double().numpy()
        cyclic = self.task.cyclic
        return table[: self.task.p] if cyclic is None else table[cyclic.token_x]

    @cached_property
    def W_U(self) -> Float[ndarray, "d_model n"]:
        """Shape [d_model, n]. Unembedding of the answers by exponent (addition: of the numbers); float64.

        Of a feed-forward model: [neuron, n], with the scale of its output.
        """
        table = unembedding(self.weights, self.config).double().numpy()
        cyclic = self.task.cyclic
        return table[:, : self.task.n_classes] if cyclic is None else table[:, cyclic.class_c]

    @cached_property
    def W_L(self) -> Float[ndarray, "neuron n"]:
        """Shape [neuron, n]. The neuron-logit map of the last block, answers by exponent; float64.

        W_out W_U; of a feed-forward model W_U.
        """
        if not self.has_neurons:
            raise RequestError("this model has no neurons (attn_only)", "a model with an MLP")
        if not self.config.has_attention:
            return self.W_U
        out = last_block(self.weights, self.config)["mlp.W_out"].double().numpy()
        return out @ self.W_U

    @property
    def key(self) -> tuple[int, ...]:
        """The run's key frequencies, read at its final step by the default rule."""
        return self.context.key

    @property
    def initial_weights(self) -> Mapping[str, Tensor] | None:
        """The run's weights at step 0, None where they are not on record."""
        return self.context.initial_weights(self.run)

    def previous_weights(self) -> Mapping[str, Tensor] | None:
        """Return the weights of the checkpoint before, None where there is none."""
        return self.context.previous_weights(self.run, self.step)
