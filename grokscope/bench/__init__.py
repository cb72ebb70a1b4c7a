"""How fast grokscope is, beside the obvious alternative, on the machine at hand: one file a case.

`run_bench` starts every contender of a case in a process of its own, has all of them do the same work, checks that they
agree, and takes their times in turn.
"""

from grokscope.bench.cases import CASES, choose_cases
from grokscope.bench.rounds import CaseResult, run_case
from grokscope.bench.settings import Settings
from grokscope.bench.spread import Spread, ratio, spread

__all__ = [
    "CASES",
    "CaseResult",
    "Settings",
    "Spread",
    "choose_cases",
    "ratio",
    "run_case",
    "spread",
]
