"""Hostile text in every field of a run, and a real browser on its pages: nothing runs, nothing is fetched."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import grokscope as gs
from grokscope.analysis.netcdf import read_dataset, write_dataset
from grokscope.cli import main
from grokscope.figures import FIGURES, available, save
from grokscope.report import render_report
from grokscope.transitions import transitions
from grokscope.transitions.transition import Transition, Transitions
from grokscope.transitions.verdict import judge

MARK = "document.documentElement.dataset.ran=1"
FORMS = (
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f'<img src="http://evil.invalid/a" onerror="{MARK}">',
    f'"><svg onload="{MARK}">',
    f'<a href="javascript:{MARK}">click</a>',
    '<span style="background:url(http://evil.invalid/b)">x</span>',
    '<image href="http://evil.invalid/c"/>',
    f"<!--<script>{MARK}",
    f"{{{{ {MARK} }}}}${{{MARK}}}\u2028{MARK}",
)
ALL = " ".join(FORMS)
NAMES = (
    f'<img src=x onerror="{MARK}">',
    "<script>alert(1)<!--",
    "'\";--!>",
)
"""Of folders, which have no slash in them."""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A small run whose folder's name is hostile, analysed."""
    path = tmp_path_factory.mktemp("pages") / NAMES[0]
    gs.train("mod_add", p=7, frac_train=0.6, d_model=16, n_heads=2, d_head=8, d_mlp=16, steps=40, checkpoint_every=10,
             out=path)  # fmt: skip
    assert main(["analyze", str(path), "--quiet"]) == 0
    return path


def hostile(ds: xr.Dataset) -> xr.Dataset:
    """Return a dataset with hostile text wherever it holds text: attributes, labels, the run's name."""
    made = ds.copy()
    made.attrs |= {
        "run": ALL,
        "task_formula": ALL,
        "task": ALL,
        "key_rule": ALL,
        "key_at": ALL,
        "group": ALL,
        ALL: ALL,
    }
    made.attrs["grokscope_version"] = ALL
    made.attrs["config"] = json.dumps({ALL: ALL, "model": {"notes": ALL}})
    made.attrs["skipped"] = json.dumps({ALL: ALL})
    for name in made.variables:
        for attribute in ("long_name", "units", "formula", "source"):
            made[name].attrs[attribute] = f"{name} {ALL}"
    for name in ("component", "param"):
        if name in made.coords:
            labels = [f"{label} {ALL}" for label in made[name].values]
            made = made.assign_coords({name: (made[name].dims, labels, made[name].attrs)})
    return made


def check_inert(page: Path, opened: Any, drawn: int) -> None:
    """Assert that a page drew its figures, ran nothing of a stranger's and asked for nothing."""
    opened.open(page)
    opened.page.wait_for_timeout(300)  # what a stranger's program does may come late
    assert opened.page.evaluate("document.documentElement.dataset.drawn") == str(drawn)
    assert opened.page.locator("svg.main-svg").count() >= drawn
    assert opened.page.evaluate("document.documentElement.dataset.ran") is None
    assert opened.outside == []


@pytest.mark.slow
def test_a_report_of_a_hostile_run_is_inert_in_a_browser(run, browser_page, tmp_path):
    """Else opening the report of a stranger's run runs the stranger's program, or tells him that it was opened."""
    ds = hostile(read_dataset(run / "analysis.nc"))
    found = [Transition(t.name, t.low, t.high, t.censored, ALL, ALL, ALL) for t in transitions(ds)]
    verdict = judge(ds, transitions(ds)) | {"label": ALL, "sentence": ALL, "evidence": {ALL: ALL}}
    page = tmp_path / "report.html"
    page.write_text(render_report(ds, Transitions(found), verdict))
    check_inert(page, browser_page, page.read_text().count('<figure id="figure-'))


