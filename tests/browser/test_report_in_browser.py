"""The report in a browser without a network, on a desk and on a telephone, by mouse, thumb and keys."""

import json
from pathlib import Path

import numpy as np
import pytest

from grokscope import figures
from grokscope.analysis.netcdf import read_dataset
from grokscope.figures import save
from grokscope.report import write_report
from grokscope.transitions import transitions
from grokscope.transitions.verdict import judge

REFERENCE = Path(__file__).parents[2] / "checkpoints" / "nanda2023-seed0" / "analysis.nc"
DESK = dict(width=1200, height=900)
TELEPHONE = dict(width=390, height=844, is_mobile=True, has_touch=True, device_scale_factor=2)

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(e => !e.closest("svg") && !e.closest(".scroll") && getComputedStyle(e).position !== "absolute"
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""

SMALL_TEXT = """least => { const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) { const e = n.parentElement;
    if (!n.data.trim() || e.closest("script, style, noscript") || !e.getBoundingClientRect().width) continue;
    if (parseFloat(getComputedStyle(e).fontSize) < least) found.push(n.data.slice(0, 40)); }
  return found; }"""

FAINT_TEXT = """() => {
  const rgb = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const lum = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walker.nextNode());) { const e = n.parentElement;
    if (!n.data.trim() || n.data.trim() === "■" || e.closest("script, style, noscript")) continue;
    if (!e.getBoundingClientRect().width) continue;
    const style = getComputedStyle(e), text = rgb(e.closest("svg") ? style.fill : style.color);
    let back = [255, 255, 255];
    for (let up = e; up; up = up.parentElement) { const c = rgb(getComputedStyle(up).backgroundColor);
      if (c.length && (c.length === 3 || c[3] === 1)) { back = c; break; } }
    const [a, b] = [lum(text), lum(back)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) found.push(n.data.slice(0, 40) + " " + text + " on " + back); }
  return found; }"""

ON_FOCUS = """() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
  return {tag: e.tagName, id: e.id, type: e.type || "", text: e.textContent.slice(0, 30),
    outline: s.outlineStyle === "none" ? 0 : parseFloat(s.outlineWidth), top: b.top + scrollY, wide: b.width}; }"""


@pytest.fixture(scope="module")
def reports(synthetic, groups, tmp_path_factory):
    """A function that gives the report of a run as a file, and how many figures it has."""
    folder, made = tmp_path_factory.mktemp("reports"), {}

    def dataset(name):
        if name == "reference":
            if not REFERENCE.exists():
                pytest.skip("the reference run is not in this copy")
            ds = read_dataset(REFERENCE)
            return ds, transitions(ds)
        ds = synthetic.dataset(steps=1 if name == "one checkpoint" else 40)
        if name == "group":
            return groups.group_dataset(ds), synthetic.transitions()
        return ds, synthetic.transitions() if name == "usual" else transitions(ds)

    def report(name):
        if name not in made:
            ds, events = dataset(name)
            path = write_report(ds, events, judge(ds, events), folder / f"{name}.html")
            made[name] = path, path.read_text().count('<figure id="figure-')
        return made[name]

    return report


def opened(browser_pages, reports, name, **how):
    path, drawn = reports(name)
    seen = browser_pages(**how).open(path)
    assert seen.page.evaluate("document.documentElement.dataset.drawn") == str(drawn)
    return seen, drawn


RUNS = [
    "usual", *(pytest.param(name, marks=pytest.mark.slow) for name in ("group", "one checkpoint", "reference")),
]  # fmt: skip


@pytest.mark.parametrize("run", RUNS)
def test_it_is_drawn_in_silence_and_without_a_network(browser_pages, reports, run):
    """Else a reader on a train sees gaps, or somebody else's server is told who reads which report."""
    seen, drawn = opened(browser_pages, reports, run, **DESK, offline=True)
    assert drawn >= 9
    assert seen.page.locator(".plot svg.main-svg").count() >= drawn
    assert seen.complaints == []
    assert seen.outside == []
    assert reports(run)[0].stat().st_size < 15e6


def test_the_recorder_can_fail(browser_pages, tmp_path):
    """Else the test above passes whatever a page does."""
    page = tmp_path / "page.html"
    page.write_text(
        '<img src="http://example.invalid/a.png"><script>console.error("so"); missing()</script>'
    )
    seen = browser_pages(**DESK).open(page)
    assert seen.outside == ["http://example.invalid/a.png"]
    assert any("so" in text for text in seen.complaints)
    assert any("missing" in text for text in seen.complaints)


MOVED = """index => { const plot = document.getElementById("plot-" + index);
  return JSON.stringify([plot._fullData.map(t => [t.visible, t.type === "bar" ? Array.from(t.y) : 0]),
    (plot.layout.annotations || []).map(a => a.text)]); }"""


@pytest.mark.parametrize("run", RUNS)
def test_every_slider_moves_its_figure_by_keys_and_by_mouse(browser_pages, reports, run):
    """Else a slider is there for the eye alone: the arrows or the mouse do nothing."""
    seen, _ = opened(browser_pages, reports, run, **DESK)
    sliders = seen.page.locator("input[type=range]")
    assert sliders.count() == (1 if run == "one checkpoint" else 3)
    for number in range(sliders.count()):
        slider = sliders.nth(number)
        index = int(slider.get_attribute("id").split("-")[1])
        states = {seen.page.evaluate(MOVED, index)}
        values = [slider.input_value()]
        slider.focus()
        for key in ("Home", "ArrowRight"):
            seen.page.keyboard.press(key)
            states.add(seen.page.evaluate(MOVED, index))
            values.append(slider.input_value())
        assert values[1:] == ["0", "1"]
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        seen.page.mouse.click(box["x"] + 0.99 * box["width"], box["y"] + box["height"] / 2)
        states.add(seen.page.evaluate(MOVED, index))
        assert slider.input_value() == slider.get_attribute("max")
        assert len(states) >= 3, slider.get_attribute("id")
        assert slider.get_attribute("aria-valuetext")
    assert seen.complaints == []


def test_the_slider_shows_the_dataset_s_own_numbers(browser_pages, reports, ds):
    """Else the figure moves, to what was never measured."""
    seen, _ = opened(browser_pages, reports, "usual", **DESK)
    index = figures.NAMES.index("final_spectrum")
    seen.page.locator(f"#step-{index}-input").focus()
    seen.page.keyboard.press("Home")
    data, notes = json.loads(seen.page.evaluate(MOVED, index))
    expected = ds["embedding_spectrum_phase"].sel(phase="cos").isel(step=0)
    np.testing.assert_allclose(np.array(data[0][1], dtype=float), expected, rtol=1e-3)
    assert notes[0] == "at step 0"
    assert seen.page.locator(f"#step-{index} output").text_content() == "0"


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("width", [390, pytest.param(320, marks=pytest.mark.slow)])
def test_it_can_be_read_on_a_telephone(browser_pages, reports, run, width):
    """Else one has to push the page to and fro, or to spread two fingers, or hits the wrong link."""
    seen, drawn = opened(browser_pages, reports, run, **(TELEPHONE | {"width": width}))
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    assert seen.page.evaluate(TOO_WIDE) == []
    assert seen.page.evaluate(SMALL_TEXT, 11.5) == []
    for kind, least in (("nav a", 32), ("summary", 32), ("input", 44)):
        for box in (element.bounding_box() for element in seen.page.locator(kind).all()):
            assert box["height"] >= least, kind
    for number in range(drawn):
        box = seen.page.locator(f"#plot-{number} svg.main-svg").first.bounding_box()
        assert 250 < box["width"] <= width
        assert box["height"] < 3.2 * width
    assert seen.complaints == []


def test_all_is_reached_by_keys_in_order_and_shows_where_one_is(browser_pages, reports):
    """Else somebody without a mouse cannot open the definitions or move a figure, or does not see where he is."""
    seen, drawn = opened(browser_pages, reports, "usual", **DESK)
    expected = seen.page.locator("a, summary, input").count()
    found = []
    for _ in range(expected):
        seen.page.keyboard.press("Tab")
        found.append(seen.page.evaluate(ON_FOCUS))
    assert {item["tag"] for item in found} == {"A", "SUMMARY", "INPUT"}
    assert all(item["outline"] >= 2 for item in found)
    assert sum(item["type"] == "range" for item in found) == 3
    assert sum(item["tag"] == "SUMMARY" for item in found) >= drawn - 2
    tops = [item["top"] for item in found[1:]]
    assert tops == sorted(tops)
    assert "Skip" in found[0]["text"]
    assert found[0]["wide"] > 50  # the link that is out of sight comes into it
    details = seen.page.locator("details").first
    details.locator("summary").focus()
    seen.page.keyboard.press("Enter")
    assert details.get_attribute("open") is not None


def test_headings_alternatives_and_contrast(browser_pages, reports):
    """Else a screen reader's user loses the thread, hears "image" alone; or grey on white is lost in the sun."""
    seen, drawn = opened(browser_pages, reports, "usual", **DESK)
    levels = seen.page.evaluate(
        '[...document.querySelectorAll("h1,h2,h3,h4")].map(e => +e.tagName[1])'
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels[:-1], levels[1:], strict=True))
    labels = seen.page.evaluate(
        '[...document.querySelectorAll("[role=img]")].map(e => e.getAttribute("aria-label"))'
    )
    assert len(labels) == drawn == len(set(labels))
    assert all(len(label) > 60 and any(c.isdigit() for c in label) for label in labels)
    assert seen.page.evaluate("document.documentElement.lang") == "en"
    assert seen.page.evaluate(
        "[...document.querySelectorAll('table')].every(t => t.querySelector('th[scope]'))"
    )
    assert seen.page.evaluate(FAINT_TEXT) == []


def test_it_prints_with_every_figure_whole(browser_pages, reports, tmp_path):
    """Else a figure runs off the sheet or over two, or the definitions are missing on paper."""
    seen, drawn = opened(browser_pages, reports, "usual", width=794, height=1123)
    seen.page.emulate_media(media="print")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")
    for number in range(drawn):
        box = seen.page.locator(f"#plot-{number}").bounding_box()
        assert box["width"] <= 794
        assert box["height"] < 1040, number
    assert seen.page.locator("nav").is_hidden()
    assert seen.page.pdf(format="A4").startswith(b"%PDF")


def test_a_figure_s_own_page(browser_pages, ds, events, tmp_path):
    """Else the html form of a figure fetches, complains, is cut on a telephone, or says nothing to a screen reader."""
    for name in ("progress", "final_spectrum"):
        path = save(figures.FIGURES[name](ds, events), tmp_path / f"{name}.html")
        seen = browser_pages(**TELEPHONE).open(path)
        assert seen.page.evaluate("document.documentElement.dataset.drawn") == "1"
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
        assert len(seen.page.locator("[role=img]").get_attribute("aria-label")) > 60
        assert seen.complaints == []
        assert seen.outside == []
