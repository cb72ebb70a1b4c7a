"""Captions: everything that is needed to make the figure again stands in it."""

import json

import pytest
import xarray as xr

from grokscope import figures
from grokscope.figures.captions import step_ranges
from grokscope.figures.configuration import flat, hyper_parameters


def caption_of(fig) -> str:
    return str(fig.layout.meta["caption"])


@pytest.mark.parametrize("name", figures.NAMES)
def test_every_figure_says_all_settings(ds, events, name):
    """Else a figure in a paper cannot be made again from what stands beside it."""
    told = caption_of(figures.FIGURES[name](ds, events))
    drawing = figures.FIGURES[name]
    assert told.startswith(f"{drawing.title}. {figures.summary(drawing)}")
    for definition in figures.definitions(drawing, ds):
        assert definition.formula in told
        assert definition.source in told
    assert "Run: synthetic" in told
    for field, value in hyper_parameters(ds):
        assert f"{field.removeprefix('config.')} = {value}" in told, field
    assert "Key frequencies: 3, 7, 11 (rule: neuron, at: final)." in told
    assert f"Analysed with grokscope {ds.attrs['grokscope_version']}." in told


def test_events_stand_with_the_numbers_and_intervals_that_are_drawn(ds, events):
    """Else the figure's line 3 is another event than the caption's, or an interval is lost."""
    fig = figures.gini(ds, events)
    told = caption_of(fig)
    for number, words, _ in fig.layout.meta["events"]:
        event = next(e for e in events if e.name.replace("_", " ") == words.removesuffix(" %"))
        assert f"{number} {words}: {event.low:,} < step ≤ {event.high:,}" in told
    for name, start, end in events.phases():
        assert f"{name}: steps {start:,} to {end:,}" in told
    assert "Events" not in caption_of(figures.gini(ds))
    # The time line draws all events, those that were not seen among them.
    assert "collapsed: not seen up to step 14,000" in caption_of(figures.timeline(ds, events))


def test_options_stand_in_the_caption(ds, events):
    """Else two figures of other options have one caption."""
    assert "Options: log_steps = True." in caption_of(figures.gini(ds, events, log_steps=True))
    assert "Options" not in caption_of(figures.gini(ds, events))


def test_sweeps_say_their_specification(sweeps):
    """Else a sweep's figure does not say what was varied."""
    ds = sweeps.sweep(
        [{"frac_train": f} for f in (0.3, 0.5)], grok=lambda setting, seed: 900.0, last=2000
    )
    ds.attrs["specification"] = json.dumps({"seeds": "0..3", "grid": {"frac_train": [0.3, 0.5]}})
    told = caption_of(figures.best_accuracy(ds))
    assert "Settings: seeds = 0..3; grid.frac_train = [0.3, 0.5]." in told


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([0], "0"), ([0, 10], "0, 10"), ([0, 10, 20, 30], "0 to 30 every 10"),
        ([0, 1, 2, 4, 8, 16, 32], "0, 1, 2, 4, 8, 16, 32"),
        ([0, 100, 200, 300, 400, 1000, 2000, 3000, 4000], "0 to 400 every 100, 1000 to 4000 every 1000"),
        ([5, 7, 8, 9, 10, 11, 20], "5, 7 to 11 every 1, 20"),
    ],
)  # fmt: skip
def test_steps_are_told_exactly_and_shortly(steps, told):
    """Else a thousand steps stand one by one, or a step is told that was not looked at."""
    assert step_ranges(steps) == told
    back: list[int] = []
    for part in told.split(", "):
        words = part.split()
        back += (
            [int(words[0])]
            if len(words) == 1
            else range(int(words[0]), int(words[2]) + 1, int(words[4]))
        )
    assert back == steps


def test_configurations_are_flat_and_as_written():
    """Else 0.001 becomes 1e-3, a nested field is lost, or a broken configuration ends in a traceback."""
    assert flat({"a": {"b": 0.001, "c": [1, 2], "d": {}}, "e": "x", "f": None, "g": True}) == [
        ("a.b", "0.001"), ("a.c", "[1, 2]"), ("a.d", "{}"), ("e", "x"), ("f", "null"), ("g", "true"),
    ]  # fmt: skip
    assert flat("not json") == [("config", "not json")]
    assert hyper_parameters(xr.Dataset()) == []
