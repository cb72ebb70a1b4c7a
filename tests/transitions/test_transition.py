"""What is read off the events: the whole run, JSON, delay, leads, phases, tables."""

import json

import numpy as np
import pytest
import xarray as xr

from grokscope.errors import RequestError
from grokscope.transitions import Transition, Transitions, transitions

NAMES = (
    "memorised off_chance circuit_onset circuit_10 circuit_half circuit_formed online_onset "
    "cleanup grokked_50 grokked_90 grokked_95 grokked_99 collapsed diverged softmax_collapse loss_underflow "
    "circuit_onset_current circuit_10_current circuit_half_current circuit_formed_current "
    "memorised_first"
).split()


def seen(name, low, high):
    """Make an event that was seen."""
    return Transition(name, low, high, False, "It was seen.", "test")


def unseen(name, low):
    """Make a censored event."""
    return Transition(name, low, None, True, "It was not seen.", "test")


@pytest.fixture(scope="module")
def events(grokking):
    """Locate the events of a whole planted run."""
    return transitions(grokking(np.arange(0, 14_001, 100)))


def test_a_run_that_groks_has_its_events_in_order(events):
    """Wrong, the story the tool tells of a run would not be the one that was planted."""
    at = {name: events[name].high for name in NAMES if not events[name].censored}
    assert at["memorised"] == 500
    assert at["circuit_onset"] == 1500
    assert at["off_chance"] == 6500
    assert at["grokked_99"] == at["grokked_50"] == 7000
    assert at["online_onset"] == 1400  # e^(ln 2 (t - 500) / 1500) reaches 1.5 at t = 1377
    assert at["circuit_10"] < at["circuit_half"] < at["circuit_formed"] < 9000
    assert events["collapsed"].low == events["diverged"].low == 14_000
    for event in events:
        widest = 1000 if event.name == "cleanup" else 100
        assert event.censored or event.high - event.low <= widest


def test_every_name_is_there_in_the_promised_order(events):
    """Wrong, another program that relies on the names would break."""
    assert list(events.names) == NAMES
    assert len(events) == len(NAMES)
    assert "grokked_99" in events
    assert events[0].name == "memorised"
    assert events[:2].names == ("memorised", "off_chance")


def test_locating_events_changes_nothing_in_the_dataset(grokking):
    """Wrong, figures drawn afterwards would show other numbers."""
    ds = grokking(np.arange(0, 14_001, 500))
    before = ds.copy(deep=True)
    transitions(ds)
    xr.testing.assert_identical(ds, before)


def test_json_holds_the_promised_fields_and_comes_back(events):
    """Wrong, transitions.json could not be read by others, or not by us."""
    entries = json.loads(json.dumps(events.to_json()))
    assert {"name", "low", "high", "censored", "definition", "rows"} <= set(entries[0])
    back = Transitions.from_json(entries)
    assert list(back) == list(events)
    assert back.summary() == events.summary()


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "memorised"},
        {**seen("x", 1, 2).to_json(), "low": 5},
        {**unseen("x", 1).to_json(), "high": 3},
    ],
)
def test_json_that_is_no_transition_is_refused(entry):
    """Wrong, a damaged file would give an event with an empty interval."""
    with pytest.raises(RequestError, match="no transition"):
        Transitions.from_json([entry])


def test_an_unknown_name_is_answered_with_the_nearest(events):
    """Wrong, a misspelt event would be a bare KeyError."""
    with pytest.raises(RequestError, match="did you mean 'grokked_99'"):
        events["groked_99"]


def test_delay_and_leads_are_intervals():
    """Wrong, a delay would be given to the step although its ends are known to 100."""
    found = Transitions(
        [
            seen("memorised", 100, 200),
            seen("off_chance", 900, 1000),
            seen("circuit_onset", 300, 400),
            seen("circuit_formed", 1100, 1200),
            seen("grokked_99", 1400, 1500),
        ]
    ).summary()
    assert found["delay"] == [1200, 1400]
    assert found["delay_ratio"] == [7.0, 15.0]
    assert found["lead"]["circuit_onset"] == {"off_chance": [500, 700], "grokked_99": [1000, 1200]}
    assert found["lead"]["circuit_formed"]["off_chance"] == [-300, -100]
    assert "online_onset" not in found["lead"]


def test_the_delay_of_a_run_that_has_not_grokked_has_no_upper_bound():
    """Wrong, a censored run would be dropped from a survival curve or given its last step."""
    found = Transitions([seen("memorised", 100, 200), unseen("grokked_99", 5000)]).summary()
    assert found["delay"] == [4800, None]
    assert found["delay_ratio"] == [25.0, None]


@pytest.mark.parametrize("first", [unseen("memorised", 5000), unseen("memorised", None)])
def test_without_memorisation_there_is_no_delay(first):
    """Wrong, a delay would be counted from an event that did not happen."""
    found = Transitions([first, seen("grokked_99", 100, 200)]).summary()
    assert found == {"delay": None, "delay_ratio": None, "lead": {}}


def test_an_event_that_was_there_from_the_start_bounds_the_delay_by_step_0():
    """Wrong, an open interval would raise or shorten the delay."""
    found = Transitions([seen("memorised", None, 200), seen("grokked_99", 900, 1000)]).summary()
    assert found["delay"] == [700, 1000]
    assert found["delay_ratio"] == [4.5, None]


def test_phases_cover_the_run_without_overlap(events):
    """Wrong, a figure would mark stretches that overlap or leave gaps."""
    phases = events.phases()
    assert [name for name, _, _ in phases] == [
        "memorisation",
        "circuit formation",
        "cleanup",
        "generalised",
    ]
    assert phases[0][1] == 0
    assert phases[-1][2] == 14_000
    assert all(one[2] == other[1] for one, other in zip(phases, phases[1:], strict=False))


def test_a_run_that_only_memorised_has_no_circuit_phase():
    """Wrong, a figure of the control without weight decay would show a circuit forming."""
    run = [seen("memorised", 100, 200), unseen("circuit_onset", 1500), unseen("grokked_99", 1500)]
    assert Transitions(run).phases() == [("memorisation", 0, 200), ("memorised", 200, 1500)]
    assert Transitions([unseen("memorised", 900)]).phases() == [("memorisation", 0, 900)]
    assert Transitions([unseen("memorised", None)]).phases() == []


def test_grokking_before_memorising_still_gives_ordered_phases():
    """Wrong, a run without a delay would break the figure."""
    run = [seen("memorised", 400, 500), seen("grokked_99", 200, 300), unseen("diverged", 900)]
    assert Transitions(run).phases() == [("memorisation", 0, 300), ("generalised", 300, 900)]


def test_tables_show_intervals_and_escape_text(events):
    """Wrong, the notebook or the report would show a step without its interval, or broken HTML."""
    html = events._repr_html_()
    assert "(400, 500]" in html
    assert "not by 14000" in html
    assert "n &gt;" not in html
    assert html.count("<tr") == len(NAMES) + 1
    assert "&lt; cleanup start &lt;" in html
    assert "memorised" in repr(events)
    assert events.__rich__().row_count == len(NAMES)


def test_when_in_words():
    """Wrong, censored and open intervals would read like points."""
    assert seen("x", 1, 2).when == "(1, 2]"
    assert seen("x", None, 2).when == "by 2"
    assert unseen("x", 5).when == "not by 5"
    assert unseen("x", None).when == "not looked at"
