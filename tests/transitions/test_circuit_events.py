"""Circuit onset, formation and the online alarm, on planted losses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.transitions import EventRules, transitions

STEPS = np.arange(0, 2000, 100)
CHANCE = np.log(113)
CIRCUIT = ("circuit_onset", "circuit_10", "circuit_half", "circuit_formed")
MEMORISED = {"train": (STEPS >= 300).astype(float)}


def falling(start=5.2, end=1e-6, since=800):
    """Give a restricted loss that stays, then falls exponentially from `since` on."""
    return np.exp(np.interp(STEPS, [0, since, 1900], np.log([start, start, end])))


def test_onset_is_below_chance_by_five_errors_and_below_every_draw(planted):
    """Wrong, a circuit would be dated by a loss that chance or random frequencies also reach."""
    restricted = np.full(20, 5.0)
    restricted[5:] = CHANCE - 5 * 0.01 + 1e-3  # below chance, not by five errors
    restricted[9:] = CHANCE - 5 * 0.01 - 1e-3
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted)
    event = transitions(ds)["circuit_onset"]
    assert (event.low, event.high) == (800, 900)
    below_null_from_12 = np.where(np.arange(20) < 12, 1.0, 6.0)
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted, null=below_null_from_12)
    event = transitions(ds)["circuit_onset"]
    assert (event.low, event.high) == (1100, 1200)


def test_without_weight_decay_below_the_null_but_above_chance_is_no_circuit(planted):
    """Wrong, the control without weight decay would have a circuit: it lies below its null."""
    restricted = np.linspace(8.0, CHANCE + 0.05, 20)
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted, null=20.0)
    events = transitions(ds)
    for name in CIRCUIT:
        assert events[name].censored
        assert events[name].low == 1900


def test_a_falling_restricted_loss_alone_never_gives_formation(planted):
    """Wrong, shuffled labels would have a half-formed circuit, since R falls to its own end."""
    restricted = np.linspace(20.0, CHANCE, 20)
    events = transitions(planted(STEPS, accuracy=MEMORISED, restricted=restricted, null=3.0))
    assert all(events[name].censored for name in CIRCUIT)
    assert "no circuit onset" in events["circuit_half"].note


def test_a_circuit_has_to_be_there_at_the_end(planted):
    """Wrong, key frequencies read from an end without a circuit would date one in the middle."""
    restricted = falling()
    restricted[-1] = 5.0
    event = transitions(planted(STEPS, accuracy=MEMORISED, restricted=restricted))["circuit_onset"]
    assert event.censored
    assert event.low == 1900
    assert "not at the last" in event.note


def test_current_keys_do_not_ask_for_the_end(planted):
    """Wrong, the variant for runs still going would depend on how they end."""
    restricted = falling()
    restricted[-1] = 5.0
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted, suffix="_current")
    event = transitions(ds)["circuit_onset_current"]
    assert (event.low, event.high) == (800, 900)
    assert "did not hold at 1 later" in event.note


def test_a_checkpoint_without_current_keys_is_one_without_a_circuit(planted):
    """Wrong, a circuit whose keys appear at step 900 would be open below, or reach back to 0."""
    restricted = falling()
    restricted[:9] = np.nan
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted, suffix="_current")
    event = transitions(ds)["circuit_onset_current"]
    assert (event.low, event.high) == (800, 900)
    has_keys = (np.arange(20)[None] >= 9).astype(float)
    ds["key_frequency_current"] = (("freq", "step"), has_keys)
    event = transitions(ds)["circuit_onset_current"]
    assert (event.low, event.high) == (800, 900)


def test_no_key_frequencies_is_no_onset_and_says_so(planted):
    """Wrong, a run without a circuit would raise, or count as not looked at."""
    ds = planted(STEPS, accuracy=MEMORISED, restricted=np.full(20, np.nan), keys=())
    event = transitions(ds)["circuit_onset"]
    assert (event.low, event.high) == (1900, None)
    assert "no key frequencies" in event.note


def test_every_event_of_a_run_without_key_frequencies_was_looked_for(planted):
    """Wrong, a program would take a control without any key frequency for one that was not analysed."""
    ds = planted(STEPS, accuracy=MEMORISED, excluded=np.full(20, np.nan), keys=())
    ds["restricted_loss_held_out_current"] = ("step", np.full(20, np.nan))
    ds["key_frequency_current"] = (("freq", "step"), np.zeros((1, 20)))
    events = transitions(ds)
    for name in ("online_onset", "cleanup", "circuit_onset_current", "circuit_formed_current"):
        assert (events[name].low, events[name].high) == (1900, None), name


def test_a_null_of_key_frequencies_is_named(planted):
    """Wrong, a circuit that uses most frequencies of a small group would be denied without a reason."""
    ds = planted(STEPS, accuracy=MEMORISED, restricted=falling(), null=0.0, keys=(1, 2), n_freq=3)
    event = transitions(ds)["circuit_onset"]
    assert event.censored
    assert "no null" in event.note


@pytest.mark.parametrize(
    "gone", ["restricted_loss_held_out", "restricted_loss_held_out_se", "restricted_loss_null"]
)
def test_an_onset_is_not_judged_on_part_of_its_definition(planted, gone):
    """Wrong, a Dataset without the null would give an onset without a null."""
    ds = planted(STEPS, accuracy=MEMORISED, restricted=falling()).drop_vars(gone)
    event = transitions(ds)["circuit_onset"]
    assert (event.low, event.high) == (None, None)
    assert gone in event.note


def test_formation_follows_the_logarithm_from_memorisation_to_the_end(planted):
    """Wrong, the shares would be of the loss itself, or counted from step 0."""
    restricted = falling(start=4.9, end=4.9e-6)
    restricted[:3] = 1e-9  # before memorisation: of no account
    restricted[3] = 4.9
    ds = planted(STEPS, accuracy=MEMORISED, restricted=restricted)
    events = transitions(ds)
    progress = np.interp(STEPS, [800, 1900], [0, 1])
    for name, share in (("circuit_10", 0.1), ("circuit_half", 0.5)):
        high = STEPS[np.argmax(progress >= share)]
        assert (events[name].low, events[name].high) == (high - 100, high)
    assert events["circuit_formed"].censored  # .9 is reached at 1800 of 1900
    assert "too late" in events["circuit_formed"].note


def test_formation_needs_memorisation(planted):
    """Wrong, progress would be counted from a step that does not exist."""
    events = transitions(planted(STEPS, accuracy={"train": np.zeros(20)}, restricted=falling()))
    assert not events["circuit_onset"].censored
    for name in CIRCUIT[1:]:
        assert events[name].censored
        assert "not memorised" in events[name].note


@given(since=st.integers(300, 1500), factor=st.integers(2, 5))
@settings(max_examples=15, deadline=None)
def test_events_of_a_lasting_circuit_are_ordered_and_narrow_with_the_grid(planted, since, factor):
    """Wrong, a denser grid would move an event out of the interval a sparser one gave."""
    fine = np.arange(0, 4001, 20)
    found = []
    for steps in (fine[::factor], fine):
        values = np.exp(np.interp(steps, [0, since, 4000], np.log([5.0, 5.0, 1e-6])))
        train = {"train": (steps >= 200).astype(float)}
        found.append(transitions(planted(steps, accuracy=train, restricted=values)))
    coarse, dense = found
    assert coarse["circuit_onset"].low <= dense["circuit_onset"].low
    assert dense["circuit_onset"].high <= coarse["circuit_onset"].high
    highs = [dense[name].high for name in ("circuit_10", "circuit_half", "circuit_formed")]
    assert highs == sorted(highs)


def test_the_alarm_compares_with_the_minimum_since_memorisation(planted):
    """Wrong, the fall with the training loss before memorisation would hide or raise the alarm."""
    excluded = np.array([1e-3, 4.0, 2.0, 0.5, 0.4, 0.4, 0.5, 0.59, 0.61, 0.7, *[1.0] * 10])
    event = transitions(planted(STEPS, accuracy=MEMORISED, excluded=excluded))["online_onset"]
    assert (event.low, event.high) == (700, 800)
    assert event.rows == "train"


def test_noise_of_a_vanishing_loss_is_no_alarm(planted):
    """Wrong, rounding noise at 1e-12 would raise the alarm in a run without any circuit."""
    excluded = 10.0 ** -np.linspace(0, 12, 20)
    excluded[-5:] = [1e-12, 8e-12, 9e-12, 7e-12, 9e-12]
    ds = planted(STEPS, accuracy=MEMORISED, excluded=excluded)
    assert transitions(ds)["online_onset"].censored
    assert not transitions(ds, EventRules(online_floor=0.0))["online_onset"].censored


def test_a_single_spike_is_no_alarm(planted):
    """Wrong, one slingshot would raise the alarm."""
    excluded = np.full(20, 0.4)
    excluded[10] = 4.0
    ds = planted(STEPS, accuracy=MEMORISED, excluded=excluded)
    assert transitions(ds)["online_onset"].censored


def test_no_alarm_before_memorisation_or_without_excluded_loss(planted):
    """Wrong, the alarm would speak of a run that has nothing memorised to clean up."""
    rising = np.linspace(0.1, 9, 20)
    ds = planted(STEPS, accuracy={"train": np.zeros(20)}, excluded=rising)
    event = transitions(ds)["online_onset"]
    assert (event.low, event.high) == (1900, None)
    assert transitions(planted(STEPS, accuracy=MEMORISED))["online_onset"].low is None
