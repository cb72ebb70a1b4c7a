"""The online alarm: the excluded loss on training rows turns upwards. It reads no test label."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.transitions.accuracy_events import event, not_seen
from grokscope.transitions.curves import Curve, curve, in_its_words, keyless_until
from grokscope.transitions.rules import EventRules
from grokscope.transitions.sustained import Crossing
from grokscope.transitions.transition import Transition

if TYPE_CHECKING:
    import xarray as xr


def online_onset(ds: "xr.Dataset", memorised: Transition, rules: EventRules) -> Transition:
    """Excluded loss at or above a multiple of its running minimum since memorisation.

    ``E(t) >= ratio * max(floor, min of E(s) over memorised <= s <= t)``. Before memorisation the
    excluded loss falls with the training loss, so the minimum begins there. The floor keeps a
    loss that is zero to the precision of training from raising the alarm by its own noise. The minimum is over declared
    checkpoints: those that were added do not move it.
    """
    definition = in_its_words(
        ds,
        "The excluded loss on training rows (all key frequencies taken out of the logits) "
        + rise_words(rules),
    )
    excluded = curve(ds, "excluded_loss")
    if not len(excluded):
        note = in_its_words(ds, "excluded_loss is absent or nowhere known (no key frequencies)")
        return not_seen("online_onset", keyless_until(ds), definition, "train", note)
    if memorised.high is None:
        note = "the run has not memorised"
        return not_seen("online_onset", excluded.last, definition, "train", note)
    return event("online_onset", rise(excluded, memorised.high, rules), definition, "train")


def rise(excluded: Curve, since: int, rules: EventRules) -> Crossing:
    """Find the first sustained rise of an excluded loss over its running minimum from step `since` on."""
    after = excluded.since(since)
    lowest = np.minimum.accumulate(np.where(after.levels == 0, after.values, np.inf))
    high = after.values >= rules.online_ratio * np.maximum(lowest, rules.online_floor)
    return after.sustains(high, rules.consecutive)


def rise_words(rules: EventRules) -> str:
    """Return the rule of `rise` in words, after its subject."""
    return (
        f"is at least {rules.online_ratio:g} times its running minimum since memorisation (the minimum "
        f"counted as no less than {rules.online_floor:g}) at {rules.consecutive} consecutive "
        "evaluations; the step is the first of these."
    )
