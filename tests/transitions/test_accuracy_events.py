"""Memorised, off chance, grokked, collapsed, diverged, on planted accuracies."""

import numpy as np
import pytest

from grokscope.errors import RequestError
from grokscope.runs.metrics_dataset import NUMERICAL
from grokscope.transitions import EventRules, transitions

STEPS = np.arange(0, 1000, 100)


def interval(event):
    """Both ends and whether it is censored."""
    return event.low, event.high, event.censored


def test_memorised_reads_the_denser_metrics_and_both_definitions(planted):
    """Wrong, a spike of train accuracy would count as memorised, or its first touch be lost."""
    metric_steps = np.arange(0, 1000, 10)
    train = np.where((metric_steps == 120) | (metric_steps >= 250), 1.0, 0.5)
    ds = planted(STEPS, metric_steps=metric_steps, metric_accuracy={"train": train})
    events = transitions(ds)
    assert interval(events["memorised"]) == (240, 250, False)
    assert interval(events["memorised_first"]) == (110, 120, False)


def test_nan_is_no_evaluation(planted):
    """Wrong, a step without a value would break a sustained crossing or bound its interval."""
    train = np.array([0.1, 0.2, np.nan, 1.0, np.nan, 1.0, 1.0, 1.0, 1.0, np.nan])
    events = transitions(planted(STEPS, accuracy={"train": train}))
    assert interval(events["memorised"]) == (100, 300, False)


def test_a_stored_float32_at_the_level_is_at_the_level(planted):
    """Wrong, a run at exactly .99 or .95 of its rows would miss the event by rounding."""
    values = np.full(10, np.float32(0.99), dtype=np.float32)
    values[:2] = 0
    events = transitions(planted(STEPS, accuracy={"train": values, "test": values}))
    assert events["memorised"].high == events["grokked_99"].high == 200


def test_off_chance_is_five_deviations_above_chance_on_twin_free_rows(planted):
    """Wrong, copying the twins' answers or the luck of guessing would look like generalising."""
    chance, n = 1 / 113, 6200
    level = chance + 5 * np.sqrt(chance * (1 - chance) / n)
    just = np.where(STEPS >= 500, level + 1e-4, level - 1e-4)
    ds = planted(STEPS, accuracy={"test_twin_free": just, "test": np.full(10, 0.6)})
    event = transitions(ds)["off_chance"]
    assert interval(event) == (400, 500, False)
    assert event.rows == "test_twin_free"
    assert f"{level:.4g}" in event.definition
    assert "n = 6200" in event.definition


def test_without_twin_free_rows_no_other_rows_are_taken(planted):
    """Wrong, test accuracy with twins would silently stand for generalising."""
    ds = planted(STEPS, accuracy={"test": np.ones(10)}, n_test_twin_free=None)
    event = transitions(ds)["off_chance"]
    assert interval(event) == (None, None, True)
    assert "twin-free" in event.note


def test_on_a_handful_of_rows_luck_is_not_off_chance(planted):
    """Wrong, one or two lucky rows of twenty would be an event: the normal formula allows it."""
    three_of_twenty = np.full(10, 3 / 20)
    ds = planted(STEPS, accuracy={"test_twin_free": three_of_twenty}, n_test_twin_free=20)
    assert transitions(ds)["off_chance"].censored
    ds = planted(STEPS, accuracy={"test_twin_free": 3 * three_of_twenty}, n_test_twin_free=20)
    assert not transitions(ds)["off_chance"].censored


def test_guessing_between_two_classes_is_no_grokking(planted):
    """Wrong, every parity run would be half grokked at step 0."""
    ds = planted(STEPS, accuracy={"test": np.full(10, 0.5)}, n_classes=2, n_test=500)
    event = transitions(ds)["grokked_50"]
    assert event.censored
    assert "luck" in event.note


def test_grokked_levels_have_their_own_intervals(planted):
    """Wrong, the slow end of grokking would be lost."""
    test = np.array([0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1, 1, 1, 1])
    events = transitions(planted(STEPS, accuracy={"test": test}))
    for name, high in (("50", 200), ("90", 300), ("95", 400), ("99", 500)):
        assert interval(events[f"grokked_{name}"]) == (high - 100, high, False)


def test_twin_free_accuracy_stands_beside_the_usual_one(planted):
    """Wrong, a run that knows only its twins would pass for half grokked without a word."""
    accuracy = {"test": np.full(10, 0.6), "test_twin_free": np.full(10, 0.015)}
    event = transitions(planted(STEPS, accuracy=accuracy))["grokked_50"]
    assert "0.015" in event.note


def test_knowing_twins_only_is_no_grokking(planted):
    """Wrong, a run without weight decay on 60 % of the pairs would be half grokked when it had memorised."""
    accuracy = {"test": np.full(10, 0.6), "test_twin_free": np.full(10, 0.005)}
    event = transitions(planted(STEPS, accuracy=accuracy))["grokked_50"]
    assert interval(event) == (900, None, True)
    assert "twin" in event.note
    accuracy["test_twin_free"] = np.array([0.005] * 4 + [0.1] * 6)
    event = transitions(planted(STEPS, accuracy=accuracy))["grokked_50"]
    assert interval(event) == (300, 400, False)


