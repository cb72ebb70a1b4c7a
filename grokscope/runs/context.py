"""What all snapshots of a run share: the plan of the forward, key frequencies, projectors, null draws."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.plan import Plan, make_plan
from grokscope.runs.reads import Read, note, noting, unnoted
from grokscope.tasks import Split, Task
from grokscope.tasks.product_form import ProductForm, product_form

if TYPE_CHECKING:
    from grokscope.runs.run import Run
    from grokscope.runs.snapshot import Snapshot

WEIGHTS_KEPT = 2
"""Checkpoints whose weights are kept for a comparison, beside those of snapshots that are alive."""


@dataclass(eq=False)
class Context:
    """What all snapshots of a run share. Several threads may work on snapshots of one context.

    Attributes
    ----------
    task, split, config
        As in the snapshots.
    final_key
        () -> the key frequencies of the run's final step, by `rule`; the places of key representations for a group
        that is not cyclic.
    rule
        How they are chosen, at the final and at the current step.
    steps
        The steps that count as the run's checkpoints; those that it has at first use where None.
    """

    task: Task
    split: Split | None
    config: ModelConfig
    final_key: Callable[[], tuple[int, ...]]
    rule: str = "majority"
    steps: tuple[int, ...] | None = None
    _memo: dict[Any, tuple[Any, frozenset[Read]]] = field(default_factory=dict)
    _making: dict[Any, threading.RLock] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _alive: "weakref.WeakValueDictionary[int, Snapshot]" = field(
        default_factory=weakref.WeakValueDictionary
    )
    _weights: "OrderedDict[int, Mapping[str, Tensor]]" = field(default_factory=OrderedDict)

    @cached_property
    def plan(self) -> Plan:
        """The plan of the fast forward over all inputs."""
        return make_plan(self.task.tokens, self.config.attention_mask == "causal")

    @property
    def key(self) -> tuple[int, ...]:
        """Key frequencies, or places of key representations, at the run's final step, ascending; kept."""
        note("final key")
        with unnoted():
            return self.memo("final key", self.final_key)

    @cached_property
    def product_form(self) -> ProductForm | None:
        """The task as a product in a group, cyclic or not; None where it is none."""
        return product_form(self.task)

    def look_at(self, snapshot: "Snapshot") -> None:
        """Note a snapshot that was made, without keeping it."""
        with self._lock:
            self._alive[snapshot.step] = snapshot

    def living_snapshot(self, step: int) -> "Snapshot | None":
        """Return the snapshot of that step made last, if it is still there: its activations are done already."""
        with self._lock:
            return self._alive.get(step)

    def memo(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` gave the first time it was asked for under `name`.

        A second thread waits for the first. What `make` read counts as read by all who ask.
        """
        with self._lock:
            making = self._making.setdefault(name, threading.RLock())
        with making:
            if name not in self._memo:
                with noting() as reads:
                    value = make()
                self._memo[name] = value, frozenset(reads)
            value, read_before = self._memo[name]
        note(*read_before)
        return value

    def initial_weights(self, run: "Run | None") -> Mapping[str, Tensor] | None:
        """Return the weights at step 0 of the run, None where it has no checkpoint there."""
        note("initial")
        with unnoted():
            if run is None or self.steps_of(run)[0] != 0 or not run.info.get("step_known", True):
                return None
            return self.memo("initial", lambda: run.weights(0))

    def previous_weights(self, run: "Run | None", step: int) -> Mapping[str, Tensor] | None:
        """Return the weights of the last checkpoint before `step`, None where there is none."""
        note("previous")
        with unnoted():
            before = None if run is None else self.previous_step(run, step)
            return None if run is None or before is None else self._weights_of(run, before)

    def previous_step(self, run: "Run", step: int) -> int | None:
        """Return the last checkpointed step before `step`."""
        return max((s for s in self.steps_of(run) if s < step), default=None)

    def steps_of(self, run: "Run") -> tuple[int, ...]:
        """Return the steps that count as the run's checkpoints."""
        return self.memo("steps", lambda: run.steps) if self.steps is None else self.steps

    def _weights_of(self, run: "Run", step: int) -> Mapping[str, Tensor]:
        alive = self.living_snapshot(step)
        if alive is not None:
            return alive.weights
        with self._lock:
            if step not in self._weights:
                self._weights[step] = run.weights(step)
                while len(self._weights) > WEIGHTS_KEPT:
                    self._weights.popitem(last=False)
            return self._weights[step]
