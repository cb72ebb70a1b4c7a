"""What a slider shows at each step: the right step's figure, drawn once and only when it is asked for."""

import base64
import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest

import grokscope as gs
from grokscope.analysis import read_dataset
from grokscope.errors import RequestError
from grokscope.notebook.frames import chosen_steps, frames_of, marked
from grokscope.notebook.where import phase_at, where_in_run
from grokscope.transitions import Transition, Transitions

pytest.importorskip("anywidget", reason="needs anywidget (the extra notebook)")


@pytest.fixture(scope="module")
def ds(tiny):
    return read_dataset(tiny.path / "analysis.nc")


def event(name, low, high):
    return Transition(name, low, high, high is None, "", "")


def numbers(values) -> np.ndarray:
    """Return the numbers of a trace, which plotly writes as a list or as bytes."""
    if not isinstance(values, dict):
        return np.array(values, dtype=float)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    shape = [int(n) for n in str(values.get("shape", flat.size)).split(",")]
    return flat.reshape(shape).astype(float)


EVENTS = Transitions(
    [event("memorised", 10, 20), event("circuit_onset", 20, 30), event("grokked_99", 30, 40)]
)


def norm_figure(snap):
    """A researcher's own figure: one number, the embedding's norm."""
    return go.Figure(go.Bar(x=["norm"], y=[float(np.linalg.norm(snap.W_E))]))


def test_a_function_of_a_snapshot_sees_each_step(tiny):
    """Else the slider moves and the figure is that of another checkpoint."""
    frames = gs.explore(tiny, norm_figure).frames
    assert frames.steps == tiny.steps
    for place, step in enumerate(frames.steps):
        shown = json.loads(frames.figure(place))["data"][0]["y"][0]
        assert shown == pytest.approx(float(tiny.weights(step)["embed.W_E"][:-1].norm()), rel=1e-6)


def test_each_figure_is_drawn_once_and_when_asked_for(tiny):
    """Else opening a slider over a hundred checkpoints computes a hundred figures, or each again at every move."""
    drawn = []

    def watched(snap):
        drawn.append(snap.step)
        return norm_figure(snap)

    frames = gs.explore(tiny, watched).frames
    assert drawn == []
    for place in (2, 0, 2, 2):
        frames.figure(place)
    assert drawn == [tiny.steps[2], tiny.steps[0]]


def test_a_figure_of_one_step_follows_the_slider(ds):
    """Else the spectrum stays that of the last step."""
    frames = gs.explore(ds, "final_spectrum").frames
    for place, step in enumerate(frames.steps):
        shown = json.loads(frames.figure(place))
        assert "sliders" not in shown["layout"] or shown["layout"]["sliders"] == []
        wanted = gs.figures.final_spectrum(ds, step=int(step))
        for trace, own in zip(shown["data"], wanted.data, strict=True):
            np.testing.assert_allclose(numbers(trace["y"]), np.array(own.y, dtype=float), rtol=1e-9)


def test_what_is_measured_at_the_end_is_measured_at_the_slider(tiny):
    """Else attention or neurons at step 0 are those of the trained model."""
    frames = gs.explore(tiny, "attention").frames
    for place in (0, len(frames.steps) - 1):
        snap = tiny.snapshot(frames.steps[place])
        pattern = snap.activations.pattern.double().numpy()  # [input, head, pos]
        grid = pattern[:, 0, 0].reshape(7, 7).T  # [b a], all pairs, a slowest
        shown = json.loads(frames.figure(place))["data"]
        assert any(
            trace.get("z") is not None and np.allclose(numbers(trace["z"]), grid, atol=1e-5)
            for trace in shown
        )


def test_exploring_writes_nothing_into_the_run(tiny):
    """Else moving a slider changes a run, or throws away what its analysis kept."""
    before = {p: p.stat().st_mtime_ns for p in tiny.path.rglob("*") if p.is_file()}
    frames = gs.explore(tiny, "attention").frames
    frames.figure(1)
    assert {p: p.stat().st_mtime_ns for p in tiny.path.rglob("*") if p.is_file()} == before


def test_curves_get_a_line_at_the_step(ds):
    """Else a slider over curves moves nothing, or marks one panel of two."""
    frames = gs.explore(ds, "progress").frames
    for place in (0, 3):
        shapes = json.loads(frames.figure(place))["layout"]["shapes"]
        lines = [s for s in shapes if s.get("name") == "slider"]
        assert len(lines) == 2
        assert {line["x0"] for line in lines} == {frames.steps[place]}
        assert {line["yref"] for line in lines} == {"y domain", "y2 domain"}


def test_a_line_on_a_logarithmic_axis_lies_at_its_step(ds):
    """Else step 0 is drawn at minus infinity, which plotly cannot."""
    fig = gs.figures.progress(ds, log_steps=True)
    (line, *_) = [s for s in marked(fig, 0).layout.shapes if s.name == "slider"]
    assert math.isfinite(line.x0)
    assert line.x0 > 0


def test_a_figure_without_steps_cannot_be_marked():
    """Else a line appears at step 400 of an axis of frequencies."""
    with pytest.raises(RequestError, match="no axis of training steps"):
        marked(go.Figure(go.Scatter(x=[1, 2], y=[1, 2])), 1)


def test_words_say_phase_and_events():
    """Else a step is a number without a place in the run's story."""
    assert phase_at(EVENTS, 0) == "memorisation"
    assert phase_at(EVENTS, 20) == "circuit formation"
    assert phase_at(EVENTS, 40) == "generalised" or phase_at(EVENTS, 40) == "circuit formation"
    words = where_in_run(EVENTS, 25)
    assert "circuit onset in (20, 30]" in words
    assert "memorised in" not in words
    assert where_in_run(Transitions([]), 3) == ""


@pytest.mark.parametrize(
    ("what", "kwargs", "message"),
    [
        ("final_spectrun", {}, "did you mean 'final_spectrum'"),
        ("sweep_curves", {}, "figure of a run"),
        ("final_spectrum", {"steps": [13]}, "no checkpoint at 13"),
        ("final_spectrum", {"steps": []}, "no step"),
        ("attention", {}, "the run, or its directory"),
        (norm_figure, {}, "the run, or its directory"),
    ],
)
def test_requests_that_make_no_sense(ds, what, kwargs, message):
    """Else a slip of the hand ends in a traceback out of plotly."""
    with pytest.raises(RequestError, match=message):
        gs.explore(ds, what, **kwargs)


def test_a_run_without_analysis_says_what_to_do(bare):
    """Else exploring starts an analysis of minutes unasked, or fails on a file that is not there."""
    with pytest.raises(RequestError, match=r"gs\.analyze\(run\)"):
        gs.explore(bare, "final_spectrum")
    with pytest.raises(RequestError, match="a run, its directory, or a dataset"):
        gs.explore(3, "final_spectrum")


def test_a_function_that_gives_no_figure_is_told(tiny):
    """Else the page stays empty and nobody knows why."""
    frames = gs.explore(tiny, lambda snap: 3).frames
    with pytest.raises(RequestError, match="gave int at step 0; accepted: a plotly figure"):
        frames.figure(0)


def test_chosen_steps_are_ascending_and_there():
    """Else positions of the slider and steps are out of order."""
    assert chosen_steps([0, 5, 10], [10, 0, 10]) == (0, 10)
    assert chosen_steps([0, 5], None) == (0, 5)
    assert frames_of.__doc__
