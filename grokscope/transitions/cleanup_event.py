"""Cleanup: the memorised part is thrown away, the norm and the test loss turn downwards faster.

Nanda et al. 2023 (arXiv 2301.05217, section 5) mark three phases by hand: memorisation, circuit
formation, cleanup. Here the start of the last is located by a change-point fit on three signals,
ln excluded loss, ln squared weight norm and ln test loss, from memorisation on.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from grokscope.transitions.accuracy_events import not_seen
from grokscope.transitions.change_point import OrderedFit, OrderedKnots
from grokscope.transitions.curves import curve, keyless_until
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transition

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 10  # checkpoints that a fit with three knots and slopes either side needs at least
ROWS = "train, test"
# What each knot does to the slopes of (excluded loss, norm, test loss); 0 leaves it free.
MEMORISATION_END = (0, 0, 0)
CLEANUP_START = (0, -1, -1)
CLEANUP_END = (0, 1, 0)


def cleanup(
    ds: "xr.Dataset",
    memorised: Transition,
    off_chance: Transition,
    grokked_50: Transition,
    grokked_99: Transition,
    rules: EventRules,
) -> Transition:
    """Locate the start of cleanup, in a run that grokked and whose norm and test loss then fell."""
    definition = (
        "The start of cleanup: in the best continuous piecewise-linear fit of ln excluded loss, ln "
        "squared weight norm and ln test loss (each standardised, knots shared) against the step, "
        "with knots memorisation end < cleanup start < cleanup end (the last only where the fit "
        "needs it), the knot from which norm and test loss turn downwards. It lies where the "
        f"excluded loss has come at least {rules.cleanup_excluded:.0%} of its logarithmic way up, "
        "and not after grokked_99. The fit runs from "
        f"memorisation to {rules.cleanup_reach:g} delays after grokked_99 or to the end of the run. "
        "The interval holds every knot whose residual is within an F-like threshold (level "
        f"{rules.cleanup_level:g}) of the best, widened to the neighbouring checkpoints."
    )
    signals = _signals(ds)
    last = int(signals[0][-1]) if len(signals[0]) else keyless_until(ds)

    def censored(note: str) -> Transition:
        return not_seen("cleanup", last, definition, ROWS, note)

    if not len(signals[0]):
        return censored("excluded loss, squared weight norm and test loss are not all known")
    if memorised.high is None:
        return censored("the run has not memorised")
    if grokked_50.high is None:
        return censored("the run has not grokked")
    if off_chance.censored and off_chance.low is not None:
        return censored("accuracy on twin-free test rows has not left chance")
    steps, values = _stretch(*signals, memorised.high, grokked_99.high, rules)
    if len(steps) < FEWEST:
        return censored(f"{len(steps)} checkpoints from memorisation on, {FEWEST} are needed")
    logs = np.log(np.maximum(values, rules.loss_floor))
    between = _cleanup_between(steps, logs, grokked_99.high, rules)
    found = best_fit(steps, logs, between, rules.cleanup_level)
    if found is None:
        return censored("no step from which norm and test loss both turn downwards")
    search, fit = found
    knot = fit.knots[1]
    if not (logs[-1, 1:] < logs[knot, 1:]).all():
        return censored(f"norm and test loss did not both fall after the best knot, {steps[knot]}")
    low, high = (int(steps[at]) for at in search.profile(fit, 1, rules.cleanup_level))
    end = f", cleanup end at {steps[fit.knots[2]]}" if len(fit.knots) > 2 else ""
    note = f"best knots: memorisation end at {steps[fit.knots[0]]}, cleanup start at {steps[knot]}{end}"
    return Transition("cleanup", low, high, False, definition, ROWS, note)


def best_fit(
    steps: Int[np.ndarray, " evaluation"],
    logs: Float[np.ndarray, "evaluation signal"],
    between: tuple[int, int],
    level: float,
) -> tuple[OrderedKnots, OrderedFit] | None:
    """Fit with and without an end of cleanup; keep the end where leaving it out costs too much.

    A run that ends soon after grokking is still cleaning up and has no such knot; in one that goes
    on, the curves flatten and the fit is wrong without it.
    """
    without = OrderedKnots(steps, logs, (MEMORISATION_END, CLEANUP_START), {1: between})
    with_end = OrderedKnots(
        steps, logs, (MEMORISATION_END, CLEANUP_START, CLEANUP_END), {1: between}
    )
    two, three = without.search(), with_end.search()
    if three is not None and (two is None or two.residual > with_end.limit(three, level)):
        return with_end, three
    return None if two is None else (without, two)


def _cleanup_between(
    steps: Int[np.ndarray, " evaluation"],
    logs: Float[np.ndarray, "evaluation signal"],
    grokked: int | None,
    rules: EventRules,
) -> tuple[int, int]:
    """First and last evaluation at which cleanup may start.

    Not before the circuit has formed for the most part: the excluded loss has come
    `cleanup_excluded` of its logarithmic way up from its minimum. Not after grokked_99, which
    cleanup brings about.
    """
    excluded = logs[:, 0]
    bottom = int(np.argmin(excluded))
    up = excluded[bottom:] - excluded[bottom]
    first = bottom + int(np.argmax(up >= rules.cleanup_excluded * up.max()))
    last = len(steps) - 1 if grokked is None else int(np.searchsorted(steps, grokked))
    return min(first, last), min(last, len(steps) - 1)


def _signals(
    ds: "xr.Dataset",
) -> tuple[Int[np.ndarray, " step"], Float[np.ndarray, "step signal"]]:
    """Excluded loss, squared norm and test loss at the checkpoints at which all are known."""
    curves = (
        curve(ds, "excluded_loss"),
        curve(ds, "weight_norm_squared", "all", along="param"),
        curve(ds, "loss", "test"),
    )
    steps = curves[0].steps
    values = np.stack([one.at(steps) for one in curves], axis=1)
    known = np.isfinite(values).all(axis=1)
    return steps[known], values[known]


def _stretch(
    steps: Int[np.ndarray, " step"],
    values: Float[np.ndarray, "step signal"],
    memorised: int,
    grokked: int | None,
    rules: EventRules,
) -> tuple[Int[np.ndarray, " part"], Float[np.ndarray, "part signal"]]:
    """From the first checkpoint after memorisation to a while after grokking."""
    keep = steps >= memorised
    if grokked is not None:
        keep &= steps <= grokked + rules.cleanup_reach * max(grokked - memorised, 0)
    return steps[keep], values[keep]
