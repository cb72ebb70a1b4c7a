"""The table of a sweep: medians with censored runs, against brute force over what they may have done."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from grokscope.sweeps import open_sweep
from grokscope.sweeps.summary import COLUMNS, SeedMedian, seed_median, summary_rows

NAN = float("nan")


def median(intervals):
    low, high = (np.array(ends, float) for ends in zip(*intervals, strict=True))
    return seed_median(low, high)


@pytest.mark.parametrize(
    ("intervals", "words"),
    [
        ([(100, 110), (300, 310), (200, 210)], "(200, 210]"),
        ([(1000, 1010), (3000, 3010)], "(2,000, 2,010]"),
        ([(100, 110), (300, 310), (10_000, NAN)], "(300, 310]; 1 of 3 not by 10,000"),
        ([(100, 110), (10_000, NAN), (10_000, NAN)], "2 of 3 not by 10,000"),
        ([(100, 110), (10_000, NAN)], "1 of 2 not by 10,000"),
        ([(500, NAN), (10_000, NAN)], "2 of 2 not by 500 to 10,000"),
        ([(NAN, 0), (NAN, 0), (10, 20)], "by 0"),
        ([(NAN, 0), (900, NAN)], "1 of 2 not by 900"),
        ([(NAN, NAN), (NAN, NAN)], "-"),
        ([(NAN, NAN), (5, 6)], "(5, 6]"),
        ([(5, 6), (6, 7)], "(5.5, 6.5]"),
    ],
)
def test_medians_in_words(intervals, words):
    """Else a table says that half of the runs grokked earlier than they did, or drops those that did not."""
    assert median(intervals).words == words


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 50), st.integers(1, 9)),
            st.just((60, None)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_median_lies_in_its_interval_whatever_the_runs_did(drawn):
    """Else the median of steps within their intervals falls outside of what the table says."""
    intervals = [(low, NAN if width is None else low + width) for low, width in drawn]
    found = median(intervals)
    ends = [
        (low + 1, low + width) if width is not None else (61, 10**6, np.inf) for low, width in drawn
    ]
    medians = {float(np.median(steps)) for steps in itertools.product(*ends)}
    if found.high is None:
        assert max(medians) > 60
    else:
        assert all(found.low < m <= found.high for m in medians)
        assert found.high in medians
    assert found.n == len(drawn)
    assert found.n_censored == sum(width is None for _, width in drawn)


def test_nothing_was_looked_at():
    """Else a setting of which no run is finished ends the table in a traceback."""
    assert seed_median(np.zeros(0), np.zeros(0)) == SeedMedian(None, None, 0, 0, None)


def test_rows_of_a_made_up_sweep():
    """Else unfinished runs count as runs that did not grok, or the best accuracy is of other rows."""
    events = ["memorised", "grokked_99"]
    status = np.array([["done", "stopped early", "interrupted"], ["not started", "failed", "diverged"]])  # fmt: skip
    low = np.array([[[10, 20, 30], [NAN, NAN, 5]], [[100, 300, 40], [NAN, NAN, 5]]])
    high = np.array([[[20, 30, NAN], [NAN, NAN, NAN]], [[110, 310, NAN], [NAN, NAN, NAN]]])
    best = np.array([[[1.0, 1.0, 0.5], [NAN, NAN, 0.25]], [[0.75, 1.0, 0.5], [NAN, NAN, 0.125]]])
    dims = ("event", "run", "seed")
    ds = xr.Dataset(
        {
            "status": (("run", "seed"), status),
            "event_low": (dims, low),
            "event_high": (dims, high),
            "best_accuracy": (("rows", "run", "seed"), best),
        },
        coords={"run": ["a", "b"], "seed": [0, 1, 2], "event": events, "rows": ["train", "test"]},
    )
    assert summary_rows(ds) == [
        ("a", "1 done, 1 stopped early, 1 interrupted", "(15, 25]", "(200, 210]", "0.750 (0.500 to 1.000)"),
        ("b", "1 not started, 1 failed, 1 diverged", "1 of 1 not by 5", "1 of 1 not by 5", "0.125"),
    ]  # fmt: skip


def test_rows_of_a_trained_sweep(trained_sweep):
    """Else the table cannot be made of what sweeps write."""
    found = open_sweep(trained_sweep)
    rows = summary_rows(found.dataset())
    assert [row[0] for row in rows] == [setting.label for setting in found.settings]
    assert [row[1] for row in rows] == ["2 done"] * 2 + ["2 diverged"] * 2
    assert all(len(row) == len(COLUMNS) for row in rows)
