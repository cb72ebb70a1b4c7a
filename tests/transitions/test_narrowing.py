"""Evaluations that were added to a run narrow the intervals of its events, and move none of them."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from grokscope.transitions import learning_order, transitions
from grokscope.transitions.curves import Curve, declared_only, merged_curve
from grokscope.transitions.sustained import Crossing, first_sustained

NOT_NARROWED = ("cleanup",)
"""A fit, of declared checkpoints alone."""


def flags(text: str) -> np.ndarray:
    """Read "..xx" as no, no, yes, yes."""
    return np.array([letter == "x" for letter in text])


def crossing(held: str, levels: str, consecutive: int = 3) -> tuple[int | None, int | None]:
    """Locate on steps 0, 1, 2, ...; a level for each, 0 for declared."""
    added = np.array([int(letter) for letter in levels])
    found = first_sustained(np.arange(len(held)), flags(held), consecutive, added)
    return found.low, found.high


@pytest.mark.parametrize(
    ("held", "levels", "wanted"),
    [
        # Declared at 0, 4, 8, 12, 16; it holds from 8 on there, so in (4, 8].
        ("......xxxxxxxxxxx", "01110111011101110", (5, 6)),
        # Noise before 4, though it holds three times, was not the event and is not now.
        (".xxx....xxxxxxxxx", "01110111011101110", (7, 8)),
        # Noise after 8 does not take it away.
        ("......xxx...x...x", "01110111011101110", (5, 6)),
        # Inside it is the first that is sustained: not the single one at 5.
        (".....x..xxxxxxxxx", "01110111011101110", (7, 8)),
        # Up to the interval's end is long enough.
        (".......xx...x...x", "01110111011101110", (6, 7)),
    ],
)
def test_added_evaluations_narrow_the_declared_interval(held, levels, wanted):
    """Else a denser look at noise moves an event out of the interval that was reported."""
    assert crossing(held, levels) == wanted


def test_what_was_added_later_narrows_what_was_narrowed_before():
    """Else a second look contradicts the first: step 6 was added first, and (4, 6] reported; all others second."""
    held = "......x.xxxxxxxxx"
    assert crossing(held, "02220212022202220") == (5, 6)
    assert crossing(held, "01110111011101110") == (7, 8), (
        "at once, 7 is known to be no sustained one"
    )


def test_an_event_that_declared_evaluations_do_not_show_stays_unseen():
    """Else a run that did not grok by its schedule has grokked since somebody looked closer."""
    added = np.array([0, 1, 1, 1, 0, 0])
    found = first_sustained(np.arange(6), flags(".xxx.."), 3, added)
    assert (found.low, found.high) == (5, None)
    once = first_sustained(np.arange(6), flags(".xxx.."), 1, added)
    assert (once.low, once.high) == (5, None)
    assert "at step 1, an added checkpoint, it held" in once.note


def test_without_added_ones_nothing_changes():
    """Else every run that was never densified has other events than before."""
    held = flags("..x.xxx")
    plain = first_sustained(np.arange(7), held, 3)
    assert first_sustained(np.arange(7), held, 3, np.zeros(7, int)) == plain == Crossing(3, 4)


@given(st.data())
def test_however_it_is_densified_an_interval_only_shrinks(data):
    """Else some pattern of noise and added steps moves an event; by every order of three densifyings."""
    n = data.draw(st.integers(2, 40))
    held = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    levels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    consecutive = data.draw(st.integers(1, 4))
    steps = np.cumsum(data.draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)))
    before: Crossing | None = None
    for level in range(4):
        known = levels <= level
        found = first_sustained(steps[known], held[known], consecutive, levels[known])
        if before is not None:
            assert found.censored == before.censored
            if before.high is None:
                assert found.high is None
                continue
            assert found.high is not None
            assert found.high <= before.high
            assert held[steps == found.high]
            if before.low is None:
                assert found.low is None
                continue
            assert found.low is not None
            assert before.low <= found.low < found.high
            assert not held[steps == found.low]
            inside = known & (steps > found.low) & (steps < found.high)
            assert not inside.any(), "the interval is that of two evaluations beside each other"
        before = found


def dense(ds: xr.Dataset, declared: np.ndarray, grid: str = "step") -> xr.Dataset:
    """Mark the steps that are not declared as added, as a densified run's Dataset does."""
    name = {"step": "densified", "metric_step": "metric_densified"}[grid]
    levels = (~np.isin(ds[grid].values, declared)).astype(int)
    return ds.assign_coords({name: (grid, levels)})


STEPS = np.arange(0, 12_001, 100)
DENSE = np.unique(np.concatenate([STEPS, np.arange(300, 9_300, 10)]))


