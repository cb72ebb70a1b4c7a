"""docs/algorithms.md says what the code does: names, thresholds, variables, figures, the worked example that ships."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import grokscope as gs
from grokscope import figures
from grokscope.harmonics.circle_forms import circle_form, form_shares
from grokscope.measures import catalogue
from grokscope.transitions import ALGORITHMS, Thresholds
from grokscope.transitions.circle_verdicts import APART, LIKE, circles_of
from grokscope.transitions.evidence import Reader

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "checkpoints" / "nanda2023-seed0"
PAGE = (ROOT / "docs" / "algorithms.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return the text under a heading of the second level."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of the rows of its first table, without the head; an escaped bar is no border."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_every_threshold_stands_with_its_value():
    """Else a reader judges by lines that the code no longer draws."""
    told = {row[0].strip("`"): float(row[1]) for row in rows_of(section("Thresholds"))}
    known = {f.name: f.default for f in dataclasses.fields(Thresholds)}
    assert told == known | {"LIKE": LIKE, "APART": APART}
    assert all(row[3] for row in rows_of(section("Thresholds"))), "a threshold without a reason"


def test_every_verdict_is_explained():
    """Else a run gets a name that the page does not know, or the page promises one that no run gets."""
    names = re.findall(r"^`(.+)`$", section("The verdicts"), re.MULTILINE)
    assert sorted(names) == sorted(ALGORITHMS)


def test_every_variable_and_figure_is_there():
    """Else the page names what cannot be measured or drawn."""
    variables = {name for measure in catalogue() for name in measure.outputs}
    for row in rows_of(section("The evidence")):
        for name in re.findall(r"`(\w+)`", row[0]):
            assert name in variables, name
    for name in ("circle_clock_explained", "gradient_symmetricity_se", "circle_symmetricity"):
        assert f"`{name}`" in PAGE
        assert name in variables, name
    for name in ("circle_forms", "representations", "coset_concentration", "algorithm_measures"):
        assert f"`{name}`" in PAGE
        assert name in figures.NAMES, name


def test_what_is_said_of_the_two_forms():
    """Else .81, .19, or the bound between r^2 and 2 r - 1 on the page are wrong."""
    clock, pizza = (circle_form(59, 7, form) for form in ("clock", "pizza"))
    other = form_shares(pizza, 7, "clock")
    assert other.share == pytest.approx((2 / np.pi) ** 2 / 0.5, abs=2e-3)
    assert round(other.share, 2) == 0.81
    assert round(1 - other.share, 2) == 0.19
    # The published fraction, from its own formula: both scaled to variance 1, one mean taken away.
    scaled = [(x - x.mean()) / x.std() for x in (pizza, clock)]
    assert other.published == pytest.approx(1 - ((scaled[0] - scaled[1]) ** 2).mean(), abs=1e-9)
    for form in (clock, pizza):
        shares = form_shares(
            form + 3 * np.random.default_rng(0).normal(size=form.shape), 7, "clock"
        )
        assert shares.published <= shares.share


def test_the_published_fractions_follow_from_the_shares():
    """Else the two conventions of the page are not of the same circles: a clock share of .77 is 2 r - 1 = .76."""
    shares = [(0.776, 0.997), (0.771, 0.995), (0.773, 0.997)]
    published = re.findall(r"(\d\d\.\d\d) \| (\d\d\.\d\d)", section("Worked examples"))
    assert len(published) == 3
    for ours, theirs in zip(shares, published, strict=True):
        assert f"{ours[0]:.3f} \\| {ours[1]:.3f}".replace("0.", ".") in PAGE
        # Principal components and the mean over inputs make up to a hundredth.
        for share, fraction in zip(ours, theirs, strict=True):
            assert 2 * share**0.5 - 1 == pytest.approx(float(fraction) / 100, abs=0.011)


def test_the_shipped_example():
    """Else the numbers of the run that ships are not those that it gives: circles, symmetricity and the rest."""
    run = gs.open_run(REFERENCE)
    names = ["circle_forms", "gradient_symmetricity", "distance_irrelevance", "circularity"]
    ds = gs.analyze(run, [*names, "logit_trig_share"], steps=[max(run.steps)])
    row = next(r for r in rows_of(section("Worked examples")) if "shipped" in r[0])
    told = re.findall(r"(\d+) (\.\d+) \\\| (\.\d+)", row[1])
    circles = circles_of(Reader(ds))
    assert [int(k) for k, _, _ in told] == [circle.freq for circle in circles]
    for (_, clock, pizza), circle in zip(told, circles, strict=True):
        assert circle.clock == pytest.approx(float(clock), abs=6e-4)
        assert circle.pizza == pytest.approx(float(pizza), abs=6e-4)
    forms = {circle.freq: circle.form for circle in circles}
    assert forms == {14: "undecided", 35: "pizza", 41: "pizza", 42: "undecided", 52: "clock"}
    weights = [sum(c.weight for c in circles if c.form == form) for form in ("clock", "pizza")]
    assert weights == pytest.approx([0.32, 0.27], abs=5e-3)
    for name, cell in zip(names[1:], row[2:5], strict=True):
        assert float(ds[name][-1]) == pytest.approx(float(cell), abs=6e-4), name
