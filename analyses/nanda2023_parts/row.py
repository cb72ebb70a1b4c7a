"""A row of the table, and the run that the table is about."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from grokscope.transitions.transition import Transitions
from nanda2023_parts.studies import Interval

HEADER = ("part", "quantity", "published", "measured", "tolerance", "verdict", "note")


@dataclass(frozen=True)
class Row:
    """One row: all cells as text, the verdict one of inside, outside, not run, does not apply."""

    part: str
    what: str
    published: str
    measured: str
    tolerance: str
    verdict: str
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in the header's order."""
        head = (self.part, self.what, self.published, self.measured)
        return (*head, self.tolerance, self.verdict, self.note)


@dataclass(frozen=True)
class Subject:
    """The run that the table is about.

    Attributes
    ----------
    name, seed, last_step
        Its directory's name, its seed, its last checkpoint.
    setting
        Whether it is the paper's setting: then the published numbers apply.
    mainline
        Whether it is the paper's seed too: then those named by a frequency apply.
    key, quantities
        What was measured.
    before
        The same quantities at checkpoints before, by step: how far they still move.
    events
        Its located events.
    curve_below
        First step with a test loss below .01.
    cleanup_end
        When the test loss had come most of its way down.
    first_loss
        The training loss of seed 1 before training.
    """

    name: str
    seed: int
    last_step: int
    setting: bool
    mainline: bool
    grokked: bool
    key: tuple[int, ...]
    quantities: Mapping[str, float]
    before: Mapping[int, Mapping[str, float]]
    events: Transitions
    curve_below: Interval
    cleanup_end: Interval
    first_loss: float


def number(value: float) -> str:
    """Return a number in three digits; "-" for not-a-number."""
    return "-" if math.isnan(value) else f"{value:.3g}"


def when(interval: Interval) -> str:
    """Return an interval of steps in words."""
    low, high = interval
    if high is None:
        return "-" if low is None else f"not by {low:,}"
    return f"by {high:,}" if low is None else f"({low:,}, {high:,}]"
