"""More checkpoints of a run, exactly those that it passed through: planned, replayed, proved, and put in place."""

from grokscope.training.densify.plan import Plan, plan_densify
from grokscope.training.densify.replaying import Densification, densify

__all__ = ["Densification", "Plan", "densify", "plan_densify"]
