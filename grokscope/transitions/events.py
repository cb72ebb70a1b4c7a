"""All events of a run, in the order in which they are told."""

from typing import TYPE_CHECKING

from grokscope.transitions.accuracy_events import (
    collapsed,
    diverged,
    grokked,
    memorised,
    off_chance,
)
from grokscope.transitions.circuit_events import CURRENT, FINAL, circuit_events
from grokscope.transitions.cleanup_event import cleanup
from grokscope.transitions.curves import declared_only
from grokscope.transitions.facts import Facts
from grokscope.transitions.numerical_events import loss_underflow, softmax_collapse
from grokscope.transitions.online_event import online_onset
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transitions

if TYPE_CHECKING:
    import xarray as xr


def transitions(ds: "xr.Dataset", rules: EventRules | None = None) -> Transitions:
    """Locate every event of a run, each as an interval, with its definition in words.

    Checkpoints that `densify` added do not decide whether an event happened: it is found on the evaluations that the
    schedule declared, and narrowed inside its interval (`first_sustained`); cleanup, a fit, is of these alone.

    Reads the Dataset only. An event whose variables are absent, or that did not happen, is censored
    and says why; it is never left out and never given the last step.

    Parameters
    ----------
    ds
        The Dataset of one run, as `grokscope.analyze` makes it. Any variable may be absent.
    rules
        The thresholds; the defaults of `EventRules` where not given.

    Returns
    -------
    Transitions
        ``memorised off_chance circuit_onset circuit_10 circuit_half circuit_formed online_onset
        cleanup grokked_50 grokked_90 grokked_95 grokked_99 collapsed diverged softmax_collapse
        loss_underflow``, then the circuit's events at the key frequencies of each step
        (``..._current``) and ``memorised_first``.

    Raises
    ------
    RequestError
        Where the Dataset holds several runs.
    """
    rules = EventRules() if rules is None else rules
    facts = Facts.of(ds)
    sustained, first = memorised(ds, rules)
    left = off_chance(ds, facts, rules)
    # What other events count from: an added checkpoint must not move them either.
    coarse = declared_only(ds)
    start, _ = memorised(coarse, rules)
    grokked_50, _, grokked_95, grokked_99 = grokked(coarse, facts, rules)
    return Transitions(
        [
            sustained,
            left,
            *circuit_events(ds, facts, start, FINAL, rules),
            online_onset(ds, start, rules),
            cleanup(coarse, start, left, grokked_50, grokked_99, rules),
            *grokked(ds, facts, rules),
            collapsed(ds, grokked_99, grokked_95, rules),
            diverged(ds, facts),
            softmax_collapse(ds),
            loss_underflow(ds),
            *circuit_events(ds, facts, start, CURRENT, rules),
            first,
        ]
    )
