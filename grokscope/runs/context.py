"""What all snapshots of a run share: the plan of the forward, key frequencies, projectors, null draws."""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.fast import Plan, make_plan
from grokscope.tasks import Split, Task
from grokscope.tasks.product_form import ProductForm, product_form

if TYPE_CHECKING:
    from grokscope.runs.run import Run
    from grokscope.runs.snapshot import Snapshot


@dataclass(eq=False)
class Context:
    """What all snapshots of a run share.

    Attributes
    ----------
    task, split, config
        As in the snapshots.
    final_key
        () -> the key frequencies of the run's final step, by `rule`; the places of key representations for a group
        that is not cyclic.
    rule
        How they are chosen, at the final and at the current step.
    """

    task: Task
    split: Split | None
    config: ModelConfig
    final_key: Callable[[], tuple[int, ...]]
    rule: str = "majority"
    _memo: dict[Any, Any] = field(default_factory=dict)
    _last: "weakref.ref[Snapshot] | None" = None
    _weights: "OrderedDict[int, Mapping[str, Tensor]]" = field(default_factory=OrderedDict)

    @cached_property
    def plan(self) -> Plan:
        """The plan of the fast forward over all inputs."""
        return make_plan(self.task.tokens, self.config.attention_mask == "causal")

    @cached_property
    def key(self) -> tuple[int, ...]:
        """Key frequencies, or places of key representations, at the run's final step, ascending."""
        return self.final_key()

    @cached_property
    def product_form(self) -> ProductForm | None:
        """The task as a product in a group, cyclic or not; None where it is none."""
        return product_form(self.task)

    def look_at(self, snapshot: "Snapshot") -> None:
        """Note the snapshot that was made last, without keeping it."""
        self._last = weakref.ref(snapshot)

    def last_snapshot(self, step: int) -> "Snapshot | None":
        """Return the snapshot made last, if it is still there and of that step: its activations are done already."""
        last = None if self._last is None else self._last()
        return last if last is not None and last.step == step else None

    def memo(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` gave the first time it was asked for under `name`."""
        if name not in self._memo:
            self._memo[name] = make()
        return self._memo[name]

    def remember(self, step: int, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of `step` for the next snapshot's comparison with the one before; two are kept."""
        self._weights[step] = weights
        while len(self._weights) > 2:
            self._weights.popitem(last=False)

    def initial_weights(self, run: "Run | None") -> Mapping[str, Tensor] | None:
        """Return the weights at step 0 of the run, None where it has no checkpoint there."""
        if run is None or run.steps[0] != 0 or not run.info.get("step_known", True):
            return None
        return self.memo("initial", lambda: run.weights(0))

    def previous_weights(self, run: "Run | None", step: int) -> Mapping[str, Tensor] | None:
        """Return the weights of the last checkpoint before `step`, None where there is none."""
        if run is None:
            return None
        before = [s for s in self.memo("steps", lambda: run.steps) if s < step]
        if not before:
            return None
        if before[-1] not in self._weights:
            self.remember(before[-1], run.weights(before[-1]))
        return self._weights[before[-1]]
