"""Every figure as a referee sees it, drawn in a browser: what can be read, and told apart, at a paper's widths."""

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.colors import get_colorscale, sample_colorscale

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.legend_rows import legend_height
from grokscope.figures.marks import OPACITIES, TINTS
from grokscope.figures.sheet import Sheet
from grokscope.figures.sizes import POINTS, resize, telephone
from grokscope.figures.text_width import text_width
from grokscope.figures.theme import COLOUR_SCALE
from grokscope.transitions.transition import Transition, Transitions

#: Of colours alone, in CIE Lab to a deuteranope, and of lightness in a print in grey. Text on a screen or a
#: line of 1 pt can be told apart from about 10 on.
LEAST, LEAST_GREY = 15.0, 8.0
LONG = " of the second block of a network with long names"


def at_one_step(events):
    """All that happened, in one and the same step."""
    return Transitions([
        e if e.high is None else Transition(e.name, 100, 200, False, e.definition, e.rows)
        for e in events
    ])  # fmt: skip


def with_long_names(ds):
    names = {dim: [f"{label}{LONG}" for label in ds[dim].values] for dim in ("component", "param")}
    return ds.assign_coords(names)


@pytest.fixture(scope="module")
def runs(synthetic, groups):
    """Return runs by name: usual ones, and those at the ends of what can be drawn."""
    usual, events = synthetic.dataset(), synthetic.transitions()
    return {
        "usual": lambda: (usual, events),
        "group": lambda: (groups.group_dataset(synthetic.dataset()), events),
        "one step": lambda: (synthetic.dataset(steps=1), events[:0]),
        "three steps": lambda: (synthetic.dataset(steps=3), events),
        "a thousand steps": lambda: (synthetic.dataset(steps=1000), events),
        "no key": lambda: (synthetic.dataset(keys=()), events[:2]),
        "one key": lambda: (synthetic.dataset(keys=(3,)), events),
        "thirty keys": lambda: (
            synthetic.dataset(p=199, keys=tuple(range(5, 65, 2)), neurons=512), events,
        ),
        "p = 7": lambda: (synthetic.dataset(p=7, keys=(1,), heads=1), events),
        "events at one step": lambda: (usual, at_one_step(events)),
        "long names": lambda: (with_long_names(usual), events),
    }  # fmt: skip


RUNS = [
    "usual", "group", "one step", "three steps", "a thousand steps", "no key", "one key", "thirty keys",
    "p = 7", "events at one step", "long names",
]  # fmt: skip
FAST = ("restricted_excluded", "ablations", "neuron_activations")


def drawn(ds, events):
    """Yield each figure that a run has."""
    for name in figures.available(ds):
        try:
            yield name, figures.FIGURES[name](ds, events)
        except RequestError:  # a time line without any event
            assert name == "timeline"
            assert not len(events)


@pytest.mark.parametrize("name", FAST)
def test_a_figure_in_a_single_column_has_no_fault(ds, events, referee, name):
    """Else a referee sends it back: text on text, cut off, below 7 pt, on a curve; a line that a printer loses."""
    assert referee.faults(resize(figures.FIGURES[name](ds, events), "single")) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("run", RUNS)
def test_every_figure_of_every_run_has_no_fault(runs, referee, run, width):
    """Else some run's figure, with thirty keys or long names or all events in one step, cannot be printed."""
    found = {
        name: referee.faults(resize(fig, width)) for name, fig in drawn(*runs[run]())
    }  # fmt: skip
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("run", ["usual", "group", "thirty keys"])
def test_every_figure_can_be_shown_on_a_slide(runs, referee, run):
    """Else the larger text of the theme "screen" does not fit at the widths of the paper."""
    found = {}
    for name, fig in drawn(*runs[run]()):
        for width in ("single", "double"):
            if (name, width) == ("neuron_activations", "single"):
                continue  # six panels with titles of 10 pt are wider than that
            slide = resize(fig, width, "screen")
            found[name, width] = referee.faults(slide, smallest=POINTS["screen"], largest=11.0)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.slow
@pytest.mark.parametrize("run", ["usual", "group", "one step"])
def test_every_figure_can_be_read_on_a_telephone(runs, referee, run):
    """Else in the report's narrow form text lies on text, or is smaller than 12 pixels."""
    found = {}
    for name, fig in drawn(*runs[run]()):
        narrow = telephone(fig)
        narrow.layout.width = 340
        found[name] = referee.faults(narrow, smallest=9.0, largest=10.0)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.slow
