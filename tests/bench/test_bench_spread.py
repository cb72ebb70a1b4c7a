"""Medians, quartiles, ratios and differences: the arithmetic between what is measured and what is printed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.bench.case import Contender, Measured, Started
from grokscope.bench.rounds import largest_difference
from grokscope.bench.spread import Spread, ratio, spread
from grokscope.bench.tables import compared

TIMES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30)


@given(TIMES)
def test_quartiles_are_those_of_numpy(values):
    """Else the spread that is printed is not that of the rounds."""
    found = spread(values)
    expected = np.percentile(values, [25, 50, 75])
    np.testing.assert_allclose([found.low, found.median, found.high], expected, rtol=1e-12)
    assert found.n == len(values)


def test_ratios_are_taken_round_by_round():
    """Else a machine that slows down in the middle changes the ratio: here both contenders do, eightfold."""
    ours, theirs = [1.0, 2.0, 8.0], [3.0, 6.0, 24.0]
    assert ratio(theirs, ours) == Spread(3.0, 3.0, 3.0, 3)
    assert ratio([4.0, 9.0], [2.0, 3.0]) == spread([2.0, 3.0])


def test_what_cannot_be_a_median_or_a_ratio():
    """Else a contender without rounds, or with another number of them, gets a number all the same."""
    with pytest.raises(ValueError, match="no values"):
        spread([])
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0], [1.0, 2.0])


def test_lines_compare_what_both_have():
    """Else a contender is compared with itself, or in a quantity that ours does not have, or is not named."""

    def start(settings):
        return Started(dict)

    contenders = [Contender("a", "ours", start), Contender("b", "theirs", start)]
    make = compared(contenders, {"seconds": ("", "s"), "more": (", more", "B")})
    samples = {"a": {"seconds": [1.0, 1.0]}, "b": {"seconds": [2.0, 4.0], "more": [5.0, 5.0]}}
    lines = make(Measured(samples, {}))
    assert [line.label for line in lines] == ["ours", "theirs", "theirs, more"]
    assert [line.unit for line in lines] == ["s", "s", "B"]
    assert lines[0].times_ours is None
    assert lines[1].times_ours == spread([2.0, 4.0])
    assert lines[2].times_ours is None
    only_theirs = make(Measured({"b": samples["b"]}, {}))
    assert [line.times_ours for line in only_theirs] == [None, None]


def test_difference_is_relative_to_the_largest_of_its_kind():
    """Else a tiny number among large ones, or a large one among tiny ones, decides."""
    first = {"loss": [10.0, 1e-9], "gini": [0.5]}
    assert largest_difference([first, {"loss": [10.0, 2e-9], "gini": [0.5]}]) == pytest.approx(
        1e-10
    )
    pair = [{}, {"only": [4.0]}, {"only": [5.0]}]
    assert largest_difference(pair) == pytest.approx(0.25), "any two are compared"
    assert largest_difference([first, {"gini": [0.6]}, {"loss": [10.0, 1e-9]}]) == pytest.approx(
        0.2
    )


def test_differences_that_are_none_or_without_end():
    """Else nothing compared counts as the same, or a loss that is not a number counts as equal to one that is."""
    assert largest_difference([]) is None
    assert largest_difference([{"loss": [1.0]}]) is None
    assert largest_difference([{"loss": [1.0]}, {"other": [1.0]}]) is None
    assert largest_difference([{"x": [math.nan, 1.0]}, {"x": [math.nan, 1.0]}]) == 0
    assert largest_difference([{"x": [0.0]}, {"x": [0.0]}]) == 0
    assert largest_difference([{"x": [0.0]}, {"x": [1e-12]}]) == math.inf
    for other in ([math.nan, 1.0], [1.0], [math.inf, 1.0], []):
        assert largest_difference([{"x": [1.0, 1.0]}, {"x": other}]) == math.inf
    assert largest_difference([{"x": []}, {"x": []}]) == math.inf, "nothing was compared"
