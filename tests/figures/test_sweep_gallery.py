"""Each figure of a sweep shows the Dataset's own numbers, with every seed, under axes that say what they are."""

import math

import numpy as np
import pytest

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.sweep_numbers.censored import median_steps

FRACTIONS = (0.3, 0.4, 0.5)


def titles(axes):
    return [axis.title.text for axis in axes if axis.title.text]


def trace(fig, name, number=0):
    """The drawn trace of a name; entries that are in the legend only have no values."""
    return [t for t in fig.data if t.name == name and t.x[0] is not None][number]


def bands(fig):
    return [t for t in fig.data if t.fill == "toself"]


def legend(fig):
    return [t.name for t in fig.data if t.showlegend is not False and t.name]


def steps_of(setting, seed):
    """Seed 2 never groks at 40 %, seeds 1 and 2 never at 30 %."""
    never = {0.3: (1, 2), 0.4: (2,), 0.5: ()}[setting["frac_train"]]
    return (
        math.inf
        if seed in never
        else 20_000 * (1 + 0.2 * seed) * 0.9 ** (100 * setting["frac_train"] - 30)
    )


@pytest.fixture(scope="module")
def one(sweeps):
    return sweeps.sweep([{"frac_train": f} for f in FRACTIONS], grok=steps_of, last=50_000)


