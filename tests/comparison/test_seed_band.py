"""Median and range over runs of a curve: values that were measured, nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grokscope.comparison.seed_band import Band, envelope, over_runs, thinned


def curve(x, y):
    return np.asarray(x, dtype=float), np.asarray(y, dtype=float)


def test_median_and_range_by_hand():
    """Else a band over seeds shows other numbers than the seeds'."""
    band = over_runs([curve([0, 1, 2], y) for y in ([1, 5, 3], [2, 0, 9], [4, 1, 1])])
    assert band.x.tolist() == [0, 1, 2]
    assert band.median.tolist() == [2, 1, 3]
    assert band.low.tolist() == [1, 0, 1]
    assert band.high.tolist() == [4, 5, 9]
    assert band.n.tolist() == [3, 3, 3]


def test_other_places_have_the_last_value_before_and_none_is_interpolated():
    """Else aligned curves show values between two evaluations, which nobody measured."""
    band = over_runs([curve([0, 10, 20], [1, 2, 3]), curve([5, 15], [10, 20])])
    assert band.x.tolist() == [5, 10, 15]  # where both have a value: not before 5, not after 15
    assert band.low.tolist() == [1, 2, 2]
    assert band.high.tolist() == [10, 10, 20]
    assert band.median.tolist() == [5.5, 6, 11]


def test_at_least_says_how_many_runs_a_place_needs():
    """Else the option leaves the band as it is, or draws where no run is."""
    curves = [curve([0, 10, 20], [1, 2, 3]), curve([5, 15], [10, 20])]
    band = over_runs(curves, at_least=1)
    assert band.x.tolist() == [0, 5, 10, 15, 20]
    assert band.n.tolist() == [1, 2, 2, 2, 1]
    assert band.median.tolist() == [1, 5.5, 6, 11, 3]


def test_curves_that_never_meet_have_no_band():
    """Else runs without a common place raise, or are drawn as if they had one."""
    assert len(over_runs([curve([0, 1], [1, 1]), curve([5, 6], [2, 2])]).x) == 0


def test_quartiles_are_those_of_numpy():
    """Else the band of many seeds is called the middle half and is not."""
    values = np.random.default_rng(0).normal(size=(9, 5))
    band = over_runs([curve(range(5), v) for v in values], quartiles=True)
    assert np.allclose(band.low, np.quantile(values, 0.25, axis=0))
    assert np.allclose(band.high, np.quantile(values, 0.75, axis=0))


places = st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True).map(sorted)


@given(st.lists(places, min_size=1, max_size=4), st.integers(0, 2**31))
def test_a_band_is_what_a_slow_loop_finds(all_places, seed):
    """Else sorting and searching go wrong at an end, at equal places, or with one point."""
    rng = np.random.default_rng(seed)
    curves = [curve(x, rng.normal(size=len(x))) for x in all_places]
    band = over_runs(curves)
    expected = []
    for place in sorted({p for x, _ in curves for p in x}):
        values = []
        for x, y in curves:
            if x[0] <= place <= x[-1]:
                values.append([v for p, v in zip(x, y, strict=True) if p <= place][-1])
        if len(values) == len(curves):
            expected.append((place, np.median(values), min(values), max(values)))
    found = np.column_stack([band.x, band.median, band.low, band.high])
    assert np.allclose(found, np.array(expected).reshape(-1, 4))


def test_an_envelope_spans_the_bands_of_all_runs():
    """Else the grey area of random frequencies is that of one run."""
    one = curve([0, 1, 2], [1, 1, 1]), curve([0, 1, 2], [2, 2, 2])
    other = curve([1, 2, 3], [0, 0, 0]), curve([1, 2, 3], [1.5, 3, 3])
    x, low, high = envelope([one, other])
    assert x.tolist() == [0, 1, 2, 3]
    assert low.tolist() == [1, 0, 0, 0]
    assert high.tolist() == [2, 2, 3, 3]


@given(arrays(float, 4000, elements=st.floats(-1e3, 1e3)))
def test_thinning_keeps_ends_and_extremes(values):
    """Else a spike is lost from a long curve, or points appear that were not there."""
    x = np.arange(4000.0)
    band = Band(x, values, values - 1, values + 1, np.ones(4000, dtype=np.int64))
    found = thinned(band)
    assert len(found.x) <= 1520
    assert found.x[[0, -1]].tolist() == [0, 3999]
    assert found.high.max() == band.high.max()
    assert found.low.min() == band.low.min()
    at = found.x.astype(int)
    assert np.array_equal(found.median, values[at])
    assert thinned(found) is found


def test_thinning_leaves_a_short_curve():
    """Else what could be drawn whole loses points."""
    band = Band(*[np.arange(5.0)] * 4, np.ones(5, dtype=np.int64))
    assert thinned(band) is band
    assert pytest.approx(band.x) == np.arange(5)
