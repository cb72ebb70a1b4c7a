"""When things happened in a run: named events with intervals and their definitions in words."""

from grokscope.callable_package import make_callable
from grokscope.transitions.events import transitions
from grokscope.transitions.learning_order import learning_order
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transition, Transitions
from grokscope.transitions.verdict import judge

__all__ = ["EventRules", "Transition", "Transitions", "judge", "learning_order", "transitions"]

make_callable(__name__, transitions)
