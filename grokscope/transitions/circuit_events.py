"""Events of the circuit: onset, 10 %, half and formed, from the held-out restricted loss.

The restricted loss keeps of the logits only their projection on the key frequencies, or on the key
representations of a group that is not cyclic. Held out, that projection is fitted and evaluated on
twin-free test rows, so no memorised logit leaks in. It is held against two scales: an absolute one
(chance) and a null (random frequency sets of the same size, or random relabellings of the elements).
Below the null alone is not enough: without weight decay a run lies there and stays above chance.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from grokscope.transitions.accuracy_events import event, not_seen
from grokscope.transitions.curves import (
    Curve,
    curve,
    in_its_words,
    key_dimension,
    key_variable,
    lowest_curve,
)
from grokscope.transitions.facts import Facts
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transition

if TYPE_CHECKING:
    import xarray as xr

ROWS = "test_twin_free"


@dataclass(frozen=True)
class KeyChoice:
    """Which key frequencies the restricted loss is taken at, and the variables that hold it.

    Attributes
    ----------
    suffix
        Ending of the events' names.
    loss, error, null
        Names of the Dataset's variables.
    words
        The choice in words.
    lasts
        Whether the circuit has to be there at the last evaluation too. Final key frequencies are
        read at the end of the run, so a run without a circuit there has had no onset.
    """

    suffix: str
    loss: str
    error: str
    null: str
    words: str
    lasts: bool


FINAL = KeyChoice(
    "",
    "restricted_loss_held_out",
    "restricted_loss_held_out_se",
    "restricted_loss_null",
    "the final key frequencies",
    lasts=True,
)
CURRENT = KeyChoice(
    "_current",
    "restricted_loss_held_out_current",
    "restricted_loss_held_out_current_se",
    "restricted_loss_null_current",
    "the key frequencies of the same step",
    lasts=False,
)


def circuit_events(
    ds: "xr.Dataset", facts: Facts, memorised: Transition, keys: KeyChoice, rules: EventRules
) -> tuple[Transition, ...]:
    """Circuit onset, 10 %, half and formed for one choice of key frequencies."""
    onset = circuit_onset(ds, facts, keys, rules)
    restricted = curve(ds, keys.loss)
    words = in_its_words(ds, keys.words)
    return onset, *formation(restricted, memorised, onset, replace(keys, words=words), rules)


def circuit_onset(ds: "xr.Dataset", facts: Facts, keys: KeyChoice, rules: EventRules) -> Transition:
    """Find the first sustained checkpoint with a circuit, by an absolute scale and a null.

    A checkpoint without key frequencies is one without a circuit where the keys are those of the
    same step; with final keys there is then nothing to look at.
    """
    name = f"circuit_onset{keys.suffix}"
    chance = facts.chance_loss
    scale = f"ln({facts.n_classes}) = {chance:.4g}" if chance else "ln(classes)"
    lasting = "; it has to hold at the last evaluation of the run too" if keys.lasts else ""
    definition = in_its_words(
        ds,
        f"The held-out restricted loss at {keys.words} lies below chance, {scale}, by "
        f"{rules.onset_errors:g} standard errors and below the lowest of the random frequency sets "
        f"at {rules.consecutive} consecutive evaluations; the step is the first of these{lasting}.",
    )
    restricted, error = curve(ds, keys.loss), curve(ds, keys.error)
    null = lowest_curve(ds, keys.null, "draw")
    missing = _missing(ds, keys, restricted, error, null, chance)
    if missing:
        low = _last_checkpoint(ds) if missing == NO_KEYS else None
        return not_seen(name, low, definition, ROWS, in_its_words(ds, missing))
    below = _below_chance_and_null(restricted, error, null, chance or 0.0, rules)
    if not keys.lasts:
        below = _with_keyless(ds, keys, below)
    steps, holds = below.steps, below.values > 0
    crossing = below.sustains(holds, rules.consecutive)
    if crossing.high is None:
        return event(name, crossing, definition, ROWS, _thin_null(ds, keys))
    if keys.lasts and not holds[-1]:
        note = f"it held from step {crossing.high} on, but not at the last evaluation"
        return not_seen(name, int(steps[-1]), definition, ROWS, note)
    later = steps[(steps > crossing.high) & ~holds]
    note = (
        f"it did not hold at {len(later)} later evaluations, last at {later[-1]}"
        if len(later)
        else ""
    )
    return event(name, crossing, definition, ROWS, note)


def formation(
    restricted: Curve,
    memorised: Transition,
    onset: Transition,
    keys: KeyChoice,
    rules: EventRules,
) -> tuple[Transition, ...]:
    """How far the restricted loss has come on its logarithmic way down from memorisation.

    ``progress(t) = (ln R(memorised) - ln R(t)) / (ln R(memorised) - ln R(end))``, with R(memorised)
    the value at the first checkpoint at or after the step by which the run had memorised. It is
    relative to the run itself, so it says nothing without a circuit onset and is then censored. Both
    ends of the way are declared checkpoints: those that were added do not move them.
    """
    shares = {"circuit_10": 0.1, "circuit_half": 0.5, "circuit_formed": rules.formed}
    declared = restricted.declared
    if memorised.high is not None:
        declared = declared.since(memorised.high)
    after = restricted.since(int(declared.steps[0])) if len(declared) else declared
    logs = np.log(np.maximum(after.values, rules.loss_floor))
    ends = np.log(np.maximum(declared.values, rules.loss_floor))
    reason = ""
    if onset.censored:
        reason = "there is no circuit onset"
    elif memorised.censored:
        reason = "the run has not memorised"
    elif len(declared) < 2:
        reason = "there are fewer than two checkpoints from memorisation on"
    elif not ends[-1] < ends[0]:
        reason = "the restricted loss is no lower at the end than at memorisation"
    found = []
    for base, share in shares.items():
        name = f"{base}{keys.suffix}"
        definition = (
            f"The held-out restricted loss R at {keys.words} has come {share:.0%} of its way: "
            "(ln R(memorised) - ln R) / (ln R(memorised) - ln R(end)) is at least "
            f"{share:g} at {rules.consecutive} consecutive evaluations after memorisation, in a "
            f"run with {onset.name}; the step is the first of these."
        )
        if reason:
            low = restricted.last if len(restricted) else onset.low
            found.append(not_seen(name, low, definition, ROWS, reason))
            continue
        progress = (ends[0] - logs) / (ends[0] - ends[-1])
        crossing = after.sustains(progress >= share, rules.consecutive)
        found.append(event(name, crossing, definition, ROWS))
    return tuple(found)


NO_KEYS = "there are no key frequencies"


def _missing(
    ds: "xr.Dataset",
    keys: KeyChoice,
    restricted: Curve,
    error: Curve,
    null: Curve,
    chance: float | None,
) -> str:
    """Say what is missing to judge an onset, empty where nothing is."""
    if chance is None:
        return "the number of classes is not known"
    if keys.loss not in ds:
        return f"the Dataset has no {keys.loss}"
    if not len(restricted):
        if _keyless(ds, keys):
            return NO_KEYS
        return f"{keys.loss} is nowhere known (no key frequencies, or no twin-free test rows)"
    if not len(error):
        return f"the Dataset has no {keys.error}"
    if not len(null):
        return _no_null(ds) or f"the Dataset has no {keys.null}"
    return ""


def _keyless(ds: "xr.Dataset", keys: KeyChoice) -> bool:
    """Whether nothing is key, though it was looked for."""
    chosen = key_variable(ds)
    if keys.lasts:
        return chosen in ds and not ds[chosen].size
    chosen += "_current"
    return chosen in ds and not np.nan_to_num(ds[chosen].values).any()


def _no_null(ds: "xr.Dataset") -> str:
    """Say that relabellings cannot be a null, empty where they can."""
    n_irrep = ds.attrs.get("n_irrep")
    if n_irrep is None or "key_irrep" not in ds or ds["key_irrep"].size < int(n_irrep) - 1:
        return ""
    return "every representation is key: they span all functions, and no relabelling gives others"


def _thin_null(ds: "xr.Dataset", keys: KeyChoice) -> str:
    """Say that the null could not be drawn from other frequencies alone, empty where it could."""
    n_freq = ds.attrs.get("n_freq")
    if not keys.lasts or n_freq is None or "key_frequency" not in ds:
        return ""
    n_key = ds["key_frequency"].size
    others = int(n_freq) - n_key
    if others >= n_key:
        return ""
    return f"{n_key} of {n_freq} frequencies are key: the random sets, filled up with key ones, are no null"


def _last_checkpoint(ds: "xr.Dataset") -> int | None:
    return int(ds["step"].values.max()) if "step" in ds.coords and ds.sizes["step"] else None


def _below_chance_and_null(
    restricted: Curve, error: Curve, null: Curve, chance: float, rules: EventRules
) -> Curve:
    """Evaluations at which all three are known, 1 where both conditions hold and 0 elsewhere."""
    se: Float[np.ndarray, " step"] = error.at(restricted.steps)
    lowest: Float[np.ndarray, " step"] = null.at(restricted.steps)
    known = ~(np.isnan(se) | np.isnan(lowest))
    holds = (restricted.values < chance - rules.onset_errors * se) & (restricted.values < lowest)
    return Curve(restricted.steps, holds.astype(float), restricted.added).where(known)


def _with_keyless(ds: "xr.Dataset", keys: KeyChoice, below: Curve) -> Curve:
    """Add the checkpoints at which the restricted loss is NaN for want of key frequencies, where nothing holds."""
    current = f"{key_variable(ds)}_current"
    known = ds[keys.loss].notnull()
    number = ds[current].sum(key_dimension(ds)) if current in ds else 0 * known
    counted = curve(number.to_dataset(name="number"), "number")
    return below.merged(counted.where(counted.values == 0))
