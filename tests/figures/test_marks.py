"""Phases and events: where they are drawn, and that their names do not overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope import figures
from grokscope.figures.header import place_names, spread
from grokscope.figures.marks import event_words, interval_words
from grokscope.figures.series import thin
from grokscope.transitions.transition import Transition


def test_phases_and_events_are_on_every_panel(ds, events):
    fig = figures.progress(ds, events)
    shapes = {(s.name, s.yref): s for s in fig.layout.shapes}
    for name, start, end in events.phases():
        for panel in ("y domain", "y2 domain"):
            assert (shapes[f"phase {name}", panel].x0, shapes[f"phase {name}", panel].x1) == (
                start, end,
            )  # fmt: skip
    assert shapes["circuit_onset", "y domain"].x0 == events["circuit_onset"].high
    interval = shapes["interval circuit_onset", "y2 domain"]
    assert (interval.x0, interval.x1) == (6820, 7179)
    assert "collapsed" not in {name for name, _ in shapes}  # censored: no line, ever
    phases = [note.text for note in fig.layout.annotations if note.name == "phase"]
    assert [text.split("</span> ")[1] for text in phases] == [p[0] for p in events.phases()]
    assert "<b>2</b> circuit onset" in fig.layout.legend.title.text


@pytest.mark.parametrize("width", ["single", "double"])
def test_resizing_changes_no_data_and_keeps_text_at_seven_points(ds, events, width):
    fig = figures.final_spectrum(ds, events)
    paper = figures.resize(fig, width)
    assert paper.layout.width == {"single": 312, "double": 648}[width]
    assert not paper.layout.sliders
    assert fig.layout.sliders
    assert paper.layout.template.layout.font.size * 0.75 >= 7
    for before, after in zip(fig.data, paper.data, strict=True):
        assert np.array_equal(before.y, after.y, equal_nan=True)
    progress = figures.resize(figures.progress(ds, events), width)
    explicit = [note.font.size for note in progress.layout.annotations if note.font.size]
    assert all(size * 0.75 >= 7 for size in explicit)


widths = st.floats(0.05, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), widths), min_size=1, max_size=6), st.floats(-0.5, 0))
def test_names_never_overlap(wanted, left):
    """Else two phases' names are printed one over the other, or to the left of the picture."""
    wanted = sorted(wanted)
    placed = place_names(wanted, left)
    for row in {row for _, row in placed}:
        spans = [
            (place, place + width)
            for (place, r), (_, width) in zip(placed, wanted, strict=True)
            if r == row
        ]
        assert all(a[1] <= b[0] + 1e-9 for a, b in zip(spans, spans[1:], strict=False))
        assert spans[0][0] >= left
        assert spans[-1][1] <= 1.02 + 1e-9


@given(st.lists(st.floats(0, 1), max_size=9))
def test_numbers_stand_side_by_side(shares):
    """Else numbers of events stand on each other, or on the axis' own."""
    gap = 0.05
    places = spread(sorted(shares), gap)
    assert (np.diff(places) > 0.99 * gap).all()
    assert all(-gap < place < 1 + gap for place in places)


def test_words():
    assert event_words("grokked_99") == "grokked 99 %"
    assert event_words("circuit_onset_current") == "circuit onset (current keys)"

    def event(low, high):
        return Transition("x", low, high, high is None, "", "")

    assert interval_words(event(100, 1200)) == "100 < step ≤ 1,200"
    assert interval_words(event(None, 0)) == "seen at the first evaluation, step 0"
    assert interval_words(event(5000, None)) == "not seen up to step 5,000"
    assert interval_words(event(None, None)) == "never looked at"


@given(st.integers(2001, 9000), st.integers(0, 8999))
def test_thinning_keeps_every_spike(count, spike):
    values = np.zeros(count)
    values[spike % count] = 7.0
    steps, kept = thin(np.arange(count), values)
    assert len(steps) <= 2002
    assert 7.0 in kept
    assert steps[0] == 0
    assert steps[-1] == count - 1
