"""The numbers over seeds: medians with censored seeds, growth per point of data, data needed, rank correlation."""

import itertools
import math
import statistics

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import RequestError
from grokscope.figures.sweep_numbers.censored import event_bounds, median_steps, medians
from grokscope.figures.sweep_numbers.data_needed import data_needed, over_seeds
from grokscope.figures.sweep_numbers.growth import growth_per_point
from grokscope.figures.sweep_numbers.rank_correlation import spearman

FRACTIONS = (0.2, 0.25, 0.3, 0.4, 0.5)
VALUE = st.one_of(st.floats(0, 1e6), st.just(math.inf), st.just(math.nan))


def by_fraction(sweeps, grok, seeds=(0, 1, 2), fractions=FRACTIONS, **options):
    return sweeps.sweep([{"frac_train": f} for f in fractions], seeds, grok=grok, **options)


def set_events(ds, event, high, low=None):
    """Write the bounds of an event: infinity is "not seen", with the last step looked at 1,000."""
    high = np.asarray(high, dtype=float)
    low = np.where(np.isinf(high), 1000, high - 10) if low is None else np.asarray(low, float)
    ds = ds.copy(deep=True)
    ds["event_high"].loc[{"event": event}] = np.where(np.isinf(high), np.nan, high)
    ds["event_low"].loc[{"event": event}] = low
    return ds


@given(st.lists(VALUE, min_size=1, max_size=9))
def test_the_median_is_that_of_the_library(values):
    """Else infinite values are dropped, or not-a-number counts."""
    kept = [v for v in values if not math.isnan(v)]
    found = medians(np.array([values]))[0]
    if not kept:
        assert math.isnan(found)
    else:
        assert found == statistics.median(kept)


@pytest.mark.parametrize(
    ("high", "median"),
    [
        ([100, 200, 300], (190, 200)),
        ([100, 300, math.inf], (290, 300)),
        ([100, math.inf, math.inf], (1000, math.inf)),
        ([math.inf] * 3, (1000, math.inf)),
        ([100, 200, 300, 500], (240, 250)),
        ([100, 200, 300, math.inf], (240, 250)),
        ([100, 200, math.inf, math.inf], (595, math.inf)),
    ],
)
def test_a_censored_seed_is_later_than_any_seen(sweeps, high, median):
    """Else a seed that never got there is dropped, or given the last step: the median comes too early."""
    ds = by_fraction(sweeps, lambda s, k: 500, range(len(high)), fractions=(0.3, 0.4))
    found = median_steps(set_events(ds, "grokked_99", [high, high]), "grokked_99")
    assert (found.low[0], found.high[0]) == median
    assert (found.n[1], found.censored[1]) == (len(high), sum(map(math.isinf, high)))


def test_the_interval_holds_every_median_that_the_bounds_allow(sweeps):
    """Else the interval is too narrow: any seed may lie anywhere between its bounds, a censored one anywhere later."""
    low, high = [90, 180, 50, 700], [100, 240, math.inf, math.inf]
    ds = by_fraction(sweeps, lambda s, k: 500, range(4), fractions=(0.3, 0.4))
    found = median_steps(set_events(ds, "memorised", [high, high], [low, low]), "memorised")
    ends = [(lo + 1e-9, hi if math.isfinite(hi) else 1e9) for lo, hi in zip(low, high, strict=True)]
    reached = [statistics.median(chosen) for chosen in itertools.product(*ends)]
    assert min(reached) == pytest.approx(found.low[0])
    assert max(reached) > 1e8
    assert math.isinf(found.high[0])


def test_what_was_not_looked_at_and_what_was_there_at_first(sweeps):
    """Else a run that has not started counts as censored, or an event at the first evaluation as not looked at."""
    ds = by_fraction(sweeps, lambda s, k: 500, fractions=(0.3, 0.4))
    ds = set_events(ds, "memorised", [[10, 300, math.inf]] * 2, [[np.nan, 290, np.nan]] * 2)
    low, high = event_bounds(ds, "memorised")
    assert low[0, :2].tolist() == [-1, 290]
    assert np.isnan(low[0, 2])
    assert np.isnan(high[0, 2])
    found = median_steps(ds, "memorised")
    assert (found.low[0], found.high[0], found.n[0]) == (144.5, 155, 2)
    with pytest.raises(RequestError, match=r"event 'grokked_98'.*did you mean 'grokked_9\d'"):
        median_steps(ds, "grokked_98")


def planted(sweeps, growth=0.4, seeds=5, spread=0.5, fractions=FRACTIONS):
    """Steps that grow by `growth` for each point less data, times a factor of each seed, written as exact events."""
    factor = np.exp(spread * np.random.default_rng(3).standard_normal(seeds))
    ds = by_fraction(sweeps, lambda s, k: 500, range(seeds), fractions)
    high = 300 * (1 + growth) ** (50 - 100 * np.array(fractions))[:, None] * factor
    return set_events(ds, "grokked_99", high), factor


