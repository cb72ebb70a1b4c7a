"""The ordered change-point fit and the cleanup event, on planted piecewise-linear signals."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.transitions import transitions
from grokscope.transitions.change_point import OrderedKnots

SIGNS = ((0, 0, 0), (0, -1, -1), (0, 1, 0))


def signals(steps, knots, noise=0.0, seed=0):
    """Three signals that meet at common knots and turn as a cleanup does."""
    slopes = np.array([[-2.0, 1.0, 0.5], [3.0, -0.5, -0.3], [-0.5, -2.0, -6.0], [0.3, 2.3, 3.0]])
    x = steps / steps[-1]
    hinges = [x, *(np.maximum(x - knot / steps[-1], 0) for knot in knots)]
    clean = np.stack(hinges, axis=1) @ slopes
    rng = np.random.default_rng(seed)
    return clean + noise * rng.normal(size=clean.shape)


@given(st.integers(5, 25), st.integers(5, 25), st.integers(5, 25))
@settings(max_examples=25, deadline=None)
def test_knots_on_the_grid_are_found_exactly_without_noise(first, second, third):
    """Wrong, the search would miss the best knots of its own model."""
    steps = np.arange(0, 101) * 50
    at = (first, first + second, first + second + third)
    found = OrderedKnots(steps, signals(steps, steps[list(at)]), SIGNS).search()
    assert found is not None
    assert found.knots == at


@pytest.mark.parametrize("seed", range(12))
def test_a_knot_between_evaluations_lies_in_the_interval(seed):
    """Wrong, the interval of cleanup would claim more than the data say."""
    rng = np.random.default_rng(seed)
    steps = np.arange(0, 161) * 100
    knots = np.array([1400, 9400, 12500]) + rng.uniform(-300, 300, 3)
    search = OrderedKnots(steps, signals(steps, knots, noise=0.05, seed=seed), SIGNS)
    fit = search.search()
    assert fit is not None
    low, high = search.profile(fit, 1, 0.99)
    assert steps[low] < knots[1] <= steps[high]
    assert steps[high] - steps[low] < 2500


def test_more_noise_widens_the_interval():
    """Wrong, a noisy run would look as certain as a clean one."""
    steps = np.arange(0, 161) * 100
    widths = []
    for noise in (0.02, 0.3):
        search = OrderedKnots(steps, signals(steps, (1400, 9400, 12500), noise), SIGNS)
        low, high = search.profile(search.search(), 1, 0.99)
        widths.append(high - low)
    assert widths[0] < widths[1]


def test_a_thousand_checkpoints_take_less_than_a_few_seconds():
    """Wrong, `analyze` would wait for one event."""
    steps = np.arange(1000) * 20
    start = time.perf_counter()
    search = OrderedKnots(steps, signals(steps, (2000, 9400, 15000), 0.05), SIGNS)
    search.profile(search.search(), 1, 0.99)
    assert time.perf_counter() - start < 4


def test_a_denser_schedule_in_one_place_does_not_pull_the_knots():
    """Wrong, where a user chose to look would decide what happened when."""
    even = np.arange(0, 12001, 200)
    dense = np.union1d(even, np.arange(0, 2000, 10))
    knots = (2000, 7000, 10000)
    found = [OrderedKnots(steps, signals(steps, knots), SIGNS).search() for steps in (even, dense)]
    assert [even[k] for k in found[0].knots] == [dense[k] for k in found[1].knots] == list(knots)


def test_the_wrong_turn_is_not_a_knot():
    """Wrong, a norm that turns upwards would be a cleanup."""
    steps = np.arange(0, 101) * 50
    upwards = -signals(steps, (1000, 2500, 4000))
    found = OrderedKnots(steps, upwards, ((0, 0, 0), (0, -1, -1), (0, 1, 0))).search()
    assert found is None or found.residual > 1


@pytest.mark.parametrize("end", [8000, 9000, 12_000, 40_000])
@pytest.mark.parametrize("every", [100, 400])
def test_cleanup_starts_at_the_same_step_however_long_the_run_goes_on(grokking, end, every):
    """Wrong, training on after grokking would move the event that came before it."""
    event = transitions(grokking(np.arange(0, end + 1, every)))["cleanup"]
    assert not event.censored, event.note
    assert event.low < 6000 <= event.high
    assert event.high - event.low <= 12 * every


@pytest.mark.parametrize("seed", range(5))
def test_cleanup_of_a_noisy_run(grokking, seed):
    """Wrong, the jitter of real curves would move the event out of its interval."""
    steps = np.arange(0, 14_001, 100)
    rng = np.random.default_rng(seed)
    ds = grokking(steps)
    for name, size in (("excluded_loss", 0.1), ("weight_norm_squared", 0.01), ("loss", 0.3)):
        ds[name] = ds[name] * np.exp(size * rng.normal(size=ds[name].shape))
    event = transitions(ds)["cleanup"]
    assert event.low < 6000 <= event.high


def test_a_log_spaced_schedule(grokking):
    """Wrong, cleanup could only be located on evenly spaced checkpoints."""
    steps = np.unique(np.geomspace(1, 14_000, 150).astype(int))
    event = transitions(grokking(steps))["cleanup"]
    assert event.low < 6000 <= event.high


def test_no_cleanup_in_a_run_that_did_not_grok(grokking):
    """Wrong, the norm's decay alone would be a cleanup."""
    steps = np.arange(0, 14_001, 100)
    low = {"train": (steps >= 500) * 1.0, "test": 0.3 + 0 * steps, "test_twin_free": 0 * steps}
    event = transitions(grokking(steps, accuracy=low))["cleanup"]
    assert (event.low, event.high) == (14_000, None)
    assert "not grokked" in event.note


