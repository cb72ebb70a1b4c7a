"""Several figures in one: letters, one key, every mark in its own place, at each width."""

import itertools
import shutil

import plotly.graph_objects as go
import pytest

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.joining import same_legends, shared_events
from grokscope.figures.panels import Panel

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FOUR = ("progress", "restricted_excluded", "gini", "norms")


@pytest.fixture(scope="module")
def members(ds, events):
    return {name: figures.FIGURES[name](ds, events) for name in figures.NAMES}


@pytest.fixture(scope="module")
def four(members):
    return figures.panel([members[name] for name in FOUR])


def notes(fig, name: str) -> list:
    return [note for note in fig.layout.annotations if note.name == name]


def boxes(fig) -> list[tuple[float, float, float, float]]:
    """Return (left, right, bottom, top) of every pair of axes that is drawn on."""
    pairs = dict.fromkeys((t.xaxis or "x", t.yaxis or "y") for t in fig.data)
    return [
        (*fig.layout[f"xaxis{x[1:]}"].domain, *fig.layout[f"yaxis{y[1:]}"].domain) for x, y in pairs
    ]


@pytest.mark.parametrize(("width", "columns"), [("single", 1), ("double", 2)])
def test_letters_and_columns(four, width, columns):
    """Else a single column has two figures of an inch and a half side by side, or a letter is missing."""
    fig = figures.resize(four, width)
    letters = notes(fig, "letter")
    assert [note.text for note in letters] == ["<b>a</b>", "<b>b</b>", "<b>c</b>", "<b>d</b>"]
    assert len({note.x for note in letters}) == columns
    assert [note.y for note in letters] == sorted((note.y for note in letters), reverse=True)


@pytest.mark.parametrize(("width", "theme"), [("single", "paper"), ("double", "screen")])
def test_panels_lie_apart_and_inside(members, width, theme):
    """Else two figures are drawn over each other, or one beyond the paper."""
    every = figures.panel(list(members.values()), columns=3)
    fig = figures.resize(every, width, theme)
    found = boxes(fig)
    for left, right, bottom, top in found:
        assert 0 < left < right < 1
        assert 0 < bottom < top < 1
    for a, b in itertools.combinations(found, 2):
        apart = a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
        assert apart or a == b, (a, b)


def test_the_data_are_those_of_the_figures(members, four):
    """Else moving a figure loses a line, or changes a number."""
    for letter, name in zip("abcd", FOUR, strict=True):
        mine = [row for row in figures.table(four) if row["panel"].split(".")[0] == letter]
        alone = figures.table(members[name])
        keys = ("series", "x", "y", "low", "high", "x_title", "y_title")
        assert [[row.get(k) for k in keys] for row in mine] == [
            [row.get(k) for k in keys] for row in alone
        ]


def test_events_have_one_number_everywhere_and_one_key(ds, events):
    """Else line 2 of panel a is another event than line 2 of panel b."""
    from grokscope.figures.marks import mark

    def line(names):
        fig = go.Figure(go.Scatter(x=[0, 14000], y=[0, 1], name=names[0]))
        mark(fig, events, (0.0, 14000.0), events=names)
        return fig

    parts = [line(["memorised", "grokked_99"]), line(["memorised", "circuit_onset", "grokked_99"])]
    assert shared_events(parts) == {"memorised": 1, "circuit onset": 2, "grokked 99 %": 3}
    fig = figures.panel(parts)
    axis = [note.xref for note in notes(fig, "event")]
    assert [(a, n.text) for a, n in zip(axis, notes(fig, "event"), strict=True)] == [
        ("x domain", "1"), ("x domain", "3"), ("x2 domain", "1"), ("x2 domain", "2"), ("x2 domain", "3"),
    ]  # fmt: skip
    key = notes(fig, "key")
    assert len(key) == 1
    for words in ("<b>1</b> memorised", "<b>2</b> circuit onset", "<b>3</b> grokked 99 %"):
        assert key[0].text.count(words) == 1
    assert not notes(fig, "phase")


def test_phases_have_one_colour_everywhere(four):
    """Else the key's colour is another phase in one of the panels."""
    colours: dict[str, set[str]] = {}
    for shape in four.layout.shapes:
        if (shape.name or "").startswith("phase "):
            colours.setdefault(shape.name, set()).add(shape.fillcolor)
    assert len(colours) == 4
    assert all(len(found) == 1 for found in colours.values())
    text = notes(four, "key")[0].text
    for name, (colour,) in colours.items():
        assert f'color:{colour}">■</span> {name.removeprefix("phase ")}' in text


