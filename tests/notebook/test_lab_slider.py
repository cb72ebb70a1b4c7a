"""JupyterLab in a headless Chromium without a network: figures are drawn, the slider moves them by key."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.analysis import read_dataset

pytest.importorskip("anywidget", reason="needs anywidget (the extra notebook)")
pytest.importorskip("jupyterlab", reason="needs JupyterLab (the extra notebook)")


def tool():
    """Return lab.py beside this file, whatever pytest's import mode."""
    name = "grokscope_tests_notebook_lab"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("lab.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


CELLS = (
    "import plotly.graph_objects as go\nimport grokscope as gs\nfrom grokscope.pipeline import analysed_dataset\n"
    "run, ds = analysed_dataset('tiny')\nevents = gs.transitions(ds)\nrun",
    "gs.figures.final_spectrum(ds, events)",
    "def steps(snap):\n    return go.Figure(go.Scatter(y=[snap.step, snap.step + 1]))\ngs.explore(run, steps)",
    "gs.explore(run, 'progress', at=0)",
)  # fmt: skip

DRAWN = "([i, place]) => document.querySelectorAll('.grokscope-explorer')[i].dataset.drawn == place"
LINE = (
    "e => e.querySelector('.js-plotly-plot').layout.shapes"
    ".filter(s => s.name == 'slider').map(s => s.x0)"
)
SHOWN = "Array.from(e._fullData[0].y)"
DATA = "e => [...e.querySelector('.js-plotly-plot').data[0].y]"


@pytest.mark.slow
def test_the_slider_moves_the_figure(tiny, chromium, browser_page, tmp_path):
    """Else the slider is dead in JupyterLab: keys go to the notebook, plotly.js comes from a network, or not at all."""
    lab = tool()
    shutil.copytree(tiny.path, tmp_path / "tiny")
    lab.write_notebook(tmp_path / "book.ipynb", CELLS)
    page = browser_page.page
    page.set_default_timeout(60_000)
    ds = read_dataset(tiny.path / "analysis.nc")
    at_start = [round(float(y), 4) for y in gs.figures.final_spectrum(ds, step=0).data[0].y]
    with lab.lab_running(tmp_path) as address:
        lab.open_and_run(page, address, "book.ipynb")
        page.wait_for_selector(".js-plotly-plot .main-svg")
        explorers = page.locator(".grokscope-explorer")
        page.wait_for_function("document.querySelectorAll('.grokscope-explorer[data-drawn]').length == 2")  # fmt: skip
        assert page.locator(".grokscope-card").count() == 1

        own = explorers.nth(0)
        slider = own.locator("input[type=range]")
        steps = tiny.steps
        assert own.evaluate(DATA) == [steps[-1], steps[-1] + 1]
        slider.focus()
        keys = ("ArrowLeft", 3), ("ArrowLeft", 2), ("Home", 0), ("ArrowRight", 1), ("End", 4)
        for key, place in keys:
            page.keyboard.press(key)
            page.wait_for_function(DRAWN, arg=[0, place])
            assert own.evaluate(DATA) == [steps[place], steps[place] + 1]
            assert own.locator("output").inner_text().startswith(f"step {steps[place]}")
            assert slider.get_attribute("aria-valuetext").startswith(f"step {steps[place]}")

        curves = explorers.nth(1)
        assert curves.evaluate(LINE) == [0, 0]
        curves.locator("input[type=range]").focus()
        page.keyboard.press("End")
        page.wait_for_function(DRAWN, arg=[1, 4])
        assert curves.evaluate(LINE) == [steps[-1], steps[-1]]

        # A figure's own slider, which plotly draws, moves by the mouse; its bars change.
        plain = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".js-plotly-plot")
        plain.scroll_into_view_if_needed()
        rail = plain.locator(".slider-rail-touch-rect").bounding_box()
        page.mouse.click(rail["x"] + 3, rail["y"] + rail["height"] / 2)
        page.wait_for_function(
            f"e => {SHOWN}.every((y, i) => Math.abs(y - {at_start}[i]) < 1e-3)",
            arg=plain.element_handle(),
        )

        assert page.locator(".grokscope-explorer .wrong").all_inner_texts() == ["", ""]
        assert browser_page.outside == []
        ours = [c for c in browser_page.complaints if "grokscope" in c or "lotly" in c]
        assert ours == []
        errors = [c for c in browser_page.complaints if "Error" in c]
        assert errors == []
