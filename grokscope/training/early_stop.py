"""When a run may stop before its last step: test accuracy that stays at a level."""

from collections.abc import Iterable, Mapping
from typing import Any

CONSECUTIVE = 5


class EarlyStop:
    """Counts consecutive evaluations with test accuracy at or above a level.

    A run stops at the fifth, so that the events that ask for several evaluations in a row are still located.

    Parameters
    ----------
    level
        `stop_accuracy` of the configuration; 0: never stop.
    before
        Lines of metrics.jsonl of a run that goes on.
    """

    def __init__(self, level: float, before: Iterable[Mapping[str, Any]] = ()) -> None:
        self.level = level
        self.reached = 0
        for line in before:
            self.seen(line)

    def seen(self, metrics: Mapping[str, Any]) -> bool:
        """Count one evaluation and return whether the run may stop; never without test rows."""
        accuracy = metrics.get("accuracy_test")
        high = self.level > 0 and isinstance(accuracy, (int, float)) and accuracy >= self.level
        self.reached = self.reached + 1 if high else 0
        return self.reached >= CONSECUTIVE
