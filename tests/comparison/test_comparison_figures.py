"""Any figure of a run over several: curves over groups, events on one line, copies on the same axes."""

import numpy as np
import plotly.graph_objects as go
import pytest
from planted_runs import STEPS, planted, seeds

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.figures import csv_text, resize
from grokscope.figures.declare import figure


def named(fig, name):
    return next(t for t in fig.data if t.name == name)


def told(fig):
    return fig.layout.meta["caption"]


@pytest.fixture
def three():
    """Three seeds that grokked at 400, 600 and 800; their Gini is 1, 2 and 3 thousandths of the step."""
    return gs.compare(*seeds(400, 600, 800))


def test_the_median_and_range_of_seeds(three):
    """Else the line is one seed's, or the band is not the seeds' range."""
    fig = three.figure("gini")
    line = named(fig, "3 runs, embedding")
    assert np.array_equal(line.x, STEPS)
    assert np.allclose(line.y, 2 * STEPS / 1000)
    (band,) = [t for t in fig.data if t.fill == "toself"]
    n = len(STEPS)
    assert np.allclose(band.y[:n], 3 * STEPS / 1000)
    assert np.allclose(band.y[n:][::-1], STEPS / 1000)
    assert '1,"3 runs, embedding, range over runs",1000.0,,1.0,3.0' in csv_text(fig)
    assert "from the smallest to the largest (3 runs: 3 runs)" in told(fig)
    assert "init_seed: seed 0: 0; seed 1: 1; seed 2: 2" in told(fig)


def test_steps_from_an_event(three):
    """Else aligned curves do not meet at the event."""
    fig = three.figure("gini", align="grokked_99")
    line = named(fig, "3 runs, embedding")
    # All three have values from 400 steps before the event (seed 0) to 200 after it (seed 2).
    assert line.x.tolist() == [-400, -300, -200, -100, 0, 100, 200]
    at_event = [0.4 * 1, 0.6 * 2, 0.8 * 3]
    assert line.y[4] == pytest.approx(np.median(at_event))
    before = [0.0 * 1, 0.2 * 2, 0.4 * 3]
    assert line.y[0] == pytest.approx(np.median(before))
    assert fig.layout.xaxis2.title.text or fig.layout.xaxis.title.text == "steps after grokked 99 %"
    assert [s for s in fig.layout.shapes if s.type == "line" and s.x0 == s.x1 == 0]
    assert "seed 1 (500, 600]" in told(fig)


def test_steps_relative_to_an_event():
    """Else the ratio is taken of another event, or of another run."""
    found = gs.compare(planted("a", grokked=500), planted("b", grokked=800, weight_decay=2.0))
    fig = found.figure("gini", align="grokked_99", relative=True)
    assert named(fig, "weight decay 1, embedding").x[-1] == pytest.approx(2.0)
    assert named(fig, "weight decay 2, embedding").x[-1] == pytest.approx(1.25)
    assert fig.layout.xaxis.type == "log"
    assert np.isnan(named(fig, "weight decay 1, embedding").x[0])  # step 0


def test_a_run_that_did_not_see_the_event_is_left_out_and_named(three):
    """Else a censored run is aligned by a step that it did not have."""
    found = gs.compare(*seeds(400, 600), planted("c", grokked=None, weight_decay=0.0))
    fig = found.figure("gini", align="grokked_99")
    assert "C left out: grokked 99 % not seen up to step 1,000" in told(fig)
    assert fig.layout.meta["said"] == ["c left out: grokked 99 % not seen up to step 1,000"]
    assert not [t for t in fig.data if t.name and "weight decay 0" in t.name]
    with pytest.raises(RequestError, match="not seen up to step 1,000"):
        gs.compare(planted("c", grokked=None)).figure("gini", align="grokked_99")


def test_groups_differ_in_colour_and_their_series_in_dash():
    """Else two settings look alike, or training and test do."""
    found = gs.compare(*seeds(400, 600), planted("c", grokked=None, weight_decay=0.0))
    fig = found.figure("progress")
    look = {t.name: (t.line.color, t.line.dash) for t in fig.data
            if t.name and t.name.startswith("weight") and ", t" in t.name}  # fmt: skip
    assert len({colour for colour, _ in look.values()}) == 2
    one = [dash for name, (_, dash) in look.items() if name.startswith("weight decay 0")]
    assert len(set(one)) == 3
    legend = [t.name for t in fig.data if t.showlegend]
    assert legend[:2] == ["weight decay 1 (2 runs)", "weight decay 0"]
    assert {"train", "test", "test, twin-free", "chance"} <= set(legend)