def test_every_event_of_a_densified_run_narrows(grokking):
    """Else a dense stretch is of no use to the events in it, or moves one of them."""
    coarse = transitions(grokking(STEPS))
    fine = transitions(dense(grokking(DENSE), STEPS))
    narrowed = 0
    for event in coarse:
        found = fine[event.name]
        assert found.censored == event.censored, event.name
        assert found.definition == event.definition
        if event.name in NOT_NARROWED or event.high is None or event.low is None:
            assert (found.low, found.high) == (event.low, event.high), event.name
            continue
        assert event.low <= found.low < found.high <= event.high, event.name
        assert found.high - found.low == 10, event.name
        assert f"narrowed from {event.when}" in found.note
        narrowed += 1
    assert narrowed >= 10


def test_noise_at_the_thresholds_moves_no_event(grokking):
    """Else events of a densified run are those of its noise: every curve is noisy at the added steps alone."""
    rng = np.random.default_rng(0)
    fine = dense(grokking(DENSE), STEPS)
    added = fine["densified"].values > 0
    for name in ("accuracy", "restricted_loss_held_out", "excluded_loss"):
        noise = np.where(added, np.exp(rng.normal(0, 1.0, len(DENSE))), 1.0)
        fine[name] = (
            (fine[name] * noise).clip(max=1.0) if name == "accuracy" else fine[name] * noise
        )
    naive = transitions(fine.drop_vars("densified"))
    coarse, found = transitions(grokking(STEPS)), transitions(fine)
    moved = 0
    for event in coarse:
        if event.high is None or event.low is None:
            assert found[event.name].censored == event.censored
            continue
        assert event.low <= (found[event.name].low or 0), event.name
        assert found[event.name].high <= event.high, event.name
        other = naive[event.name]
        moved += other.high is None or other.high > event.high or (other.low or 0) < event.low
    assert moved >= 5, "the noise is such that a rule that counts all evaluations moves events"


def test_the_events_that_others_count_from_are_the_declared_ones(grokking):
    """Else densifying around memorisation alone moves the circuit's events, which count from there."""
    around = np.unique(np.concatenate([STEPS, np.arange(400, 601)]))
    coarse = transitions(grokking(STEPS))
    fine = transitions(dense(grokking(around), STEPS))
    assert (fine["memorised"].low, fine["memorised"].high) == (499, 500)
    for name in (
        "circuit_10",
        "circuit_half",
        "circuit_formed",
        "online_onset",
        "cleanup",
        "grokked_99",
    ):
        assert (fine[name].low, fine[name].high) == (coarse[name].low, coarse[name].high), name


def test_the_order_in_which_frequencies_were_learned_narrows(planted):
    """Else `learning_order` looks at noise where all other events do not."""

    def run(steps: np.ndarray) -> xr.Dataset:
        ds = planted(steps, keys=(3, 5))
        shares = np.stack(
            [np.interp(steps, [0, at, at + 1, 9000], [0, 0.01, 0.3, 0.4]) for at in (1234, 2345)]
        )
        ds["key_frequency"] = ds["key_frequency"].astype(int)
        return ds.assign_coords(freq=[3, 5]).assign(logit_trig_share=(("freq", "step"), shares))

    steps = np.arange(0, 9001, 100)
    fine = np.unique(np.concatenate([steps, np.arange(1000, 3001)]))
    assert [(t.low, t.high) for t in learning_order(run(steps))] == [(1200, 1300), (2300, 2400)]
    found = learning_order(dense(run(fine), steps))
    assert [(t.low, t.high) for t in found] == [(1234, 1235), (2345, 2346)]


def test_a_declared_line_of_metrics_stands_before_an_added_checkpoint(planted):
    """Else a checkpoint added where an evaluation was declared replaces its value, and may move an event."""
    steps, metric_steps = np.array([0, 10, 20]), np.array([0, 10, 20])
    ds = planted(
        steps,
        accuracy={"test": np.array([0.1, 0.2, 0.3])},
        metric_steps=metric_steps,
        metric_accuracy={"test": np.array([0.11, 0.21, 0.31])},
    )
    assert merged_curve(ds, "accuracy", "test").values.tolist() == [0.1, 0.2, 0.3]
    ds = dense(ds, np.array([0, 20]))
    found = merged_curve(ds, "accuracy", "test")
    assert found.values.tolist() == [0.1, 0.21, 0.3]
    assert found.levels.tolist() == [0, 0, 0]
    assert declared_only(ds).sizes == {**ds.sizes, "step": 2}


def test_a_curve_without_added_ones_is_its_own_declared_part():
    """Else every reference value is taken from a copy, and None has to be asked for everywhere."""
    curve = Curve(np.arange(3), np.ones(3))
    assert curve.declared is curve
    assert curve.levels.tolist() == [0, 0, 0]
