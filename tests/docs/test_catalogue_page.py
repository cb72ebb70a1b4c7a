"""The catalogue of measures: every registered measure with all that is known of it, and what it looks like."""

import html
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sphinx")
pytest.importorskip("matplotlib")
sys.path.append(str(Path(__file__).parents[2] / "docs" / "_ext"))

import catalogue  # noqa: E402
import measure_plots  # noqa: E402
from docutils import nodes  # noqa: E402
from measure_rows import FILE, RUNS, rows_of, stored  # noqa: E402
from typeset import formula_nodes  # noqa: E402

from grokscope.measures import catalogue as registered  # noqa: E402

MEASURES = registered()
BLACK, WHITE = "#131416", "#ffffff"


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_a_measure_is_told_whole(measure):
    """Else a measure stands in the catalogue without its formula, source or cost, or without a word on its look."""
    section = catalogue.section(measure)
    text = section.astext()
    assert measure.name in text
    assert measure.source.split(";")[0][:20] in text
    assert measure.cost in text
    for variable, output in measure.outputs.items():
        assert variable in text
        assert formula_nodes(output.formula)
        assert "".join(n.astext() for n in formula_nodes(output.formula)) in text
    rows, reason = rows_of(measure)
    drawn = list(section.findall(nodes.raw))
    assert bool(drawn) == bool(rows)
    assert drawn or any(
        "no-plot" in p["classes"] and reason == p.astext() for p in section.findall(nodes.paragraph)
    )


def test_per_step_measures_are_drawn():
    """Else a measure that has a curve is shown without one, since its data was not renewed."""
    for measure in MEASURES:
        if measure.at == "every":
            rows, reason = rows_of(measure)
            assert rows, f"{measure.name}: {reason}; run docs/_data/make_measure_data.py"


def test_every_measure_has_a_family():
    """Else a new file of measures falls out of the table of contents, or a family names a file that is gone."""
    files = {m.function.__module__.rsplit(".", 1)[-1] for m in MEASURES}
    named = [file for words in catalogue.FAMILIES.values() for file in words.split()]
    assert sorted(named) == sorted(files)
    listed = catalogue.overview(MEASURES)
    links = {ref["refid"] for ref in listed.findall(nodes.reference)}
    assert {catalogue.anchor(m) for m in MEASURES} <= links


def test_the_two_runs_are_a_pair():
    """Else what is shown as "groks" did not, or its control did."""
    arrays, told = stored()
    assert FILE.stat().st_size < 1_500_000
    for pair, runs in told.items():
        assert "grokked_99" in runs["groks"]["events"]
        assert "grokked_99" not in runs["control"]["events"]
        assert runs["groks"]["weight_decay"] > runs["control"]["weight_decay"] == 0
        accuracy = {run: arrays[f"{pair}/{run}/accuracy"] for run in RUNS}
        place = runs["groks"]["coordinates"]["rows"].index("test")
        assert accuracy["groks"][place, -1] > 0.99 > accuracy["control"][place, -1] + 0.2


def test_a_plot_says_what_it_shows():
    """Else who cannot see a plot learns nothing, or is told other numbers than are drawn."""
    measure = next(m for m in MEASURES if m.name == "gini")
    drawn = measure_plots.plot_html(measure)
    svgs = re.findall(r"<svg class=.*?</svg>", drawn, re.DOTALL)
    assert len(svgs) == 2
    arrays, _ = stored()
    for svg, run in zip(svgs, RUNS, strict=True):
        root = ET.fromstring(svg.replace("xlink:href", "href"))
        words = html.unescape(root.attrib["aria-label"])
        last = arrays[f"cyclic/{run}/gini_embedding"][-1]
        assert f"{last:.3g} at step 3000" in words
        labels = "".join(root.itertext())
        assert "step" in labels
        assert "value (1)" in labels


def test_plots_follow_the_page():
    """Else in dark mode axes are black on black, or the styles of one plot hold for the whole page."""
    drawn = measure_plots.plot_html(
        next(m for m in MEASURES if m.name == "restricted_loss_held_out")
    )
    assert "currentColor" in drawn
    assert measure_plots.PAGE not in drawn
    assert "<style" not in drawn
    assert 'id="axes_1"' not in drawn


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", measure_plots.COLOURS)
@pytest.mark.parametrize("paper", [BLACK, WHITE])
def test_lines_stand_out_from_the_page(colour, paper):
    """Else a line is lost in light or in dark mode: WCAG 2 asks graphics for a contrast of 3 to 1."""
    high, low = sorted((luminance(colour), luminance(paper)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 2.9


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("sum_i (2i - n - 1) x_(i) / (n sum x)", "Σ_i (2i − n − 1) x_(i) / (n Σ x)"),
        ("cos w_k(x+y-c)", "cos w_k(x+y−c)"),
        ("chi(x . y . c^-1)", "χ(x · y · c^−1)"),
        ("as restricted_loss, mean_xy L", "as `restricted_loss`, mean_xy L"),
        ("sum of w^2, |W|_F^2 / sigma_1^2", "sum of w^2, |W|_F^2 / σ_1^2"),
    ],
)
def test_formulas_are_typeset(formula, shown):
    """Else a subscript swallows a word, a name becomes a formula, or a sign is lost."""
    marks = {nodes.subscript: "_", nodes.superscript: "^"}
    told = ""
    for node in formula_nodes(formula):
        literal = isinstance(node, nodes.literal)
        told += f"`{node.astext()}`" if literal else marks.get(type(node), "") + node.astext()
    assert told == shown
