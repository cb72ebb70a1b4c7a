"""Events of accuracy and loss: memorised, off chance, grokked, collapsed, diverged."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from grokscope.transitions.curves import Curve, at_least, merged_curve
from grokscope.transitions.facts import Facts, beyond_luck, off_chance_level
from grokscope.transitions.rules import EventRules
from grokscope.transitions.sustained import Crossing, first_crossing
from grokscope.transitions.transition import Transition

if TYPE_CHECKING:
    import xarray as xr

GROKKED = {"grokked_50": 0.5, "grokked_90": 0.9, "grokked_95": 0.95, "grokked_99": 0.99}


def event(name: str, crossing: Crossing, definition: str, rows: str, note: str = "") -> Transition:
    """Make a transition of a crossing; `note` comes before what the crossing says itself."""
    notes = "; ".join(part for part in (note, crossing.note) if part)
    return Transition(name, crossing.low, crossing.high, crossing.censored, definition, rows, notes)


def not_seen(name: str, low: int | None, definition: str, rows: str, note: str) -> Transition:
    """Make a censored transition."""
    return Transition(name, low, None, True, definition, rows, note)


def memorised(ds: "xr.Dataset", rules: EventRules) -> tuple[Transition, Transition]:
    """Train accuracy at or above a level: sustained, and its first unsustained crossing."""
    train = merged_curve(ds, "accuracy", "train")
    note = "" if len(train) else "the Dataset holds no train accuracy"
    sustained = (
        f"Train accuracy is at least {rules.memorised:g} at {rules.consecutive} consecutive "
        "evaluations; the step is the first of these."
    )
    first = f"Train accuracy is at least {rules.memorised:g} at one evaluation, the first such."
    return (
        event(
            "memorised", train.reaches(rules.memorised, rules.consecutive), sustained, "train", note
        ),
        event("memorised_first", train.reaches(rules.memorised, 1), first, "train", note),
    )


def off_chance(ds: "xr.Dataset", facts: Facts, rules: EventRules) -> Transition:
    """Twin-free test accuracy above what guessing gives."""
    rows = "test_twin_free"
    test = merged_curve(ds, "accuracy", rows)
    chance, n_rows = facts.chance_accuracy, facts.n_test_twin_free
    rule = f"c + {rules.off_chance_deviations:g} sqrt(c(1-c)/n)"
    where = f"{rule} with c = 1/classes and n twin-free test rows"
    if chance and n_rows:
        level = off_chance_level(chance, n_rows, rules.off_chance_deviations)
        where = f"{rule} = {level:.4g} (c = 1/{facts.n_classes}, n = {n_rows})"
    definition = (
        f"Accuracy on twin-free test rows is above {where}, and the number of correct rows is one "
        f"that guessing reaches with a probability below {rules.luck:g}, at {rules.consecutive} "
        "consecutive evaluations; the step is the first of these."
    )
    if not n_rows or not len(test):
        note = "the Dataset holds no accuracy on twin-free test rows"
        return not_seen("off_chance", None, definition, rows, note)
    if chance is None:
        note = "the number of classes is not known"
        return not_seen("off_chance", None, definition, rows, note)
    holds = (test.values > level) & beyond_luck(test.values, chance, n_rows, rules.luck)
    crossing = test.sustains(holds, rules.consecutive)
    return event("off_chance", crossing, definition, rows)


def grokked(ds: "xr.Dataset", facts: Facts, rules: EventRules) -> tuple[Transition, ...]:
    """Test accuracy at or above .50, .90, .95, .99, sustained.

    With most pairs in training, a network that has memorised (a, b) and (b, a) alike gets most test rows right by
    their twins, without weight decay too: .59 at 60 % of the pairs. So rows without a twin have to be off chance.
    """
    test = merged_curve(ds, "accuracy", "test")
    twin_free = merged_curve(ds, "accuracy", "test_twin_free")
    lucky = np.zeros(len(test), bool)
    if len(test) and facts.chance_accuracy and facts.n_test:
        lucky = ~beyond_luck(test.values, facts.chance_accuracy, facts.n_test, rules.luck)
    copied = _by_twins_only(test, twin_free, facts, rules)
    found = []
    for name, level in GROKKED.items():
        definition = (
            f"Test accuracy is at least {level:g} (a number of correct rows that guessing reaches "
            f"with a probability below {rules.luck:g}), and accuracy on twin-free test rows, where there are "
            f"any, is {rules.off_chance_deviations:g} standard deviations above chance, at {rules.consecutive} "
            "consecutive evaluations; the step is the first of these."
        )
        reached = at_least(test.values, level)
        crossing = test.sustains(reached & ~lucky & ~copied, rules.consecutive)
        note = "" if len(test) else "the Dataset holds no test accuracy"
        if crossing.censored and (reached & lucky).any():
            note = f"with {facts.n_test} test rows and {facts.n_classes} classes it may be luck"
        elif crossing.censored and (reached & copied).any():
            note = "it was reached on rows whose twin trains, with the twin-free ones at chance"
        if crossing.high is not None:
            note = _twin_note(twin_free, crossing.high)
        found.append(event(name, crossing, definition, "test", note))
    return tuple(found)


def _by_twins_only(
    test: Curve, twin_free: Curve, facts: Facts, rules: EventRules
) -> Bool[np.ndarray, " evaluation"]:
    """Evaluations at which twin-free rows are known and at chance; none where so few rows cannot show more."""
    chance, n_rows = facts.chance_accuracy, facts.n_test_twin_free
    if not chance or not n_rows:
        return np.zeros(len(test), bool)
    level = off_chance_level(chance, n_rows, rules.off_chance_deviations)
    return (twin_free.at(test.steps) <= level) & (level < 1)


def _twin_note(twin_free: Curve, step: int) -> str:
    """Say how accurate the run then was where no training row gives the answer away."""
    value = float(twin_free.at(np.array([step]))[0])
    return "" if np.isnan(value) else f"accuracy on twin-free test rows was {value:.3f} then"


def collapsed(
    ds: "xr.Dataset", grokked_99: Transition, grokked_95: Transition, rules: EventRules
) -> Transition:
    """Test accuracy below a level after the run had grokked."""
    test = merged_curve(ds, "accuracy", "test")
    definition = (
        f"After grokked_99 (grokked_95 where that was not reached) test accuracy is below "
        f"{rules.collapsed:g}; a single evaluation suffices."
    )
    start = grokked_99.high if grokked_99.high is not None else grokked_95.high
    if start is None:
        note = "the run has not grokked" if len(test) else "the Dataset holds no test accuracy"
        return not_seen("collapsed", test.last, definition, "test", note)
    after = test.since(start)
    crossing = first_crossing(after.steps, ~at_least(after.values, rules.collapsed), after.added)
    return event("collapsed", crossing, definition, "test")


def diverged(ds: "xr.Dataset", facts: Facts) -> Transition:
    """Training loss that is no finite number.

    NaN in a Dataset can also mean "not recorded". It counts as a loss that is not finite where the
    accuracy of the same rows was recorded at that step.
    """
    definition = (
        "The training loss (the loss on all rows where the split is not known) is not a finite "
        "number; a single evaluation suffices."
    )
    rows = "train" if facts.has_train or len(merged_curve(ds, "loss", "train")) else "all"
    looked = _recorded(ds, "metric_loss", "metric_accuracy", "metric_step", rows)
    looked += _recorded(ds, "loss", "accuracy", "step", rows)
    values: dict[int, bool] = {}
    for step, finite in looked:
        values[step] = values.get(step, True) and finite
    steps = np.array(sorted(values), dtype=int)
    bad = np.array([not values[int(step)] for step in steps], dtype=bool)
    note = "" if len(steps) else "the Dataset holds no loss on these rows"
    return event("diverged", first_crossing(steps, bad), definition, rows, note)


def _recorded(
    ds: "xr.Dataset", loss: str, accuracy: str, grid: str, rows: str
) -> list[tuple[int, bool]]:
    """Steps at which the loss was recorded, each with whether it is finite."""
    if loss not in ds or not {grid, "rows"} <= set(ds[loss].dims):
        return []
    if rows not in ds[loss].coords["rows"].values.tolist():
        return []
    steps = ds[loss].coords[grid].values.tolist()
    losses = np.asarray(ds[loss].sel(rows=rows).values, dtype=float)
    known = ~np.isnan(losses)
    if accuracy in ds and ds[accuracy].dims == ds[loss].dims:
        known |= ~np.isnan(np.asarray(ds[accuracy].sel(rows=rows).values, dtype=float))
    return [
        (int(step), bool(np.isfinite(value)))
        for step, value, seen in zip(steps, losses, known, strict=True)
        if seen
    ]
