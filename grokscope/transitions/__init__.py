"""When things happened in a run: named events with intervals and their definitions in words."""

from grokscope.transitions.events import transitions
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transition, Transitions

__all__ = ["EventRules", "Transition", "Transitions", "transitions"]
