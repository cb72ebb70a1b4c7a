"""Several runs that differ in their seeds alone, as one batched computation.

Weights have a leading axis `seed`; forward, loss and gradients are those of one run under `torch.vmap`. Each member is
a `Trainer` whose weights are its part of the stack: its split, batch order, interventions, metrics and key frames are
its own, and it equals its single run up to the rounding of batched matrix products.
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.models.families import logits_of, lookup_heads
from grokscope.models.plan import Plan, PlanTable, member_axes, plan_of_tensors, plan_tensors
from grokscope.models.shapes import weight_shapes
from grokscope.tasks import Split, Task
from grokscope.training.captured import Captured
from grokscope.training.engine import Engine
from grokscope.training.evaluate import metrics_of
from grokscope.training.member import Member
from grokscope.training.optimisers import learning_rate, make_optimiser
from grokscope.training.state import put_state, state_tensors

Capture = Callable[[Callable[[], Any]], Callable[[], Any]]
"""Records an action, and returns what does it again."""

SEEDS = ("split_seed", "label_seed", "outlier_seed", "init_seed", "batch_seed", "noise_seed")
LOGITS_AT_ONCE = 2**24
"""Logits of all inputs that are evaluated together, 64 MB."""


def unseeded(config: RunConfig) -> RunConfig:
    """Return `config` with all seeds 0: members of a stack have the same."""
    sections = {}
    for section in ("split", "model", "optimiser", "intervention"):
        value = getattr(config, section)
        names = {field.name for field in dataclasses.fields(value)} & set(SEEDS)
        sections[section] = dataclasses.replace(value, **dict.fromkeys(names, 0))
    return dataclasses.replace(config, **sections)


def can_stack(config: RunConfig) -> bool:
    """Return whether runs of this configuration can be stacked: dropout draws row by row, in a run's own order."""
    return not config.intervention.dropout