def test_a_planted_growth_is_found(sweeps):
    """Else the fit is not exponential in percentage points, or its sign is wrong."""
    ds, factor = planted(sweeps)
    (found,) = growth_per_point(ds)
    assert found.percent == pytest.approx(40, rel=1e-9)
    assert found.setting == ""
    assert found.fractions.tolist() == list(FRACTIONS)
    assert found.steps(np.array([0.5]))[0] == pytest.approx(300 * np.median(factor), rel=1e-9)


def test_seeds_are_drawn_together_for_all_settings(sweeps):
    """Else what seeds share between settings widens the interval: here a seed's factor is the same everywhere."""
    ds, _ = planted(sweeps)
    (found,) = growth_per_point(ds)
    assert (found.low, found.high) == pytest.approx((40, 40), rel=1e-9)
    (alone,) = growth_per_point(ds.isel(seed=[0]))
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)


def test_the_interval_is_the_bootstrap_written_out(sweeps):
    """Else the vectorised bootstrap draws something else than seeds."""
    rng = np.random.default_rng(8)
    high = np.exp(9 - 12 * np.array(FRACTIONS))[:, None] * np.exp(0.4 * rng.standard_normal((5, 4)))
    ds = by_fraction(sweeps, lambda s, k: 500, range(4))
    (found,) = growth_per_point(
        set_events(ds, "grokked_99", high), draws=400, seed=2, confidence=0.8
    )
    generator = np.random.default_rng(2)
    slopes = []
    for chosen in generator.integers(4, size=(400, 4)):
        steps = [statistics.median(row[chosen].tolist()) for row in high]
        slopes.append(np.polyfit(100 * np.array(FRACTIONS), np.log(steps), 1)[0])
    expected = np.quantile(100 * (np.exp(-np.array(slopes)) - 1), [0.1, 0.9])
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)
    slope, intercept = np.polyfit(100 * np.array(FRACTIONS), np.log(np.median(high, 1)), 1)
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), rel=1e-9)


def test_settings_with_a_censored_median_are_not_fitted(sweeps):
    """Else the last step looked at passes for a step of grokking, and growth is understated."""
    ds, _ = planted(sweeps, seeds=3)
    high = ds["event_high"].sel(event="grokked_99").values.copy()
    high[0, :2] = np.inf  # two of three seeds at the smallest share of data
    high[1, 0] = np.inf  # one of three at the next
    (found,) = growth_per_point(set_events(ds, "grokked_99", high), draws=500)
    assert found.fractions.tolist() == list(FRACTIONS[1:])
    assert found.share_censored == pytest.approx(
        7 / 27, abs=0.07
    )  # two or three draws of that seed
    (inside,) = growth_per_point(ds, fit=(0.25, 0.3))
    assert inside.fractions.tolist() == [0.25, 0.3]
    assert inside.percent == pytest.approx(40, rel=1e-9)


def test_growth_without_two_medians_is_refused(sweeps):
    """Else a line is put through one point, or through steps that nobody saw."""
    never = by_fraction(sweeps, lambda s, k: math.inf)
    with pytest.raises(RequestError, match="fewer than two shares of data.*grokked_99"):
        growth_per_point(never)
    ds, _ = planted(sweeps)
    with pytest.raises(RequestError, match="fewer than two"):
        growth_per_point(ds, fit=(0.22, 0.27))
    with pytest.raises(RequestError, match="fit = "):
        growth_per_point(ds, fit=(0.5, 0.2))
    other = sweeps.sweep([{"weight_decay": w} for w in (0.1, 1.0)], grok=lambda s, k: 500)
    with pytest.raises(RequestError, match="'frac_train' does not vary.*weight_decay"):
        growth_per_point(other)


def best(sweeps, rows):
    """A sweep whose best validation accuracies are `rows` [setting, seed]."""
    ds = by_fraction(sweeps, lambda s, k: 500, range(len(rows[0])), fractions=(0.2, 0.3, 0.4, 0.5))
    ds = ds.copy(deep=True)
    ds["best_accuracy"].loc[{"rows": "test"}] = rows
    return ds


@pytest.mark.parametrize(
    ("mean", "low", "high", "later"),
    [
        ([0.1, 0.5, 0.99, 1.0], 0.3, 0.4, ()),
        ([0.99, 1.0, 1.0, 1.0], None, 0.2, ()),
        ([0.1, 0.5, 0.9, 0.98], 0.5, None, ()),
        ([0.1, 0.995, 0.9, 1.0], 0.2, 0.3, (0.4,)),
    ],
)
def test_data_needed_is_the_first_that_suffices(sweeps, mean, low, high, later):
    """Else the interval is not (value before, first that suffices], or a sweep that never did gets its last value."""
    (found,) = data_needed(best(sweeps, [[m, m] for m in mean]))
    assert (found.low, found.high, found.short_of_it_later) == (low, high, later)
    assert found.censored == (high is None)


