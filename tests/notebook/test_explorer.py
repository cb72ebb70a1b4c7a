"""The kernel's side of the slider: it answers what the page asks for, and tells what went wrong."""

import json

import plotly.graph_objects as go
import pytest

import grokscope as gs
from grokscope.errors import RequestError

pytest.importorskip("anywidget", reason="needs anywidget (the extra notebook)")


@pytest.fixture
def asked(tiny):
    """An explorer, and a function that asks it as the page does and returns the answers."""

    def figure(snap):
        if snap.step == 10:
            raise ValueError("not at ten")
        return go.Figure(go.Scatter(y=[snap.step]))

    explorer = gs.explore(tiny, figure)
    answers = []
    explorer.send = lambda content, buffers=None: answers.append(content)

    def ask(**what):
        answers.clear()
        explorer._answer(explorer, what, None)
        return list(answers)

    return explorer, ask


def test_it_answers_with_the_figure_of_the_position(asked, tiny):
    """Else the page draws the figure of another step."""
    explorer, ask = asked
    (answer,) = ask(ask="figure", position=3)
    assert answer["position"] == 3
    assert json.loads(answer["figure"])["data"][0]["y"] == [tiny.steps[3]]
    assert explorer.words[3].startswith(f"step {tiny.steps[3]}")


def test_it_gives_plotly_from_the_package(asked):
    """Else a notebook without a network draws nothing."""
    _, ask = asked
    (answer,) = ask(ask="plotly")
    assert len(answer["plotly"]) > 10**6
    assert "plotly.js" in answer["plotly"][:200]


def test_an_error_of_ones_own_function_is_told_in_the_page(asked):
    """Else the slider hangs at a step, and the error is in a log nobody reads."""
    _, ask = asked
    (answer,) = ask(ask="figure", position=1)
    assert answer == {"position": 1, "error": "ValueError: not at ten"}
    (fine,) = ask(ask="figure", position=2)
    assert "figure" in fine


@pytest.mark.parametrize(("position", "kept"), [(-5, 0), (99, 4), (2, 2)])
def test_positions_stay_on_the_slider(asked, position, kept):
    """Else a message with any number raises in the kernel."""
    explorer, ask = asked
    explorer.position = position
    assert explorer.position == kept
    if kept != 1:
        assert ask(ask="figure", position=position)[0]["position"] == kept


def test_it_begins_where_asked(tiny):
    """Else `at` is ignored."""
    assert gs.explore(tiny, lambda snap: go.Figure(), at=22).step == 20
    assert gs.explore(tiny, lambda snap: go.Figure()).step == tiny.steps[-1]


def test_a_reader_without_widgets_sees_a_figure(tiny):
    """Else a notebook that is opened elsewhere shows an empty place."""
    explorer = gs.explore(tiny, lambda snap: go.Figure(go.Scatter(y=[snap.step])), at=20)
    data, _ = explorer._repr_mimebundle_()
    assert data["application/vnd.plotly.v1+json"]["data"][0]["y"] == [20]
    assert "5 steps, 0 to 40" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_without_anywidget_it_says_what_to_install(tiny, monkeypatch):
    """Else whoever installed grokscope without the extra gets a ModuleNotFoundError."""
    import sys

    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "grokscope.notebook.explorer", raising=False)
    with pytest.raises(RequestError, match=r"grokscope\[notebook\]"):
        gs.explore(tiny, "progress")