def test_legends_are_not_mixed_up(members, four):
    """Else an entry stands below another figure, or switches a line of it."""
    for letter, name in zip("abcd", FOUR, strict=True):
        shown = [
            t.name
            for t in four.data
            if t.showlegend and four.layout.meta["letters"][t.yaxis] == letter
        ]
        alone = members[name]
        assert shown == [t.name for t in alone.data if t.name and t.showlegend is not False]
    groups: dict[str, set[str]] = {}
    for trace in four.data:
        if trace.legendgroup:
            groups.setdefault(trace.legendgroup, set()).add(
                four.layout.meta["letters"][trace.yaxis]
            )
    assert groups
    assert all(len(letters) == 1 for letters in groups.values())
    used = {t.legend for t in four.data if t.showlegend}
    assert len(used) == sum(1 for t in four.data if t.showlegend)  # one place for each entry


def test_one_legend_where_all_are_the_same(members):
    """Else two runs side by side repeat the same words, or switching one leaves the other."""
    fig = figures.panel([members["gini"], members["gini"]])
    assert same_legends([members["gini"]] * 2)
    assert [t.name for t in fig.data if t.showlegend] == ["embedding", "neuron-logit map"]
    assert {t.legendgroup for t in fig.data} == {"embedding", "neuron-logit map"}
    assert not same_legends([members["gini"], members["norms"]])


def test_heat_maps_keep_their_scales(members):
    """Else a heat map is coloured by another one's range, or is no longer square."""
    fig = figures.resize(
        figures.panel([members["neuron_activations"], members["attention"]]), "double"
    )
    scales = {trace.coloraxis for trace in fig.data}
    assert scales == {"coloraxis", "coloraxis2"}
    assert fig.layout.coloraxis2.cmax == 1
    assert fig.layout.coloraxis.cmax is None
    for left, right, bottom, top in boxes(fig):
        across, high = (right - left) * fig.layout.width, (top - bottom) * fig.layout.height
        assert across == pytest.approx(high, rel=0.02)


def test_each_width_is_laid_out_anew(four):
    """Else a panel made for a screen is shrunk to a column, with letters of 2 points."""
    single, double = figures.resize(four, "single"), figures.resize(four, "double")
    assert (single.layout.width, double.layout.width) == (312, 648)
    assert single.layout.height > double.layout.height
    assert isinstance(four, Panel)
    assert figures.resize(four, "double").to_json() == double.to_json()


def test_the_caption_is_made_of_the_captions(members, four):
    """Else a panel's settings stand four times, or those of one figure are lost."""
    caption = four.layout.meta["caption"]
    for letter, name in zip("abcd", FOUR, strict=True):
        assert f"({letter}) {figures.FIGURES[name].title}." in caption
        assert (
            f"({letter}) {members[name].layout.meta['alternative']}"
            in four.layout.meta["alternative"]
        )
    assert caption.count("Settings: ") == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (dict(figures=[]), "a panel of 0 figures; accepted: 1 to 26"),
        (dict(figures=[go.Figure()] * 27), "a panel of 27 figures"),
        (
            dict(figures=[go.Figure(go.Scatter(y=[1]))], columns=0),
            "columns = 0; accepted: 1 or more",
        ),
    ],
)
def test_what_makes_no_sense_is_said(given, told):
    """Else an empty picture, or a traceback."""
    with pytest.raises(RequestError, match=told):
        figures.panel(**given)


def test_a_panel_in_a_panel_is_refused(four):
    """Else letters stand twice."""
    with pytest.raises(RequestError, match="a panel in a panel"):
        figures.panel([four])


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium")
def test_every_figure_is_drawn_in_a_panel(members, tmp_path):
    """Else Chromium refuses what the arithmetic gave, or fits axes to no data (they would read -1 to 6)."""
    import re

    pytest.importorskip("kaleido")
    names = ("final_spectrum", "attention", "neuron_activations", "embedding_spectrum")
    fig = figures.panel([members[name] for name in names])
    path = figures.save(fig, tmp_path / "all.svg")
    text = path.read_text()
    for axis in ("x3", "x4", "x5", "x6"):
        ticks = [
            re.sub("<[^>]*>", "", t)
            for t in re.findall(rf'<g class="{axis}tick"><text.*?</text>', text)
        ]
        assert "-1" not in ticks
        assert all(float(tick) <= 31 for tick in ticks if tick)
