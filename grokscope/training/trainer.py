"""One run in training: its weights, optimiser and batch order, and one update."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.models.families import forward, hooked_model, logits_of
from grokscope.models.initialise import initialise
from grokscope.models.plan import Plan, PlanTable
from grokscope.tasks import Split, Task
from grokscope.training.collapse import Collapse
from grokscope.training.compiling import compile_loss
from grokscope.training.engine import Engine, EngineConfig, choose_engine
from grokscope.training.evaluate import evaluate, metric_rows
from grokscope.training.interventions.assemble import make_interventions
from grokscope.training.interventions.training_loss import make_loss
from grokscope.training.optimisers import learning_rate, make_optimiser

Draws = tuple[list[tuple[torch.Generator, Tensor]], Tensor]
"""Generators with their states, and the rows that are left of the epoch."""


class Trainer:
    """One run in training: weights, optimiser, batch order, and the step that they have reached.

    Weights, gradients and order depend on the configuration, the engine, the machine and torch's version alone:
    look-ups have gradients that add in a fixed order, and torch's deterministic algorithms are on.

    Parameters
    ----------
    engine
        How to compute; chosen where None, and then not compiled.
    storage
        Where the weights are to lie, name -> tensor: a member's part of a stack. Its own where None.
    table
        The rows of the task, where another trainer found what they share already.
    """

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        split: Split,
        engine: Engine | None = None,
        storage: Mapping[str, Tensor] | None = None,
        table: PlanTable | None = None,
    ) -> None:
        n_train = len(split.rows("train"))
        self.config, self.split = config, split
        self.engine = engine or choose_engine(config, n_train, EngineConfig(compile="off"))
        device = self.engine.device
        self.weights = self._first_weights(storage)
        self.interventions = make_interventions(config, self.weights)
        self.loss = make_loss(config.intervention, config.optimiser.loss_dtype)
        self.collapse = Collapse(config)
        self.optimiser = make_optimiser(
            self.weights, config.optimiser, fused=self.engine.folding == "tables"
        )
        self.step = 0
        self.order = torch.Generator().manual_seed(config.optimiser.batch_seed)
        self.epoch = torch.empty(0, dtype=torch.int64)
        self.causal = config.model.attention_mask == "causal"
        self.labels = torch.as_tensor(split.labels, device=device)
        self.tokens = task.tokens
        self.table = table or PlanTable(task.tokens, self.causal, device)
        self.train_rows = torch.as_tensor(split.rows("train"))
        size = config.optimiser.batch_size
        self.full_batch = not size or size >= n_train
        self.rows = {name: rows.to(device) for name, rows in metric_rows(split).items()}
        self.tables = self.engine.folding == "tables"
        self.plan = self.table.plan(tables=self.tables)
        self.train_plan = self.plan_of(self.train_rows.to(device))
        self.train_labels = self.labels[self.train_rows.to(device)]
        self._loss: Callable[[Plan, Tensor], Tensor] = self._eager_loss
        if self.engine.compiled:
            self._compile()

    def _compile(self) -> None:
        """Compile the training forward; where that cannot be done the engine says so from now on."""
        size = len(self.train_rows) if self.full_batch else self.config.optimiser.batch_size
        rows = self.train_rows[:size].to(self.engine.device)
        compiled = compile_loss(
            self._eager_loss, self.weights, self.plan_of(rows), self.labels[rows]
        )
        if compiled is None:
            self.engine = dataclasses.replace(self.engine, compiled=False)
        else:
            self._loss = compiled

    def _first_weights(self, storage: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        drawn = initialise(self.config.model, getattr(torch, self.config.dtype))
        if storage is not None:
            for name, weight in drawn.items():
                storage[name].copy_(weight)
            return dict(storage)
        drawn = {name: weight.to(self.engine.device) for name, weight in drawn.items()}
        if self.engine.name == "hooked":
            self.model = hooked_model(self.config.model, drawn).to(self.engine.device)
            own = self.model.weights()
            return {name: own[name] for name in drawn}  # noise is drawn in this order
        return {name: weight.requires_grad_() for name, weight in drawn.items()}

    def plan_of(self, rows: Tensor) -> Plan:
        """Return the plan of the training forward of these rows; under dropout no two rows share anything."""
        shared = self.interventions.dropout is None
        return self.table.plan(rows, shared=shared, tables=self.tables)

    def forward(self, plan: Plan) -> Tensor:
        """Return the logits of the training forward, with weight noise and dropout."""
        weights = self.interventions.noisy(self.weights)
        if self.engine.name == "hooked":
            logits: Tensor = torch.func.functional_call(self.model, weights, (plan.row_tokens(),))
            return logits[:, -1]
        if self.interventions.dropout is None:
            return logits_of(weights, self.config.model, plan)
        return forward(weights, self.config.model, plan, self.interventions.dropout).logits

    def _eager_loss(self, plan: Plan, labels: Tensor) -> Tensor:
        return self.loss(self.forward(plan), labels)

    def next_batch(self) -> Tensor:
        """Return the rows of the next update; every epoch goes through the training rows once in a new order."""
        size = self.config.optimiser.batch_size
        if len(self.epoch) < size:
            fresh = self.train_rows[torch.randperm(len(self.train_rows), generator=self.order)]
            self.epoch = fresh if len(self.epoch) == 0 else torch.cat([self.epoch, fresh])
        batch, self.epoch = self.epoch[:size], self.epoch[size:]
        return batch

    def next_rows(self) -> tuple[Plan, Tensor]:
        """Return plan and labels of the rows of the next update."""
        if self.full_batch:
            return self.train_plan, self.train_labels
        rows = self.next_batch().to(self.engine.device)
        return self.plan_of(rows), self.labels[rows]

    def draws(self) -> Draws:
        """Return where the generators of batches and of the forward's noise are, to be taken back."""
        drawing = (self.interventions.weight_noise, self.interventions.dropout)
        used = [one.generator for one in drawing if one is not None]
        if not self.full_batch:
            used.append(self.order)
        return [(generator, generator.get_state()) for generator in used], self.epoch

    def take_back(self, draws: Draws) -> None:
        """Draw again, from now on, what was drawn since `draws`."""
        generators, self.epoch = draws
        for generator, state in generators:
            generator.set_state(state)

    def update(self) -> float:
        """Do one update and return the training loss before it; a loss that is no finite number moves nothing."""
        before = self.draws()
        loss = self._loss(*self.next_rows())
        value = loss.item()
        if not math.isfinite(value):
            self.take_back(before)
            return value
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.set_rate()
        self.interventions.before_step(self.weights, self.optimiser)
        self.optimiser.step()
        self.interventions.after_step(self.weights, self.optimiser)
        self.step += 1
        return value

    def set_rate(self) -> None:
        """Set the learning rate of the next update."""
        rate = learning_rate(self.config.optimiser, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("lr_ratio", 1.0)

    def collect_state(self) -> None:
        """Have all state that a key frame holds at hand; a member of a stack fetches its part of the optimiser's."""

    def is_finite(self) -> bool:
        """Return whether every weight is a finite number."""
        return all(bool(w.isfinite().all()) for w in self.weights.values())

    def metrics(self) -> dict[str, float]:
        """Return loss and accuracy on train, test and twin-free test rows now."""
        return evaluate(
            self.weights,
            self.config.model,
            self.plan,
            self.labels,
            self.rows,
            squared_error=self.config.intervention.loss_function == "mse",
            collapse=self.collapse,
        )
