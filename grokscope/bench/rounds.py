"""One case from start to table: warm up, check that the contenders agree, take their times in turn."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grokscope.bench.case import Case, Line, Measured, NotMeasuredError
from grokscope.bench.cases import load_case
from grokscope.bench.process import ContenderProcess
from grokscope.bench.settings import Settings

Evidence = Mapping[str, list[float]]
OnTurn = Callable[[str], None]


@dataclass(frozen=True)
class CaseResult:
    """What a case gave.

    Attributes
    ----------
    difference
        Largest difference of the evidence, relative to the largest number of its kind; None where nothing was to be
        compared.
    not_measured
        Contender's label -> why it could not run here.
    """

    case: Case
    lines: list[Line]
    facts: Mapping[str, Mapping[str, Any]]
    difference: float | None = None
    not_measured: Mapping[str, str] = field(default_factory=dict)

    @property
    def same(self) -> bool | None:
        """Whether all contenders did the same work; None where nothing was to be compared."""
        return None if self.difference is None else self.difference <= self.case.tolerance


def n_turns(name: str, settings: Settings) -> int:
    """Return how often `run_case` calls `on_turn`, at most."""
    case = load_case(name)
    rounds = case.quick_rounds if settings.quick else case.rounds
    starts = 0 if case.fresh else 1
    return len(case.contenders) * (rounds + starts)


def run_case(name: str, settings: Settings, on_turn: OnTurn = lambda note: None) -> CaseResult:
    """Run a case: every contender in a process of its own, one after the other in turn, round after round.

    Parameters
    ----------
    on_turn
        Called with a few words before every start and every turn of a contender.

    Raises
    ------
    UnsoundError
        Where a contender's process ended by itself.
    """
    case = load_case(name)
    rounds = case.quick_rounds if settings.quick else case.rounds
    samples: dict[str, dict[str, list[float]]] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    evidence: dict[str, Evidence] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        turns = _fresh_turns if case.fresh else _kept_turns
        for contender, process in turns(case, settings, rounds, facts, missing, on_turn, stack):
            for quantity, value in process.round().items():
                samples.setdefault(contender, {}).setdefault(quantity, []).append(value)
            if contender not in evidence:
                evidence[contender] = process.evidence()
    lines = case.lines(Measured(samples, facts)) if samples else []
    labels = {contender.name: contender.label for contender in case.contenders}
    return CaseResult(
        case,
        lines,
        {labels[n]: f for n, f in facts.items()},
        largest_difference(list(evidence.values())),
        {labels[n]: reason for n, reason in missing.items()},
    )


Turns = Iterator[tuple[str, ContenderProcess]]


def _kept_turns(
    case: Case,
    settings: Settings,
    rounds: int,
    facts: dict[str, Mapping[str, Any]],
    missing: dict[str, str],
    on_turn: OnTurn,
    stack: contextlib.ExitStack,
) -> Turns:
    """Yield each contender in each round; its process lives through all of them."""
    running = {}
    for contender in case.contenders:
        on_turn(f"{contender.label}: start")
        process = stack.enter_context(ContenderProcess(case.name, contender.name, settings))
        try:
            facts[contender.name] = process.ready()
            running[contender] = process
        except NotMeasuredError as reason:
            missing[contender.name] = str(reason)
    for number in range(rounds):
        for contender, process in running.items():
            on_turn(f"{contender.label}: {number + 1} of {rounds}")
            yield contender.name, process


def _fresh_turns(
    case: Case,
    settings: Settings,
    rounds: int,
    facts: dict[str, Mapping[str, Any]],
    missing: dict[str, str],
    on_turn: OnTurn,
    stack: contextlib.ExitStack,
) -> Turns:
    """Yield each contender in each round, every time in a new process."""
    for number in range(rounds):
        for contender in case.contenders:
            if contender.name in missing:
                continue
            on_turn(f"{contender.label}: {number + 1} of {rounds}")
            with ContenderProcess(case.name, contender.name, settings) as process:
                try:
                    facts[contender.name] = process.ready()
                except NotMeasuredError as reason:
                    missing[contender.name] = str(reason)
                    continue
                yield contender.name, process


def largest_difference(evidence: list[Evidence]) -> float | None:
    """Return the largest |a - b| / max |a| over all names that two contenders share; None where there is none.

    `a` are the numbers of one name of the earlier of the two. Different lengths, or a number that is not finite on one
    side only, are an infinite difference.
    """
    found = [
        _difference(one[name], other[name])
        for one, other in itertools.combinations(evidence, 2)
        for name in one.keys() & other.keys()
    ]
    return max(found, default=None)


def _difference(a: list[float], b: list[float]) -> float:
    if len(a) != len(b) or not a:
        return math.inf
    scale = max((abs(x) for x in a if math.isfinite(x)), default=0.0)
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        if math.isnan(x) and math.isnan(y):
            continue
        gap = abs(x - y)
        if not math.isfinite(gap):
            return math.inf
        worst = max(worst, gap)
    return 0.0 if worst == 0.0 else worst / scale if scale else math.inf
