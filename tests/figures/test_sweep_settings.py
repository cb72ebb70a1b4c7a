"""Which settings lie on one line, and the median and range of curves over seeds."""

import numpy as np
import pytest

from grokscope.errors import RequestError
from grokscope.figures.sweep_marks import spread_sideways, style, styles
from grokscope.figures.sweep_numbers.curves import seed_curve, thinned
from grokscope.figures.sweep_numbers.settings import (
    chosen_runs,
    ended,
    lines,
    per_run,
    varied_fields,
    words,
)
from grokscope.figures.ticks import log_ticks


def crossed(sweeps, **more):
    settings = [
        {"frac_train": f, "case": c, "optimiser": c.lower(), "weight_decay": w, "batch_size": int(1000 * f)}
        for c in ("Adam", "AdamW") for w in (0.0, 1.0) for f in (0.5, 0.3, 0.4)
    ]  # fmt: skip
    return sweeps.sweep(settings, grok=lambda s, k: 500, **more)


def test_lines_differ_in_what_does_not_follow(sweeps):
    """Else each batch size, which follows from the data, is a line of its own, or cases are mixed."""
    ds = crossed(sweeps)
    assert varied_fields(ds)[0] == "case"
    found = lines(ds, "frac_train")
    assert [line.name for line in found] == [
        "Adam, weight decay 0", "Adam, weight decay 1", "AdamW, weight decay 0",
        "AdamW, weight decay 1",
    ]  # fmt: skip
    for line in found:
        assert line.x.tolist() == [0.3, 0.4, 0.5]
        assert ds["frac_train"].values[line.runs].tolist() == line.x.tolist()
        assert set(ds["case"].values[line.runs]) == {line.values["case"]}
    assert sorted(np.concatenate([line.runs for line in found])) == list(range(12))


def test_a_field_that_two_others_give_is_dropped_again(sweeps):
    """Else a field counts twice: n_train follows from p and frac_train, whichever stands first."""
    settings = [
        {"n_train": int(f * p), "frac_train": f, "p": p} for p in (97, 113) for f in (0.3, 0.5)
    ]
    ds = sweeps.sweep(settings, grok=lambda s, k: 500)
    assert [line.name for line in lines(ds, "frac_train")] == ["p 97", "p 113"]


def test_what_cannot_be_drawn_across_is_refused(sweeps):
    """Else text is sorted as numbers, or two runs stand on one point."""
    ds = crossed(sweeps)
    with pytest.raises(RequestError, match="'optimiser' is not a number"):
        lines(ds, "optimiser")
    with pytest.raises(
        RequestError, match="'lr' does not vary in this sweep; accepted: frac_train"
    ):
        lines(ds, "lr")
    twice = ds.isel(run=[0, 0, 1])
    with pytest.raises(RequestError, match=r"two runs with frac_train = 0.5"):
        lines(twice, "frac_train")


def test_values_in_words():
    """Else a legend says frac_train 0.30000000000000004."""
    assert words("frac_train", 0.1 + 0.2) == "30 % of data"
    assert words("weight_decay", 0.1) == "weight decay 0.1"
    assert words("p", 97) == "p 97"
    assert words("case", "AdamW, to zero") == "AdamW, to zero"


def test_runs_are_chosen_by_label(sweeps):
    """Else the wrong setting is drawn under a label."""
    ds = crossed(sweeps)
    labels = ds["run"].values.tolist()
    assert chosen_runs(ds, labels[3], 6) == [3]
    assert chosen_runs(ds, [labels[5], labels[1]], 6) == [5, 1]
    with pytest.raises(RequestError, match="12 settings in one figure; accepted: 1 to 6"):
        chosen_runs(ds, None, 6)
    with pytest.raises(RequestError, match="did you mean 'Adam"):
        chosen_runs(ds, labels[3][:-1], 6)


def test_numbers_per_run_are_checked(sweeps):
    """Else a curve, or a text, is drawn as if it were one number."""
    ds = crossed(sweeps)
    assert per_run(ds, "best_accuracy", rows="test").shape == (12, 3)
    with pytest.raises(RequestError, match="'accuracy' is not one number per run and seed"):
        per_run(ds, "accuracy", rows="test")
    with pytest.raises(RequestError, match="'status' is not one number"):
        per_run(ds, "status")
    assert ended(ds).all()
    assert ended(ds.drop_vars("status")).all()


def three_ends(sweeps):
    """Seed 0 stops early at 0.99, seed 1 groks late, seed 2 is interrupted in between."""
    ds = sweeps.sweep(
        [{"frac_train": 0.4}], grok=lambda s, k: [2000, 60_000, 60_000][k], stop_early=True
    )
    cut = ds["step"].values > 5000
    ds["accuracy"][{"seed": 2, "step": cut}] = np.nan
    ds["status"][{"seed": 2}] = "interrupted"
    return ds