@pytest.mark.slow
def test_the_browser_test_can_fail(browser_page, tmp_path):
    """Else the tests here pass whatever the pages do: a page that runs and fetches is seen to do so."""
    page = tmp_path / "page.html"
    page.write_text(f"<html data-drawn=0><body>{FORMS[0]}{FORMS[2]}</body></html>")
    browser_page.open(page)
    assert browser_page.page.evaluate("document.documentElement.dataset.ran") == "1"
    assert browser_page.outside == ["http://evil.invalid/a"]


def test_a_run_named_as_a_script(run, browser_page):
    """Else the name of a folder is a program: `<img onerror=...>` on the page, in the title, in a figure."""
    assert main(["report", str(run)]) == 0
    text = (run / "report.html").read_text()
    assert "<img" not in text.replace("<image", "")
    check_inert(run / "report.html", browser_page, text.count('<figure id="figure-'))


@pytest.mark.slow
def test_every_figure_of_a_hostile_run_is_inert_in_a_browser(run, browser_page, tmp_path):
    """Else a figure by itself, --format html, is the way in that the report is not."""
    ds = hostile(read_dataset(run / "analysis.nc"))
    for name in available(ds):
        page = save(FIGURES[name](ds, transitions(ds)), tmp_path / f"{name}.html")
        check_inert(page, browser_page, 1)


@pytest.mark.parametrize("name", FIGURES)
def test_labels_hold_no_tags_of_the_run(name, run):
    """Else plotly makes links and styles of text in a run: a page that is fetched when somebody clicks, or looks."""
    ds = hostile(read_dataset(run / "analysis.nc"))
    if name not in available(ds):
        pytest.skip("not drawn for this run")
    from grokscope.figures.labels import figure_json

    text = figure_json(FIGURES[name](ds, transitions(ds)))
    assert not re.search(r"<(?:a|img|image|script|svg|!)", text)
    assert not re.search(r"<span[^>]*url", text)
    json.loads(text)


ODD = ("-p", "new\nline", "\x1b[31mred", NAMES[1])
ODDER = (
    "two words", "quo'te\"", "ünïcode ☃", "[red]bold[/red]", "a" * 200, "%s{0}${x}", "trailing ", ".hidden", "CON",
    NAMES[2],
)  # fmt: skip


@pytest.mark.parametrize(
    "name", [*ODD, *(pytest.param(name, marks=pytest.mark.slow) for name in ODDER)], ids=ascii
)
def test_commands_on_runs_of_odd_names(name, run, tmp_path, capfd):
    """Else a run that another system named cannot be opened, or what it is called reaches the terminal as a command."""
    path = tmp_path / name
    shutil.copytree(run, path, ignore=shutil.ignore_patterns("report.html"))
    given = f"./{name}" if name.startswith("-") else str(path)
    os.chdir(tmp_path)
    for words in (
        ["report", given],
        ["figure", given],
        ["check", given, "--quiet"],
        ["pack", given, "--out", "a.zip", "--quiet"],
        ["analyze", given, "--quiet"],
    ):
        code = main(words)
        out, err = capfd.readouterr()
        assert code in (0, 2), (words, err)
        assert "Traceback" not in err
        assert "\x1b[31mred" not in out + err  # else the name colours the terminal, or worse
    ds: xr.Dataset = read_dataset(path / "analysis.nc")
    write_dataset(ds, path / "analysis.nc")


def test_names_that_are_not_utf8(run, tmp_path, capfd):
    """Else each library in turn says in its own way that it cannot open such a path, some by a traceback."""
    path = tmp_path / os.fsdecode(b"not\xffutf8")
    shutil.copytree(run, path)
    for words in (
        ["analyze"],
        ["report"],
        ["figure"],
        ["check"],
        ["pack"],
        ["densify", "--between", "0", "10"],
    ):
        assert main([words[0], str(path), *words[1:]]) in (1, 2), words
        err = capfd.readouterr().err.strip()
        assert "\n" not in err
        assert "UTF-8" in err, words
