"""One run of a stack: a trainer whose weights, and state of the optimiser, lie in the stack's."""

from collections import defaultdict
from collections.abc import Callable

from torch import Tensor

from grokscope.training.trainer import Trainer


class Member(Trainer):
    """One run of a stack; its optimiser's state is fetched from the stack when a key frame is written."""

    fetch_state: Callable[[], None] | None = None

    def collect_state(self) -> None:
        """Fetch this member's part of the optimiser's state."""
        if self.fetch_state is not None:
            self.fetch_state()

    def move(self, storage: dict[str, Tensor]) -> None:
        """Go on with weights that lie in `storage` now."""
        moved = {id(self.weights[name]): weight for name, weight in storage.items()}
        for group in self.optimiser.param_groups:
            group["params"] = [moved[id(weight)] for weight in group["params"]]
        state = {moved[id(weight)]: value for weight, value in self.optimiser.state.items()}
        self.optimiser.state = defaultdict(dict, state)
        if self.interventions.decay is not None:
            self.interventions.decay.move(moved)
        self.weights.update(storage)