def test_events_below_stand_at_their_median(three):
    """Else the marks under the curves are at another step than in the tables."""
    fig = three.figure("gini")
    assert named(fig, "3 runs, grokked 99 %").x == (600,)
    assert named(fig, "3 runs, grokked 99 %, range").x == (300, 800)
    mostly = gs.compare(*seeds(400, None, None)).figure("gini")
    assert not [t for t in mostly.data if t.name and t.name.endswith("runs, grokked 99 %")]


def test_the_time_line_has_every_run(three):
    """Else an event of one run is drawn at another's step."""
    fig = three.figure("timeline", events=["grokked_99", "memorised"])
    marks = named(fig, "3 runs, seen")
    assert sorted(marks.x) == [200, 200, 200, 400, 600, 800]
    assert list(fig.layout.yaxis.ticktext) == ["memorised", "grokked 99 %"]
    aligned = three.figure("timeline", align="memorised", events=["grokked_99"])
    assert sorted(named(aligned, "3 runs, seen").x) == [200, 400, 600]
    late = gs.compare(planted("a", grokked=None)).figure("timeline", events=["grokked_99"])
    assert list(named(late, "a, not seen").x) == [1000]


@figure("Gini by row", needs=[("gini_embedding",)])
def bars(ds, transitions=None, *, factor: float = 1.0):
    """Bars of the last Gini."""
    top = float(ds["gini_embedding"][-1]) * factor
    fig = go.Figure(go.Bar(x=[0, 1], y=[top, top / 2], name="gini"))
    fig.update_xaxes(title_text="row")
    fig.update_yaxes(range=[0, top], title_text="Gini")
    return fig


@figure("A curve of its own", needs=[("gini_embedding",)])
def own_curve(ds, transitions=None):
    """The Gini, doubled."""
    fig = go.Figure(
        go.Scatter(x=ds["step"].values, y=2 * ds["gini_embedding"].values, name="twice")
    )
    fig.update_xaxes(title_text="training step")
    return fig


def test_a_figure_of_ones_own_over_steps(three):
    """Else only the figures that grokscope came with can be compared."""
    fig = three.figure(own_curve, align="memorised")
    line = named(fig, "3 runs, twice")
    assert line.x[0] == -200
    assert line.y[-1] == pytest.approx(4.0)
    assert told(fig).startswith("A curve of its own, 3 runs.")


def test_copies_stand_on_the_same_axes(three):
    """Else bars of equal height are of unequal value."""
    fig = three.figure(bars, columns=2, factor=2.0)
    assert [list(t.y) for t in fig.data] == [[2, 1], [4, 2], [6, 3]]
    assert {tuple(axis.range) for axis in fig.select_yaxes()} == {(0, 6)}
    boxes = [
        (tuple(fig.layout[f"xaxis{n}"].domain), tuple(fig.layout[f"yaxis{n}"].domain))
        for n in ("", "2", "3")
    ]
    assert len(set(boxes)) == 3
    assert boxes[0][0][1] < boxes[1][0][0]  # the second is to the right of the first
    assert boxes[2][1][1] < boxes[0][1][0]  # the third below
    names = [note.text for note in fig.layout.annotations if note.name == "run"]
    assert names == ["<b>seed 0</b>", "<b>seed 1</b>", "<b>seed 2</b>"]
    assert [t.showlegend for t in fig.data] == [True, False, False]
    assert "seed 2,gini,0,6" in csv_text(fig).replace("6.0", "6")


def test_heat_maps_share_their_colours_and_their_steps():
    """Else the same colour is another number in the next run, or one map is not aligned."""
    runs = seeds(400, 600)
    for n, ds in enumerate(runs):
        values = (n + 1) * np.ones((3, len(STEPS)))
        ds["embedding_spectrum"] = (("freq", "step"), values)
        ds.coords["freq"] = [1, 2, 3]
    fig = gs.compare(runs).figure("embedding_spectrum", align="grokked_99")
    maps = [t for t in fig.data if t.type == "heatmap"]
    assert {(t.zmin, t.zmax) for t in maps} == {(0, 2)}
    assert [t.showscale is not False for t in maps] == [True, False]
    assert [(t.x[0], t.x[-1]) for t in maps] == [(-400, 600), (-600, 400)]
    assert {tuple(axis.range) for axis in fig.select_xaxes()} == {(-600, 600)}


