"""What a case is: contenders that do the same work, and how many rounds they go."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grokscope.bench.settings import Settings
from grokscope.bench.spread import Spread, spread

SECONDS = "seconds"
"""The quantity that every timed contender gives."""


class NotMeasuredError(Exception):
    """A contender that cannot run here; its message is the reason."""


def _nothing() -> dict[str, list[float]]:
    return {}


@dataclass(frozen=True)
class Started:
    """A contender that is warm.

    Attributes
    ----------
    sample
        Does one round and returns {quantity: number}.
    evidence
        {name: numbers} that every contender of the case must agree on; asked for after the first round.
    facts
        What is worth knowing about how it ran.
    """

    sample: Callable[[], Mapping[str, float]]
    evidence: Callable[[], Mapping[str, list[float]]] = _nothing
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case.

    Attributes
    ----------
    name
        As given to the process that does it.
    label
        As printed.
    start
        Builds and warms it up, in that process; `NotMeasuredError` where it cannot run here.
    """

    name: str
    label: str
    start: Callable[[Settings], Started]


@dataclass(frozen=True)
class Line:
    """One line of a case's table: a number, and how many times ours it is where that can be said."""

    label: str
    unit: str
    value: Spread
    times_ours: Spread | None = None


@dataclass(frozen=True)
class Measured:
    """What the rounds of a case gave: contender -> quantity -> one number a round; and contender -> facts."""

    samples: Mapping[str, Mapping[str, list[float]]]
    facts: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """Contenders, ours first, that do the same work.

    Attributes
    ----------
    name, title
        For `--case`, and above the table.
    contenders
        Ours first.
    lines
        Makes the table's lines of what was measured.
    rounds, quick_rounds
        How often each contender has its turn.
    fresh
        Whether every round has a process of its own, so that what is paid once a process is paid every time.
    agreement
        What is printed as yes or no: "same training".
    tolerance
        Largest difference of the evidence, relative to the largest number of its kind.
    """

    name: str
    title: str
    contenders: tuple[Contender, ...]
    lines: Callable[[Measured], list[Line]]
    rounds: int
    quick_rounds: int
    fresh: bool = False
    agreement: str = ""
    tolerance: float = 1e-5


def median_seconds(action: Callable[[], object], repeats: int) -> float:
    """Return the median wall-clock time of `repeats` calls of `action`, in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return spread(times).median