def test_data_needed_by_mean_and_by_median(sweeps):
    """Else the two are confused: one bad seed of three moves the mean only."""
    ds = best(sweeps, [[0, 0, 0], [0.2, 1, 1], [1, 1, 1], [1, 1, 1]])
    assert data_needed(ds, 0.9)[0].high == 0.4
    assert data_needed(ds, 0.9, "median")[0].high == 0.3
    with pytest.raises(RequestError, match="statistic 'means'.*did you mean 'mean'"):
        over_seeds(ds, "best_accuracy", "test", "means")
    with pytest.raises(RequestError, match=r"level = 1\.5"):
        data_needed(ds, 1.5)


def test_unfinished_runs_do_not_enter_the_mean(sweeps):
    """Else a run that was interrupted at step 100 says that its setting cannot generalise."""
    ds = best(sweeps, [[0.5, 0.7], [0.2, 1], [1, 1], [1, 1]])
    ds["status"][{"run": 1, "seed": 0}] = "interrupted"
    ds["status"][{"run": 0}] = "failed"
    found = over_seeds(ds, "best_accuracy", "test")
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1, 1, 1]
    assert data_needed(ds)[0].low is None
    assert data_needed(ds)[0].high == 0.3


def test_each_case_has_its_own_need(sweeps):
    """Else cases are pooled; the optimiser follows from the case and sets nothing apart."""
    settings = [
        {"case": case, "optimiser": case[:4], "frac_train": f}
        for case in ("Adam", "AdamW, to zero") for f in (0.2, 0.3, 0.4)
    ]  # fmt: skip
    ds = sweeps.sweep(
        settings, grok=lambda s, k: 500,
        top=lambda s, k: 1.0 if s["frac_train"] >= (0.25 if "to zero" in s["case"] else 0.35) else 0.4,
    )  # fmt: skip
    found = {item.setting: (item.low, item.high) for item in data_needed(ds)}
    assert found == {"Adam": (0.3, 0.4), "AdamW, to zero": (0.2, 0.3)}


def scattered(sweeps, x, y):
    ds = by_fraction(
        sweeps, lambda s, k: 500, range(np.shape(x)[1]), fractions=(0.2, 0.3, 0.4, 0.5)
    )
    ds = ds.copy(deep=True).assign(sharpness=(("run", "seed"), np.array(x, float)))
    ds["final_accuracy"].loc[{"rows": "test"}] = np.asarray(y, float)
    return ds


@pytest.mark.parametrize("ties", [False, True])
def test_rho_is_that_of_scipy(sweeps, ties):
    """Else ties are not given their mean rank, or the wrong rows are taken."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((4, 6))
    y = -0.6 * x + rng.standard_normal((4, 6))
    if ties:
        x, y = np.round(x), np.round(y)
    found = spearman(scattered(sweeps, x, y), draws=500)
    assert found.rho == pytest.approx(
        scipy.stats.spearmanr(x.ravel(), y.ravel()).statistic, rel=1e-12
    )
    assert found.n == 24
    assert found.low < found.rho < found.high


def test_the_interval_is_about_that_of_plain_percentiles(sweeps):
    """Else the bootstrap breaks the pairs: then its interval would lie about 0."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((4, 10))
    y = x + 0.7 * rng.standard_normal((4, 10))
    found = spearman(scattered(sweeps, x, y), draws=3000)
    a, b = x.ravel(), y.ravel()
    draws = [scipy.stats.spearmanr(a[i], b[i]).statistic for i in rng.integers(40, size=(1500, 40))]
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(draws, [0.025, 0.975])), abs=0.05
    )
    assert spearman(scattered(sweeps, x, y), draws=3000) == found


def test_a_perfect_order_needs_no_bootstrap(sweeps):
    """Else the interval of rho = -1 is not-a-number."""
    x = np.arange(8.0).reshape(4, 2)
    found = spearman(scattered(sweeps, x, np.exp(-x)))
    assert found[1:] == (found.rho, found.rho, 8)
    assert found.rho == pytest.approx(-1)


def test_what_has_no_correlation_is_refused_or_left_out(sweeps):
    """Else unfinished runs count, or a constant gives a number."""
    x = np.random.default_rng(0).standard_normal((4, 3))
    ds = scattered(sweeps, x, x**3)
    ds["status"][{"run": 2}] = "interrupted"
    ds["sharpness"][{"run": 0, "seed": 0}] = np.nan
    assert spearman(ds, draws=200).n == 8
    with pytest.raises(RequestError, match="'sharpness' is the same in all runs"):
        spearman(scattered(sweeps, 0 * x, x))
    with pytest.raises(RequestError, match="3 runs with a finite.*at least 4"):
        spearman(scattered(sweeps, x, x).isel(run=[0]))
    with pytest.raises(
        RequestError, match="no variable 'curvature'; accepted: best_acc.*add it: ds"
    ):
        spearman(ds, x="curvature")
