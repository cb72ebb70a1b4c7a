"""Events and delays over the runs of a group: an interval that the median surely lies in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from planted_runs import planted, seeds

import grokscope as gs
from grokscope.comparison.event_numbers import over_group


def test_median_and_range_by_hand():
    """Else the table over seeds says another step than the seeds' own."""
    found = over_group(np.array([[100.0, 200.0], [300.0, 400.0], [600.0, 700.0]]))
    assert (found.low, found.high, found.least, found.most) == (300, 400, 100, 700)
    assert (found.seen, found.of) == (3, 3)


def test_a_run_that_did_not_see_it_counts_as_late():
    """Else the median of the runs that did is given for all of them: too early."""
    found = over_group(np.array([[100.0, 200.0], [300.0, 400.0], [1000.0, np.inf]]))
    assert (found.low, found.high, found.most, found.seen) == (300, 400, 400, 2)


def test_the_median_is_not_given_where_half_did_not_see_it():
    """Else a median is invented that more runs could move anywhere."""
    found = over_group(np.array([[100.0, 200.0], [1000.0, np.inf]]))
    assert found.low == 550
    assert np.isinf(found.high)
    assert found.to_json()["median"] == [550, None]


def test_what_nothing_was_looked_at_for_does_not_count():
    """Else a run without the measure is counted as one in which the event did not happen."""
    found = over_group(np.array([[np.nan, np.nan], [1.0, 2.0]]))
    assert (found.low, found.high, found.of) == (1, 2, 1)
    nothing = over_group(np.full((2, 2), np.nan))
    assert nothing.of == 0
    assert nothing.to_json()["median"] == [None, None]


true_and_grid = st.tuples(st.integers(1, 900), st.integers(1, 90))


@given(st.lists(true_and_grid, min_size=1, max_size=9), st.integers(300, 1000))
def test_the_true_median_lies_in_the_interval(runs, last):
    """Else the interval is none: steps that nobody knows exactly have their median outside of it."""
    intervals = []
    for true, grid in runs:
        high = -(-true // grid) * grid
        end = last // grid * grid
        intervals.append((high - grid, high) if high <= end else (end, np.inf))
    found = over_group(np.array(intervals, dtype=float))
    assert found.low < np.median([true for true, _ in runs]) <= found.high
    assert found.seen == sum(np.isfinite(high) for _, high in intervals)


def test_events_and_delays_of_planted_runs():
    """Else events stand at the wrong run, or delays are not the differences of the intervals."""
    found = gs.compare(planted("a"), planted("b", grokked=None, weight_decay=0.0))
    events = found.events
    assert events["event_high"].sel(run="a", event="grokked_99") == 600
    assert events["event_low"].sel(run="a", event="grokked_99") == 500
    assert bool(events["censored"].sel(run="b", event="grokked_99"))
    assert events["event_low"].sel(run="b", event="grokked_99") == 1000
    assert np.isnan(events["event_high"].sel(run="b", event="grokked_99"))
    assert events["group"].values.tolist() == ["weight decay 1", "weight decay 0"]
    runs = found.to_json()["runs"]
    assert runs[0]["delays"]["delay"] == [500 - 200, 600 - 100]
    assert runs[1]["delays"]["delay"] == [1000 - 200, None]


def test_over_groups_of_planted_seeds():
    """Else the numbers of a group are not those of its runs."""
    found = gs.compare(seeds(400, 600, None))
    (group,) = found.to_json()["groups"]
    assert group["events"]["grokked_99"] == {
        "median": [500, 600], "range": [300, 600], "seen": 2, "of": 3,
    }  # fmt: skip
    assert group["delays"]["delay"]["median"] == [300, 500]
    rows = {row["event or delay"]: row for row in found.tables["groups"].records()}
    assert rows["grokked 99 %"]["3 runs (3 runs)"] == "(500, 600]; 300 to 600; 2 of 3"
    mostly = gs.compare(seeds(400, None, None)).tables["groups"].records()
    said = {row["event or delay"]: row["3 runs (3 runs)"] for row in mostly}
    assert said["grokked 99 %"] == "beyond 1,000; 1 of 3"
    assert said["memorised to grokked 99 %"] == "at least 800; 1 of 3"


def test_an_event_at_the_first_evaluation():
    """Else its open lower end is written as step -1, or it is taken for one that was not looked at."""
    found = gs.compare(planted("a", memorised=0), planted("b", memorised=0, seed=1))
    cells = {row["event"]: row["a"] for row in found.tables["events"].records()}
    assert cells["memorised"] == "by 0"
    group = {r["event or delay"]: r["2 runs (2 runs)"] for r in found.tables["groups"].records()}
    assert group["memorised"].startswith("by 0")
    assert "-1" not in group["memorised"]
    assert found.to_json()["groups"][0]["events"]["memorised"]["median"] == [None, 0]
    assert np.isnan(found.events["event_low"].sel(run="a", event="memorised"))


def test_medians_need_no_sorted_runs():
    """Else the order in which runs are named changes what is said of them."""
    one, other = gs.compare(seeds(400, 600, 800)), gs.compare(seeds(800, 400, 600))
    assert one.to_json()["groups"][0]["events"] == other.to_json()["groups"][0]["events"]