def test_a_seed_that_stopped_early_is_held(sweeps):
    """Else the median falls when the fast seeds stop, as if the network got worse."""
    ds = three_ends(sweeps)
    curve = seed_curve(ds, "accuracy", "test", 0)
    values = ds["accuracy"].sel(rows="test").values[0]
    stop = int(np.isfinite(values[0]).sum()) - 1
    cut = int(np.isfinite(values[2]).sum()) - 1
    assert curve.held == {0: int(ds["step"][stop])}
    assert curve.left == {2: int(ds["step"][cut])}
    held = np.where(np.isnan(values[0]), values[0, stop], values[0])
    both = np.stack([held, values[1]])[:, : len(curve.steps)]
    three = np.stack([held, values[1], values[2]])
    assert np.array_equal(curve.median[: cut + 1], np.median(three[:, : cut + 1], axis=0))
    assert np.array_equal(curve.median[cut + 1 :], np.median(both[:, cut + 1 :], axis=0))
    assert np.array_equal(curve.low[cut + 1 :], both.min(0)[cut + 1 :])
    assert np.array_equal(curve.high[: cut + 1], three[:, : cut + 1].max(0))
    later = slice(stop, cut)
    assert (np.diff(curve.median[later]) >= 0).all()
    assert curve.seeds == 3


def test_steps_of_other_settings_are_not_on_the_curve(sweeps):
    """Else a line has gaps, or is drawn to steps that its runs never saw."""
    ds = sweeps.sweep([{"p": 97}, {"p": 113}], grok=lambda s, k: 500, last=2000)
    ds["accuracy"][{"run": 0, "step": ds["step"].values % 20 == 10}] = np.nan
    curve = seed_curve(ds, "accuracy", "train", 0)
    assert (curve.steps % 20 == 0).all()
    assert np.isfinite(curve.median).all()
    assert not curve.left
    empty = seed_curve(ds.where(ds["p"] == 0), "accuracy", "train", 0)
    assert len(empty.steps) == 0 == empty.seeds


def test_thinning_keeps_extremes(sweeps):
    """Else a spike between drawn points is not seen."""
    ds = sweeps.sweep([{"p": 97}], grok=lambda s, k: 500, last=2000)
    long = ds.isel(step=[0]).reindex(step=np.arange(0, 50_000, 7))
    rng = np.random.default_rng(0)
    long["accuracy"][:] = rng.uniform(0.4, 0.6, long["accuracy"].shape)
    long["accuracy"][{"step": 5003}] = 0.9
    long["accuracy"][{"step": 5009}] = 0.1
    curve = seed_curve(long, "accuracy", "test", 0)
    keep = thinned(curve)
    assert keep.sum() <= 1300
    assert keep[[0, 5003, 5009, -1]].all()
    assert thinned(seed_curve(ds, "accuracy", "test", 0)).all()


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (10, 1e5, ["10", "100", "1,000", "10,000", "100,000"]),
        (1, 1e6, ["1", "10", "10²", "10³", "10⁴", "10⁵", "10⁶"]),
        (2e-7, 8, ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"]),
        (150, 4000, ["200", "500", "1,000", "2,000"]),
        (310, 390, ["310", "320", "330", "340", "350", "360", "370", "380", "390"]),
    ],
)
def test_ticks_are_readable(low, high, told):
    """Else an axis has one number or none, or a tick says another number than where it stands."""
    places, ticks = log_ticks(float(low), float(high))
    assert ticks == told
    assert all(low * 0.999 <= place <= high * 1.001 for place in places)
    if "⁻" not in "".join(ticks) and "²" not in "".join(ticks):
        assert [float(t.replace(",", "")) for t in ticks] == pytest.approx(places)


def test_styles_tell_lines_apart(sweeps):
    """Else two lines look the same, or color_by colours something else."""
    found = [(style(n).colour, style(n).dash) for n in range(16)]
    assert len(set(found)) == 16
    shown = lines(crossed(sweeps), "frac_train")
    looks = styles(shown, "case")
    assert [look.colour for look in looks] == [looks[0].colour] * 2 + [looks[2].colour] * 2
    assert [look.dash for look in looks] == [looks[0].dash, looks[1].dash] * 2
    assert looks[0].dash != looks[1].dash
    with pytest.raises(RequestError, match="color_by = 'optimiser'; accepted: case, weight_decay"):
        styles(shown, "optimiser")
    many = sweeps.sweep(
        [{"p": p, "frac_train": f} for p in range(3, 20) for f in (0.3, 0.4)], (0,),
        grok=lambda s, k: 500, last=200,
    )  # fmt: skip
    with pytest.raises(RequestError, match="17 lines, one for each p; accepted: at most 16"):
        styles(lines(many, "frac_train"), None)


def test_seeds_stand_beside_each_other():
    """Else seeds with the same value hide each other, or reach into the next setting."""
    x = np.array([10.0, 20.0, 22.0])
    places = spread_sideways(x, 7)
    assert len(np.unique(places[0])) == 7
    assert np.allclose(places.mean(1), x)
    assert places[1].max() < 21 < places[2].min()
    log = spread_sideways(np.array([1.0, 10.0, 1000.0]), 3, log=True)
    assert np.allclose(log[:, 1], [1, 10, 1000])
    assert spread_sideways(np.array([5.0]), 1).tolist() == [[5.0]]
    three = np.concatenate([spread_sideways(x, 2, line=n, of=3) for n in range(3)], axis=1)
    assert (np.diff(three, axis=1) > 0).all()
    assert np.allclose(three.mean(1), x)
    assert three[1].max() < 21 < three[2].min()