class Stack:
    """Runs that differ in their seeds alone, trained together.

    Parameters
    ----------
    configs
        Resolved configurations, equal but for their seeds.
    task
        Their task.
    splits
        One for each, with as many training rows.
    engine
        How each is computed.

    Attributes
    ----------
    members
        The runs that are still trained, in order; those that leave are no longer moved.
    weights
        Name -> [member, ...].
    """

    def __init__(
        self, configs: Sequence[RunConfig], task: Task, splits: Sequence[Split], engine: Engine
    ) -> None:
        config, n = configs[0], len(configs)
        assert all(unseeded(other) == unseeded(config) for other in configs)
        assert len({len(split.rows("train")) for split in splits}) == 1
        self.config, self.engine = config, engine
        dtype = getattr(torch, config.dtype)
        self.weights = {
            name: torch.empty(n, *shape, dtype=dtype, device=engine.device)
            for name, shape in weight_shapes(config.model).items()
        }
        table = PlanTable(task.tokens, config.model.attention_mask == "causal", engine.device)
        self.members = [
            Member(each, task, split, engine, self._storage(i), table)
            for i, (each, split) in enumerate(zip(configs, splits, strict=True))
        ]
        for weight in self.weights.values():
            weight.requires_grad_()
        # Muon's matrices are those of one run; all other optimisers move each number by itself.
        self.optimiser = None if config.optimiser.optimiser == "muon" else self._new_optimiser()
        first = self.members[0]
        self.table, self.plan = table, first.plan
        self.tables, self.full_batch = first.tables, first.full_batch
        change = first.interventions
        self.acts_by_member = self.optimiser is None or bool(
            change.on_gradient or change.decay or change.update_noise or change.constraints
        )
        self._captured_gradients: Callable[[], tuple[Tensor, Tensor, Tensor]] | None = None
        self._captured_step: Callable[[], object] | None = None
        self._last: tuple[Tensor, Tensor] | None = None
        self._bind()

    @property
    def step(self) -> int:
        """The step that all members have reached."""
        return self.members[0].step

    def _storage(self, member: int) -> dict[str, Tensor]:
        return {name: weight.detach()[member] for name, weight in self.weights.items()}

    def _new_optimiser(self) -> torch.optim.Optimizer:
        fused, on_gpu = self.engine.folding == "tables", self.engine.device != "cpu"
        return make_optimiser(self.weights, self.config.optimiser, fused, capturable=on_gpu)

    def _bind(self) -> None:
        """Set what depends on who is in the stack."""
        rows = torch.stack([member.train_rows for member in self.members])
        self._every_row = self._plan_of(rows)
        for place, member in enumerate(self.members):
            member.fetch_state = partial(self._fetch_state, place)

    def _plan_of(self, rows: Int[Tensor, "member row"]) -> tuple[Plan, Tensor]:
        rows = rows.to(self.engine.device)
        labels = [member.labels[own] for member, own in zip(self.members, rows, strict=True)]
        return self.table.plan(rows, tables=self.tables), torch.stack(labels)

    def _fetch_state(self, place: int) -> None:
        if self.optimiser is None:
            return
        member = self.members[place]
        for name, weight in self.weights.items():
            member.optimiser.state[member.weights[name]] = {
                slot: value if value.ndim == 0 else value[place]
                for slot, value in self.optimiser.state.get(weight, {}).items()
                if isinstance(value, Tensor)
            }

    def take_states(self) -> None:
        """Go on with what the members' own optimisers hold, as a key frame gave it to them."""
        if self.optimiser is None:
            return
        for name, weight in self.weights.items():
            own = [member.optimiser.state[member.weights[name]] for member in self.members]
            self.optimiser.state[weight] = {
                slot: value.clone()
                if value.ndim == 0
                else torch.stack([state[slot] for state in own])
                for slot, value in own[0].items()
            }

    def _draw(self) -> "Drawn":
        """Draw each member's batch and noise, from its own generators."""
        rows, noise = None, None
        if not self.full_batch:
            rows = torch.stack([member.next_batch() for member in self.members])
        if self.members[0].interventions.weight_noise is not None:
            noise = [_noise_of(member) for member in self.members]
        return Drawn(rows, noise)

    def logits(self, drawn: "Drawn") -> tuple[Float[Tensor, "seed row class"], Tensor]:
        """Return each member's logits on its rows, and their labels [seed, row]."""
        plan, labels = self._every_row if drawn.rows is None else self._plan_of(drawn.rows)
        config = self.config.model
        n_heads = lookup_heads(config, plan)

        def one(weights: dict[str, Tensor], own: list[Tensor]) -> Tensor:
            return logits_of(weights, config, plan_of_tensors(plan, n_heads, own))

        weights = self.weights
        if drawn.noise is not None:
            added = {name: torch.stack([each[name] for each in drawn.noise]) for name in weights}
            weights = {name: weight + added[name] for name, weight in weights.items()}
        axes = (0, member_axes(plan, n_heads))
        found: Tensor = torch.vmap(one, in_dims=axes)(weights, plan_tensors(plan, n_heads))
        return found, labels

    def update(self) -> list[int]:
        """Do one update of all members whose loss is a finite number; return the places of the others, [] for none.

        Those were not moved, and are to be taken out (`leave`).
        """
        draws = [member.draws() for member in self.members]
        logits, labels, total = self._gradients()
        self._last = logits.detach(), labels
        if math.isfinite(total.item()):
            self._move()
            return []
        loss = self.members[0].loss
        each = [loss(own, answers).item() for own, answers in zip(logits, labels, strict=True)]
        lost = [place for place, value in enumerate(each) if not math.isfinite(value)]
        kept = [place for place in range(len(each)) if place not in lost]
        before = [_copies(state_tensors(self.members[place])) for place in lost]
        if kept:
            self._clear_gradients()
            self._total(logits[kept], labels[kept]).backward()
            self._move()
        for place, state in zip(lost, before, strict=True):
            member = self.members[place]
            # From now on it has its part of the optimiser's state: the stack's is one step further.
            member.fetch_state = None
            put_state(member, state)
            member.take_back(draws[place])
            member.step -= bool(kept)
        return lost

    def last_loss(self, place: int) -> float:
        """Return the training loss of a member before the last update."""
        assert self._last is not None
        logits, labels = self._last
        return self.members[0].loss(logits[place], labels[place]).item()

    def _gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return (logits, labels, sum of the members' losses), with the gradients of that sum if it is finite."""
        if self._captured_gradients is not None:
            return self._captured_gradients()
        logits, labels = self.logits(self._draw())
        total = self._total(logits, labels)
        self._clear_gradients()
        if math.isfinite(total.item()):
            total.backward()
        return logits, labels, total

    def _total(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Members have as many rows each, so the sum of their mean losses is this many times the mean of all rows.
        return self.members[0].loss(logits.flatten(0, 1), labels.flatten()) * len(labels)

    def _clear_gradients(self) -> None:
        for weight in self.weights.values():
            weight.grad = None

    def capture(self, capture: Capture = Captured) -> bool:
        """Record the update as CUDA graphs, and return whether that was possible.

        Not with minibatches, noise, or interventions, which do other things at every update. Members that leave undo
        it.
        """
        first = self.members[0].interventions
        if not self.full_batch or self.acts_by_member or first.weight_noise is not None:
            return False
        assert self.optimiser is not None
        begun = {
            weight: dict(self.optimiser.state.get(weight, {})) for weight in self.weights.values()
        }
        kept = [value.detach().clone() for value in self._moving()]

        def gradients() -> tuple[Tensor, Tensor, Tensor]:
            logits, labels = self.logits(Drawn(None, None))
            total = self._total(logits, labels)
            self._clear_gradients()
            total.backward()
            return logits, labels, total

        try:
            self._captured_gradients = capture(gradients)
            self._captured_step = capture(self.optimiser.step)
        except RuntimeError:  # something in it waits for the device
            self._captured_gradients = self._captured_step = None
        with torch.no_grad():
            if any(begun.values()):
                for value, was in zip(self._moving(), kept, strict=True):
                    value.copy_(was)
            else:
                for value, was in zip(self.weights.values(), kept, strict=False):
                    value.copy_(was)
                for state in self.optimiser.state.values():
                    for value in state.values():
                        value.zero_()
        return self._captured_gradients is not None

    def _moving(self) -> list[Tensor]:
        """Return all that an update changes in place: weights, then the optimiser's state."""
        assert self.optimiser is not None
        states = (self.optimiser.state.get(weight, {}) for weight in self.weights.values())
        return [*self.weights.values(), *(value for state in states for value in state.values())]

    @torch.no_grad()
    def _move(self) -> None:
        self._set_rate()
        for place, member in enumerate(self.members if self.acts_by_member else ()):
            member.set_rate()
            for name, weight in self.weights.items():
                member.weights[name].grad = None if weight.grad is None else weight.grad[place]
            member.interventions.before_step(member.weights, member.optimiser)
            if self.optimiser is None:
                member.optimiser.step()
        if self._captured_step is not None:
            self._captured_step()
        elif self.optimiser is not None:
            self.optimiser.step()
        for member in self.members if self.acts_by_member else ():
            member.interventions.after_step(member.weights, member.optimiser)
        for member in self.members:
            member.step += 1

    def _set_rate(self) -> None:
        rate = learning_rate(self.config.optimiser, self.step)
        for group in () if self.optimiser is None else self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    @torch.no_grad()
    def metrics(self) -> list[dict[str, float]]:
        """Return loss and accuracy of each member on its train, test and twin-free test rows."""
        config, plan = self.config, self.plan
        size = plan.n_rows * config.model.d_vocab_out
        squared = config.intervention.loss_function == "mse"
        n_heads = lookup_heads(config.model, plan)
        tensors = plan_tensors(plan, n_heads)
        if n_heads is not None:
            plan.answer_lookup(n_heads)

        def one(weights: dict[str, Tensor]) -> Tensor:
            return logits_of(weights, config.model, plan_of_tensors(plan, n_heads, tensors))

        found = []
        at_once = max(1, LOGITS_AT_ONCE // size)
        for start in range(0, len(self.members), at_once):
            some = {name: w.detach()[start : start + at_once] for name, w in self.weights.items()}
            logits = torch.vmap(one)(some)
            for member, own in zip(self.members[start : start + at_once], logits, strict=True):
                found.append(metrics_of(own, member.labels, member.rows, squared, member.collapse))
        return found

    def leave(self, places: Collection[int]) -> list[Member]:
        """Take members out, and return them; the others go on as before, in a smaller stack."""
        if not places:
            return []
        gone = [self.members[place] for place in sorted(places)]
        for member in gone:
            member.collect_state()
            member.fetch_state = None  # it has all of it, and its place is another's from now on
        kept = [place for place in range(len(self.members)) if place not in places]
        # Those who leave keep their part of the old tensors.
        old = self.weights
        self.weights = {
            name: weight.detach()[kept].clone().requires_grad_() for name, weight in old.items()
        }
        if self.optimiser is not None:
            self.optimiser = self._smaller_optimiser(self.optimiser, old, kept)
        self.members = [self.members[place] for place in kept]
        for place, member in enumerate(self.members):
            member.move(self._storage(place))
        captured = self._captured_step is not None
        self._captured_gradients = self._captured_step = None
        if self.members:
            self._bind()
            if captured:
                self.capture()
        return gone

    def _smaller_optimiser(
        self, before: torch.optim.Optimizer, old: dict[str, Tensor], kept: list[int]
    ) -> torch.optim.Optimizer:
        made = self._new_optimiser()
        for name, weight in self.weights.items():
            made.state[weight] = {
                slot: value[kept].clone() if isinstance(value, Tensor) and value.ndim else value
                for slot, value in before.state.get(old[name], {}).items()
            }
        return made


@dataclass(frozen=True)
class Drawn:
    """What was drawn for one update.

    Attributes
    ----------
    rows
        Each member's batch; None for all training rows.
    noise
        What is added to each member's weights in the forward; None for nothing.
    """

    rows: Int[Tensor, "member row"] | None
    noise: list[dict[str, Tensor]] | None


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _noise_of(member: Member) -> dict[str, Tensor]:
    noise = member.interventions.weight_noise
    assert noise is not None
    return noise.noise(member.weights)
