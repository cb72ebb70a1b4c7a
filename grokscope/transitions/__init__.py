"""When things happened in a run: named events with intervals and their definitions in words."""

from grokscope.callable_package import make_callable
from grokscope.transitions.algorithm import ALGORITHMS, Algorithm, identify
from grokscope.transitions.events import transitions
from grokscope.transitions.learning_order import learning_order
from grokscope.transitions.rules import EventRules
from grokscope.transitions.thresholds import Thresholds
from grokscope.transitions.transition import Transition, Transitions
from grokscope.transitions.verdict import judge

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "EventRules",
    "Thresholds",
    "Transition",
    "Transitions",
    "identify",
    "judge",
    "learning_order",
    "transitions",
]

make_callable(__name__, transitions)