@pytest.mark.parametrize("width", ["single", "double"])
def test_every_figure_of_a_sweep_has_no_fault(sweeps, referee, width):
    """Else a figure over many runs, with a legend entry for each setting, cannot be printed."""
    settings = [{"frac_train": f, "outliers": o} for f in (0.3, 0.5) for o in (0, 10, 1000)]
    ds = sweeps.sweep(settings, grok=lambda s, k: 5000 / s["frac_train"], last=20_000,
                      top=lambda s, k: 1 - s["outliers"] / 2000 - 0.02 * k)  # fmt: skip
    ds["sharpness"] = (("run", "seed"), 2.0 + np.arange(18.0).reshape(6, 3), {"units": "%"})
    found = {
        name: referee.faults(resize(figures.SWEEP_FIGURES[name](ds), width))
        for name in figures.available(ds)
    }
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_referee_finds_each_fault(referee):
    """Else every test here passes whatever is drawn."""
    fig = go.Figure(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line_width=0.4))
    fig.update_layout(width=300, height=200, margin=dict(l=30, r=10, t=10, b=30), font_size=9.4)
    places = {"on the line": (0.5, 0.5), "one": (0.2, 0.9), "two": (0.2, 0.9)}
    for text, (x, y) in (places | {"far too long to stand here": (1.0, 0.2)}).items():
        size = 6 if text == "two" else None
        fig.add_annotation(
            x=x, y=y, xref="paper", xanchor="left", text=text, showarrow=False, font_size=size
        )
    found = "; ".join(referee.faults(fig))
    for words in (
        "'one' lies on 'two'", "'far too long to stand here' runs out", "runs through 'on the line'",
        "text of 4.5", "a line of 0.30 pt",
    ):  # fmt: skip
        assert words in found, found


def test_text_is_as_wide_as_the_browser_draws_it(referee):
    """Else names, legends and notes are laid out by widths that they do not have."""
    words = ["circuit formation", "WIDE LETTERS", "1 of 2,000 (97 %)", "<b>k = 14</b>", "10⁻⁶ × 3"]
    fig = go.Figure()
    fig.update_layout(width=600, height=300, template=figures.resize(fig, "single").layout.template)
    for number, text in enumerate(words):
        fig.add_annotation(x=0.5, y=number, text=text, showarrow=False)
    widths = {t.text: (t.right - t.left, t.size) for t in referee.look(fig).texts}
    for text in words:
        wide, size = widths[text.removeprefix("<b>").removesuffix("</b>")]
        assert text_width(text, size) == pytest.approx(wide, rel=0.06), text


def test_a_legend_has_the_height_that_was_left_for_it(ds, events, referee):
    """Else the panels are squeezed by a legend with more rows than were counted, or white is left below."""
    fig = resize(figures.restricted_excluded(ds, events), "single")
    drawn = referee.look(fig)
    left = legend_height(fig, Sheet(312.0, POINTS["paper"] * 4 / 3))
    top = min(t.top for t in drawn.texts if "memorised" in t.text)
    assert drawn.height - top == pytest.approx(left, abs=8)


@pytest.mark.parametrize("run", ["usual", "group", "thirty keys", "no key"])
def test_series_differ_to_a_deuteranope_and_in_grey(runs, eyes, run):
    """Else two curves of one panel are one and the same to one man in sixteen, or in a photocopy."""
    found = {name: eyes.alike(fig, LEAST, LEAST_GREY) for name, fig in drawn(*runs[run]())}
    assert {name: pairs for name, pairs in found.items() if pairs} == {}


def test_eyes_find_colours_that_are_alike(eyes):
    """Else the test above passes with any colours: red and green of one lightness are one to a deuteranope."""
    fig = go.Figure([
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name=name, line_color=colour)
        for name, colour in (("red", "#C04000"), ("green", "#707000"), ("blue", "#0072B2"))
    ])  # fmt: skip
    assert [pair.split(":")[0] for pair in eyes.alike(fig, LEAST, 0.0)] == ["'red' and 'green'"]
    assert eyes.apart("#000000", "#FFFFFF")[1] == pytest.approx(100, abs=1e-3)
    assert eyes.apart("#FFFFFF", "rgba(0,0,0,0)") == (0.0, 0.0)


def test_neighbouring_phases_differ(eyes):
    """Else the bands of cleanup and of what follows are one band to a deuteranope, and all are one in grey."""
    shades = []
    for tint, opacity in zip(TINTS, OPACITIES, strict=True):
        red, green, blue = (int(tint[i : i + 2], 16) for i in (1, 3, 5))
        shades.append(f"rgba({red},{green},{blue},{opacity})")
    for one, two in zip(shades[:-1], shades[1:], strict=True):
        seen, grey = eyes.apart(one, two)
        assert seen > 8
        assert grey > 4


def test_heat_maps_grow_lighter_all_along(eyes):
    """Else more looks like less to a deuteranope, or in grey."""
    colours = sample_colorscale(get_colorscale(COLOUR_SCALE), np.linspace(0, 1, 65))
    seen = eyes.lab(eyes.without_green(np.stack([eyes.linear(c) for c in colours])))[:, 0]
    grey = eyes.lab(np.stack([eyes.linear(c) for c in colours]))[:, 0]
    assert (np.diff(seen) > 0.2).all()
    assert (np.diff(grey) > 0.2).all()


def test_an_unknown_width_or_theme_is_told():
    """Else a spelling mistake gives a picture of another size, or a traceback."""
    with pytest.raises(RequestError, match="did you mean 'double'"):
        resize(go.Figure(), "doubel")
    with pytest.raises(RequestError, match="accepted: paper, screen"):
        resize(go.Figure(), "single", "dark")
