"""Sustained crossings on a grid of evaluations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.transitions.sustained import first_crossing, first_sustained

GRIDS = st.sets(st.integers(0, 10_000), min_size=3, max_size=40).map(lambda s: np.array(sorted(s)))


def flags(text: str) -> np.ndarray:
    """Read "..xx" as no, no, yes, yes."""
    return np.array([letter == "x" for letter in text])


@pytest.mark.parametrize(
    ("held", "low", "high"),
    [
        ("..xxx", 10, 20),
        ("x.xxx", 10, 20),
        ("xx.xxx.", 20, 30),
        ("xxx..", None, 0),
        ("..xxx..", 10, 20),
    ],
)
def test_the_interval_is_from_the_evaluation_before_to_the_first_of_three(held, low, high):
    """Wrong, an event would get a step that was not seen to be its own."""
    steps = 10 * np.arange(len(held))
    found = first_sustained(steps, flags(held), 3)
    assert (found.low, found.high, found.censored) == (low, high, False)


@pytest.mark.parametrize("held", [".....", "xx.xx", "x.x.x", "...xx"])
def test_what_is_not_sustained_is_censored_at_the_last_evaluation(held):
    """Wrong, a run would be given an event that did not happen, or be dropped."""
    found = first_sustained(10 * np.arange(5), flags(held), 3)
    assert found.censored
    assert (found.low, found.high) == (40, None)


def test_a_crossing_too_late_to_be_sustained_says_so():
    """Wrong, a run that ended just after grokking would look like one that never did."""
    found = first_sustained(10 * np.arange(5), flags("...xx"), 3)
    assert "last 2 of 3" in found.note
    assert "step 30" in found.note


def test_fewer_evaluations_than_have_to_agree_locate_nothing():
    """Wrong, a single checkpoint of a trained model would be an event in time."""
    found = first_sustained(np.array([14_000]), flags("x"), 3)
    assert (found.low, found.high) == (14_000, None)
    assert "only 1" in found.note


def test_no_evaluation_at_all():
    """Wrong, an absent curve would raise or count as looked at."""
    found = first_sustained(np.zeros(0, int), np.zeros(0, bool), 3)
    assert (found.low, found.high) == (None, None)


def test_a_single_evaluation_suffices_for_an_unsustained_crossing():
    """Wrong, a first crossing would wait to be sustained."""
    found = first_crossing(np.array([0, 10, 20]), flags(".x."))
    assert (found.low, found.high) == (0, 10)


@given(GRIDS, st.data())
def test_low_is_below_high_and_nothing_was_sustained_before(steps, data):
    """Wrong, an interval would be empty or an earlier event passed over."""
    n = len(steps)
    holds = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    found = first_sustained(steps, holds, 3)
    if found.high is None:
        assert found.low == steps[-1]
        return
    at = int(np.searchsorted(steps, found.high))
    assert holds[at : at + 3].all()
    assert found.low is None or (found.low < found.high and not holds[at - 1])
    assert all(not holds[i : i + 3].all() for i in range(at))


@given(GRIDS, GRIDS, st.integers(0, 12_000))
def test_more_evaluations_of_a_lasting_event_only_narrow_its_interval(steps, more, happened):
    """Wrong, a denser checkpoint schedule would contradict a sparser one."""
    both = np.union1d(steps, more)
    coarse = first_sustained(steps, steps >= happened, 3)
    fine = first_sustained(both, both >= happened, 3)
    if coarse.high is None:
        return
    assert fine.high is not None
    assert (coarse.low or -1) <= (fine.low or -1) < happened <= fine.high <= coarse.high or (
        fine.low is None
    )


@given(GRIDS, st.lists(st.floats(0, 1), min_size=40, max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_level_is_never_reached_earlier(steps, values, one, other):
    """Wrong, grokked_99 could come before grokked_90."""
    curve = np.array(values[: len(steps)])
    low = first_sustained(steps, curve >= min(one, other), 3)
    high = first_sustained(steps, curve >= max(one, other), 3)
    assert high.high is None or (low.high is not None and low.high <= high.high)