@pytest.fixture(scope="module")
def cases(sweeps):
    settings = [
        {"case": c, "optimiser": c.lower(), "frac_train": f}
        for c in ("Adam", "AdamW")
        for f in FRACTIONS
    ]
    return sweeps.sweep(
        settings, grok=steps_of, last=50_000,
        top=lambda s, k: 1.0 if s["case"] == "AdamW" else s["frac_train"] + 0.05 * k,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wrong_answers(sweeps):
    settings = [{"frac_train": f, "outliers": o} for f in (0.3, 0.5) for o in (0, 10, 1000)]
    ds = sweeps.sweep(settings, grok=lambda s, k: 5000, last=20_000,
                      top=lambda s, k: 1 - s["outliers"] / 2000 - 0.02 * k)  # fmt: skip
    rng = np.random.default_rng(0)
    values = 1 / ds["final_accuracy"].sel(rows="test").values + 0.1 * rng.random((6, 3))
    sharp = (("run", "seed"), values, {"long_name": "sharpness", "units": "%"})
    return ds.assign(sharpness=sharp)


@pytest.mark.parametrize("name", figures.SWEEP_NAMES)
def test_every_figure_is_drawn_and_says_what_it_is(wrong_answers, name):
    """Else a wrong name in the registry, an axis without a title, or a figure without a caption."""
    assert (
        figures.available(wrong_answers) == list(figures.SWEEP_NAMES) == list(figures.SWEEP_FIGURES)
    )
    fig = figures.SWEEP_FIGURES[name](wrong_answers)
    assert fig.layout.meta["name"] == name
    assert "Sweep: synthetic (a / b mod 97)" in fig.layout.meta["caption"]
    assert len(titles(fig.select_yaxes())) == len(list(fig.select_yaxes()))
    assert titles(fig.select_xaxes())
    assert "nan" not in fig.layout.meta["alternative"]
    for width in ("single", "double"):
        assert figures.resize(fig, width).to_json()


def test_a_figure_says_what_it_is_drawn_from(one, ds):
    """Else a run is given to a figure of a sweep, or a sweep without outliers to their figure, with a traceback."""
    with pytest.raises(
        RequestError, match="'best_accuracy' is drawn from a sweep, which this data"
    ):
        figures.best_accuracy(ds)
    with pytest.raises(RequestError, match="no finite value of 'outliers'"):
        figures.outliers(one)
    with pytest.raises(RequestError, match="no finite value of 'sharpness'"):
        figures.sharpness_accuracy(one)
    with pytest.raises(
        RequestError, match="figure 'best_accuracy' is drawn from a sweep; accepted"
    ):
        figures.FIGURES["best_accuracy"]
    with pytest.raises(RequestError, match="did you mean 'best_accuracy'"):
        figures.SWEEP_FIGURES["best_acuracy"]
    assert figures.available(one) == ["sweep_curves", "steps_to_accuracy", "best_accuracy"]
    nothing = one.where(one["step"] < 0)
    assert figures.available(nothing) == []


def test_one_setting_has_median_range_and_events(one):
    """Else the line is not the median over seeds, the band not the range, or an event stands elsewhere."""
    label = str(one["run"].values[2])
    fig = figures.sweep_curves(one, run=label)
    values = one["accuracy"].sel(run=label, rows="test").values
    assert np.array_equal(trace(fig, "validation").y, np.median(values, axis=0))
    assert np.array_equal(trace(fig, "training").x, one["step"])
    band = np.asarray(bands(fig)[1].y, dtype=float)
    n = one.sizes["step"]
    assert np.array_equal(band[:n], values.max(0))
    assert np.array_equal(band[n:][::-1], values.min(0))
    loss = np.median(one["loss"].sel(run=label, rows="train").values, axis=0)
    assert np.array_equal(trace(fig, "training", 1).y, loss)
    median = median_steps(one, "grokked_99")
    assert trace(fig, "grokked_99").x == (median.high[2],)
    drawn = [s.x0 for s in fig.layout.shapes]
    assert drawn.count(median.high[2]) == 2
    assert titles(fig.select_yaxes()) == ["accuracy (share)", "loss (nats)"]
    assert titles(fig.select_xaxes()) == ["training step (log scale)"]
    assert fig.layout.xaxis.type == fig.layout.yaxis2.type == "log"
    assert fig.layout.xaxis.range == pytest.approx((1, np.log10(50_000)))
    assert "3 of 3 seeds saw it" in fig.layout.meta["caption"]


def test_a_censored_median_has_no_triangle(one):
    """Else the last step looked at passes for the median of runs of which most did not grok."""
    fig = figures.sweep_curves(one)
    median = median_steps(one, "grokked_99")
    assert np.isinf(median.high[0])
    assert trace(fig, "grokked_99").x == tuple(median.high[1:])
    assert len(trace(fig, "memorised").x) == 3
    label = one["run"].values[0]
    assert f"{label}: beyond 50,000 (1 of 3 seeds saw it)" in fig.layout.meta["caption"]
    assert legend(fig) == [*one["run"].values, "training", "validation", "memorised, median",
                           "99 % validation accuracy, median"]  # fmt: skip


def test_curves_of_many_settings_are_refused(sweeps, cases):
    """Else a hundred lines in one figure."""
    assert len(figures.sweep_curves(cases, quantity="loss").data)
    many = sweeps.sweep([{"p": p} for p in range(3, 10)], (0,), grok=lambda s, k: 500, last=100)
    with pytest.raises(
        RequestError, match=r"7 settings in one figure; accepted: 1 to 6; choose with"
    ):
        figures.sweep_curves(many)
    with pytest.raises(RequestError, match="did you mean 'accuracy'"):
        figures.sweep_curves(cases, quantity="acuracy")
    with pytest.raises(RequestError, match="rows 'tests'.*did you mean 'test'"):
        figures.sweep_curves(cases, rows=["tests"])
    with pytest.raises(RequestError, match="no evaluation of the chosen runs"):
        figures.sweep_curves(many.where(many["p"] > 5), run=str(many["run"].values[0]))


def test_curves_stand_one_seed_and_a_loss_that_is_no_number(sweeps):
    """Else a diverged run, or a sweep of one seed, breaks the figure."""
    ds = sweeps.sweep([{"lr": 0.1}], (4,), grok=lambda s, k: 500, last=2000)
    ds["loss"][{"step": slice(50, 60)}] = np.inf
    ds["loss"][{"step": slice(70, None)}] = np.nan
    ds["loss"][{"step": 3, "rows": 1}] = 0.0
    fig = figures.sweep_curves(ds, log_steps=False)
    assert not bands(fig)
    drawn = np.asarray(trace(fig, "validation", 1).y, dtype=float)
    assert np.isnan(drawn[[3, *range(50, 60)]]).all()
    assert np.isfinite(drawn[[2, 4, 49, 60]]).all()
    assert "1 seed." in fig.layout.meta["caption"]
    assert fig.layout.xaxis.range == (0, 2000)


def test_steps_show_each_seed_and_the_median(one):
    """Else a seed that never grokked is dropped, or drawn as if it had."""
    fig = figures.steps_to_accuracy(one)
    median = median_steps(one, "grokked_99")
    line = trace(fig, "99 % validation accuracy")
    assert np.allclose(line.x, [30, 40, 50])
    assert np.isnan(line.y[0])
    assert np.array_equal(line.y[1:], median.high[1:])
    seen = [t for t in fig.data if t.meta == "first seen"]
    high = one["event_high"].sel(event="grokked_99").values
    assert sorted(seen[0].y) == sorted(high[np.isfinite(high)])
    censored = next(t for t in fig.data if t.meta == "not seen by")
    assert censored.marker.symbol == "triangle-up-open"
    assert list(censored.y) == [50_000] * 3
    arrows = [a for a in fig.layout.annotations if a.name == "beyond"]
    assert [(a.x, a.y) for a in arrows] == [(30, pytest.approx(np.log10(50_000)))]
    assert np.array_equal(trace(fig, "memorised").y, median_steps(one, "memorised").high)
    assert fig.layout.yaxis.type == "log"
    assert titles(fig.select_yaxes()) == ["training steps (log scale)"]
    assert titles(fig.select_xaxes()) == ["training data (% of all rows)"]


def test_the_growth_in_the_figure_is_the_function_s(one):
    """Else the figure and the analysis print two numbers."""
    fig = figures.steps_to_accuracy(one)
    (growth,) = figures.growth_per_point(one)
    assert growth.fractions.tolist() == [0.4, 0.5]
    assert growth.percent == pytest.approx(100 * (1 / 0.9 - 1), rel=0.1)
    (note,) = [a.text for a in fig.layout.annotations if a.name == "note"]
    assert note.startswith(f"{growth.percent:+.3g} % steps per point less data [{growth.low:.3g}, ")
    fit = trace(fig, "fit")
    assert np.allclose(fit.y, growth.steps(np.array([0.4, 0.5])))
    assert f"{growth.percent:.1f} % more steps" in fig.layout.meta["caption"]
    with pytest.raises(RequestError, match="fewer than two"):
        figures.steps_to_accuracy(one, fit=(0.3, 0.4))
    bare = figures.steps_to_accuracy(
        one.isel(run=[0, 1])
    )  # one median is known: no growth, no error
    assert "note" not in [a.name for a in bare.layout.annotations]


def test_steps_across_another_field_have_no_growth(sweeps):
    """Else "per point of data" is fitted to a weight decay."""
    ds = sweeps.sweep(
        [{"weight_decay": w} for w in (0.01, 0.1, 1.0)], grok=lambda s, k: 900 / s["weight_decay"]
    )
    fig = figures.steps_to_accuracy(ds, event="grokked_90")
    assert titles(fig.select_xaxes()) == ["weight decay (log scale)"]
    assert fig.layout.xaxis.type == "log"
    assert fig.layout.xaxis.ticktext == ("0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1")
    assert np.array_equal(
        trace(fig, "90 % validation accuracy").y, median_steps(ds, "grokked_90").high
    )
    with pytest.raises(RequestError, match="fit = .* across 'weight_decay'"):
        figures.steps_to_accuracy(ds, fit=(0.1, 0.2))
    with pytest.raises(RequestError, match="'p' does not vary"):
        figures.steps_to_accuracy(ds, against="p")
    with pytest.raises(RequestError, match="a sweep in which nothing varies"):
        figures.steps_to_accuracy(ds.isel(run=[0]))


def test_lines_of_cases_differ_in_grey_too(cases):
    """Else cases are told apart by colour alone."""
    fig = figures.steps_to_accuracy(cases)
    drawn = [trace(fig, f"{case}, 99 % validation accuracy") for case in ("Adam", "AdamW")]
    assert drawn[0].line.color != drawn[1].line.color
    assert drawn[0].marker.symbol != drawn[1].marker.symbol
    assert legend(fig)[:2] == ["Adam", "AdamW"]


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_best_accuracy_is_over_seeds(cases, statistic):
    """Else the line is another statistic, or of other rows."""
    fig = figures.best_accuracy(cases, statistic=statistic)
    values = cases["best_accuracy"].sel(rows="test").values
    for number, case in enumerate(("Adam", "AdamW")):
        mine = values[3 * number : 3 * number + 3]
        assert np.allclose(trace(fig, case).x, [30, 40, 50])
        assert np.allclose(trace(fig, case).y, getattr(np, statistic)(mine, axis=1))
        band = np.asarray(bands(fig)[number].y, dtype=float)
        assert np.array_equal(band, [*mine.max(1), *mine.min(1)[::-1]])
    seeds = [t for t in fig.data if t.meta == "seed"]
    assert sorted(y for t in seeds for y in t.y) == sorted(values.ravel())
    assert titles(fig.select_yaxes()) == ["best validation accuracy (share)"]
    twin_free = figures.best_accuracy(cases, rows="test_twin_free")
    assert titles(twin_free.select_yaxes()) == ["best twin-free validation accuracy (share)"]


def test_the_caption_says_how_much_data_is_needed(cases):
    """Else the reader must read the crossing off the line."""
    caption = figures.best_accuracy(cases, level=0.3).layout.meta["caption"]
    assert "Adam: a mean of 0.3 takes 50 % of data (above 40 % of data)." in caption
    assert "AdamW: a mean of 0.3 takes 30 % of data (the smallest looked at)." in caption
    assert (
        "Adam: a mean of 0.99 is not reached up to 50 % of data."
        in (figures.best_accuracy(cases).layout.meta["caption"])
    )


def test_unfinished_runs_are_triangles(cases):
    """Else the best accuracy so far of an interrupted run passes for its best."""
    ds = cases.copy(deep=True)
    ds["status"][{"run": 1, "seed": 2}] = "interrupted"
    fig = figures.best_accuracy(ds)
    values = ds["best_accuracy"].sel(rows="test").values
    assert trace(fig, "Adam").y[1] == pytest.approx(values[1, :2].mean())
    (least,) = [t for t in fig.data if t.meta == "seed, at least"]
    assert list(least.y) == [values[1, 2]]
    assert least.marker.symbol == "triangle-up-open"
    assert "seed of an unfinished run: at least" in legend(fig)


def test_many_lines_have_bars_instead_of_bands(sweeps):
    """Else five bands on each other are a grey smear."""
    ds = sweeps.sweep(
        [{"task": f"mod_{t}", "frac_train": f} for t in range(5) for f in (0.3, 0.5)],
        grok=lambda s, k: 500, top=lambda s, k: 0.5 + 0.1 * k, last=1000,
    )  # fmt: skip
    fig = figures.best_accuracy(ds, color_by="task")
    assert not bands(fig)
    bars = [t for t in fig.data if t.mode == "lines" and t.opacity == 0.5]
    assert len(bars) == 5
    values = ds["best_accuracy"].sel(rows="test").values
    assert np.allclose(bars[0].y[:2], [values[0].min(), values[0].max()])


def test_outliers_stand_side_by_side(wrong_answers):
    """Else 0 has no place on a logarithmic axis, or 0, 10 and 100 one place on a linear one."""
    fig = figures.outliers(wrong_answers)
    assert fig.layout.xaxis.ticktext == ("0", "10", "1,000")
    assert list(trace(fig, "30 % of data, validation").x) == [0, 1, 2]
    for row, words in (("train", "training"), ("test", "validation")):
        values = wrong_answers["best_accuracy"].sel(rows=row).values[3:]
        assert np.allclose(trace(fig, f"50 % of data, {words}").y, values.mean(1))
    final = figures.outliers(wrong_answers, quantity="final")
    values = wrong_answers["final_accuracy"].sel(rows="test").values[:3]
    assert np.allclose(trace(final, "30 % of data, validation").y, values.mean(1))
    assert titles(final.select_yaxes()) == ["final accuracy (share)"]
    alone = figures.outliers(wrong_answers.isel(run=slice(0, 3)))
    assert legend(alone) == ["training", "validation"]
    with pytest.raises(RequestError, match="did you mean 'final'"):
        figures.outliers(wrong_answers, quantity="finale")


def test_the_scatter_has_every_run_and_the_correlation(wrong_answers):
    """Else a run is left out, or the number above the figure is of other runs."""
    fig = figures.sharpness_accuracy(wrong_answers)
    found = figures.spearman(wrong_answers)
    assert found.rho < -0.5
    points = {(x, y) for t in fig.data for x, y in zip(t.x, t.y, strict=True)}
    expected = zip(
        wrong_answers["sharpness"].values.ravel(),
        wrong_answers["final_accuracy"].sel(rows="test").values.ravel(), strict=True,
    )  # fmt: skip
    assert points == set(expected)
    notes = " ".join(a.text for a in fig.layout.annotations if a.name == "note")
    assert f"ρ −{-found.rho:.2f}" in notes
    assert "n = 18" in notes
    assert titles(fig.select_xaxes()) == ["sharpness (%)"]
    assert titles(fig.select_yaxes()) == ["final validation accuracy (share)"]
    with pytest.raises(RequestError, match="'last_step' is the same in all runs"):
        figures.sharpness_accuracy(wrong_answers.drop_vars("sharpness"), x="last_step")


def test_a_wide_range_is_logarithmic(wrong_answers):
    """Else sharpness from 1 to 10,000 is one heap beside the axis."""
    wide = wrong_answers.assign(sharpness=np.exp(8 * wrong_answers["sharpness"]))
    fig = figures.sharpness_accuracy(wide)
    assert fig.layout.xaxis.type == "log"
    assert titles(fig.select_xaxes())[0].endswith("(log scale)")