def test_no_cleanup_where_only_twins_are_known(grokking):
    """Wrong, a run that answers from its training rows' twins would have thrown them away."""
    steps = np.arange(0, 14_001, 100)
    train, test = (steps >= 500) * 1.0, (steps > 600) * 0.6
    accuracy = {"train": train, "test": test, "test_twin_free": 0 * steps}
    event = transitions(grokking(steps, accuracy=accuracy))["cleanup"]
    assert event.censored
    assert "not grokked" in event.note


def test_no_cleanup_without_a_fall_of_the_norm(grokking):
    """Wrong, grokking without weight decay would have a cleanup that did not happen."""
    steps = np.arange(0, 14_001, 100)
    event = transitions(grokking(steps, norm=1700 + steps / 10))["cleanup"]
    assert event.censored
    assert "norm" in event.note


def test_too_few_checkpoints_for_a_fit(grokking):
    """Wrong, knots would be fitted to as many points as there are unknowns."""
    event = transitions(grokking(np.arange(0, 14_001, 2000)))["cleanup"]
    assert event.censored
    assert "checkpoints" in event.note


def test_an_early_stage_of_the_norms_fall_is_not_cleanup(grokking):
    """Wrong, cleanup would be dated before the circuit formed: the norm often falls in stages."""
    steps = np.arange(0, 14_001, 100)
    stages = [0, 500, 1500, 3000, 6000, 9000, 12_000]
    norm = np.exp(np.interp(steps, stages, np.log([1700, 2500, 2400, 1500, 1300, 700, 690])))
    event = transitions(grokking(steps, norm=norm))["cleanup"]
    assert event.low < 6000 <= event.high
    assert event.low > 3000


def test_a_knot_stays_within_its_bounds():
    """Wrong, what is known of the order of phases would not bind the fit or its interval."""
    steps = np.arange(0, 101) * 50
    search = OrderedKnots(steps, signals(steps, (1000, 2500, 4000)), SIGNS, {1: (55, 70)})
    fit = search.search()
    assert fit is not None
    assert 55 <= fit.knots[1] <= 70
    low, high = search.profile(fit, 1, 0.99)
    assert low >= 54
    assert high <= 71