def test_series_that_not_all_runs_of_a_group_have_are_said():
    """Else the median of a key frequency is that of the one run that has it."""

    @figure("Two", needs=[("gini_embedding",)])
    def two(ds, transitions=None):
        """Two curves."""
        fig = go.Figure()
        for name in ("both", f"of {ds.attrs['run']}"):
            fig.add_scatter(x=ds["step"].values, y=ds["gini_embedding"].values, name=name)
        fig.update_xaxes(title_text="training step")
        return fig

    fig = gs.compare(*seeds(400, 600)).figure(two)
    assert [t.name for t in fig.data if t.name and t.name.startswith("2 runs, b")] == ["2 runs, both"]  # fmt: skip
    assert "left out there: of seed 0, of seed 1" in fig.layout.meta["said"][0]


def test_too_many_series_have_a_panel_each():
    """Else eight curves of four settings are drawn over each other."""

    @figure("Five", needs=[("gini_embedding",)])
    def five(ds, transitions=None):
        """Five curves."""
        fig = go.Figure()
        for n in range(5):
            fig.add_scatter(x=ds["step"].values, y=n + ds["gini_embedding"].values, name=f"s{n}")
        fig.update_xaxes(title_text="training step")
        fig.update_yaxes(title_text="value")
        return fig

    found = gs.compare(planted("a"), planted("b", weight_decay=2.0))
    fig = found.figure(five)
    titles = [axis.title.text for axis in fig.select_yaxes() if axis.title.text]
    assert titles == [f"<b>s{n}</b><br>value" for n in range(5)]
    assert len({t.yaxis for t in fig.data if t.name and t.name.endswith("s3")}) == 1
    dashes = {t.line.dash for t in fig.data if t.name and t.name.endswith("s3")}
    assert len(dashes) == 2


def test_a_figure_that_one_run_lacks_is_drawn_of_the_others():
    """Else a group run beside a cyclic one makes every figure of either impossible."""
    found = gs.compare(planted("a"), planted("b", weight_decay=2.0).drop_vars("gini_embedding"))
    fig = found.figure("gini")
    assert fig.layout.meta["said"][0].startswith("b left out: has nothing to draw")
    assert "gini" in found.figures
    with pytest.raises(RequestError, match="has nothing to draw"):
        found.figure("norms")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (dict(name="gni"), "did you mean 'gini'?"),
        (dict(name="gini", align="grokked_9"), "did you mean 'grokked_9"),
        (dict(name="gini", relative=True), "relative without an event"),
        (dict(name="gini", align="memorised", log_steps=True), "logarithmic axis"),
        (dict(name="gini", at_least=0), "at_least = 0"),
    ],
)
def test_what_makes_no_sense_is_said(three, how, words):
    """Else a slip ends in a traceback, or in a figure of something else."""
    with pytest.raises(RequestError, match="^[^\n]*$") as found:
        three.figure(**how)
    assert words in str(found.value)


def test_it_is_set_for_a_paper_and_has_words(three):
    """Else a comparison cannot be published as the other figures are."""
    fig = three.figure("progress")
    assert resize(fig, "single").layout.width == 312
    assert fig.layout.meta["alternative"].startswith("Loss and accuracy over training, 3 runs.")
    assert {"single", "double", "screen"} <= set(fig.layout.meta["heights"])


@pytest.mark.parametrize("how", [{}, dict(align="memorised", relative=True), dict(align="grokked_99")])  # fmt: skip
@pytest.mark.parametrize("name", ["progress", "timeline"])
def test_a_referee_finds_nothing_in_a_single_column(referee, name, how):
    """Else text lies on text, is cut off or too small, where a paper prints it."""
    found = gs.compare(*seeds(400, 600), planted("control", grokked=900, weight_decay=0.0))
    faults = referee.faults(resize(found.figure(name, columns=1, **how), "single"))
    # The row of events is low on purpose: it has no axis of its own to read.
    assert [fault for fault in faults if not fault.startswith("panel ")] == []