def test_without_twin_free_rows_test_accuracy_decides(planted):
    """Wrong, a run without twin-free rows, or with one alone, could never grok."""
    right = np.full(10, 1.0)
    for rows, known in ((0, {}), (1, {"test_twin_free": right})):
        ds = planted(STEPS, accuracy={"test": right} | known, n_test_twin_free=rows)
        assert not transitions(ds)["grokked_99"].censored


def test_shuffled_labels_stay_at_chance(planted):
    """Wrong, the control that cannot generalise would have events."""
    noise = 1 / 113 + 0.002 * np.sin(np.arange(10))
    accuracy = {"train": np.ones(10), "test": noise, "test_twin_free": noise}
    events = transitions(planted(STEPS, accuracy=accuracy))
    for name in ("off_chance", "grokked_50", "grokked_90", "grokked_95", "grokked_99", "collapsed"):
        assert interval(events[name]) == (900, None, True)


def test_a_later_fall_is_a_collapse_and_one_evaluation_suffices(planted):
    """Wrong, a slingshot after grokking would go unseen, or one before it be called collapse."""
    test = np.array([0.96, 0.5, 0.99, 1, 1, 1, 0.94, 1, 1, 1])
    event = transitions(planted(STEPS, accuracy={"test": test}))["collapsed"]
    assert interval(event) == (500, 600, False)
    steady = transitions(planted(STEPS, accuracy={"test": np.maximum(test, 0.96)}))["collapsed"]
    assert interval(steady) == (900, None, True)


def test_a_run_that_never_grokked_cannot_collapse(planted):
    """Wrong, low accuracy at the start would be a collapse."""
    event = transitions(planted(STEPS, accuracy={"test": np.full(10, 0.5)}))["collapsed"]
    assert interval(event) == (900, None, True)
    assert "not grokked" in event.note


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_divergence(planted, bad):
    """Wrong, a broken run would be analysed as if it were whole."""
    loss = np.array([4.0, 3, 2, bad, bad, bad, bad, bad, bad, bad])
    ds = planted(STEPS, loss={"train": loss}, accuracy={"train": np.full(10, 0.1)})
    assert interval(transitions(ds)["diverged"]) == (200, 300, False)


def test_a_loss_that_was_not_recorded_is_no_divergence(planted):
    """Wrong, every run whose test rows are logged more often than its train rows would diverge."""
    loss = np.array([4.0, np.nan, 2, np.nan, 1.0])
    grid = np.arange(5)
    metrics = {"metric_loss": {"train": loss}, "metric_accuracy": {"train": loss / 10}}
    event = transitions(planted(STEPS, metric_steps=grid, **metrics))["diverged"]
    assert interval(event) == (4, None, True)


def test_an_empty_dataset_has_every_event_censored_with_a_reason(planted):
    """Wrong, a foreign run with few measures would raise instead of saying what is unknown."""
    events = transitions(planted(np.zeros(0, int), n_classes=None, n_test=None))
    assert len(events) == 21
    for event in events:
        assert interval(event) == (None, None, True)
        assert event.note
        assert event.definition.endswith(".")


def test_a_single_checkpoint_locates_nothing_sustained(planted):
    """Wrong, an imported final model would be dated by the step it was saved at."""
    full = {"train": [1.0], "test": [1.0], "test_twin_free": [1.0]}
    ds = planted(
        np.array([50_000]),
        accuracy=full,
        loss={"train": [1e-7], "test": [1e-6]},
        restricted=[1e-6],
        excluded=[5.0],
        norm=[800.0],
    )
    for event in transitions(ds):
        if event.name == "memorised_first":  # needs one evaluation only, and is open below
            assert interval(event) == (None, 50_000, False)
        else:
            assert event.censored
            unknown = event.name.endswith("_current") or event.name in NUMERICAL
            assert event.low == (None if unknown and event.low is None else 50_000)


def test_thresholds_are_named_options_and_stand_in_the_definition(planted):
    """Wrong, a reader could not tell which threshold gave an event."""
    train = np.linspace(0, 0.9, 10)
    event = transitions(
        planted(STEPS, accuracy={"train": train}), EventRules(memorised=0.5, consecutive=2)
    )["memorised"]
    assert interval(event) == (400, 500, False)
    assert "0.5" in event.definition
    assert "2 consecutive" in event.definition


@pytest.mark.parametrize(
    "wrong", [{"memorised": 1.2}, {"consecutive": 0}, {"online_ratio": 1.0}, {"luck": -1.0}]
)
def test_thresholds_without_meaning_are_refused(wrong):
    """Wrong, a threshold no run can meet, or every run meets, would pass unnoticed."""
    with pytest.raises(RequestError, match=next(iter(wrong))):
        EventRules(**wrong)
