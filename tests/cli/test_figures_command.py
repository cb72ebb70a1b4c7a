"""`grokscope figure` with several names, all, a panel, and without a browser."""

import json
from pathlib import Path
from typing import Any

import pytest

import grokscope as gs
from grokscope import figures
from grokscope.cli import main
from grokscope.figures import export

SMALL: dict[str, Any] = dict(
    p=7, d_model=8, n_heads=2, d_head=4, d_mlp=8, steps=40, checkpoint_every=20
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an analysed run of forty steps."""
    path = tmp_path_factory.mktemp("figures") / "small"
    gs.train("mod_add", out=path, **SMALL)
    assert main(["analyze", str(path), "--json"]) == 0
    return path


def figure(capsys: pytest.CaptureFixture[str], *argv: object, code: int = 0) -> tuple[str, str]:
    """Run the command; return what it printed on both streams."""
    capsys.readouterr()
    assert main(["figure", *map(str, argv)]) == code
    said = capsys.readouterr()
    return said.out, said.err


def test_several_figures_in_one_call(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Else each figure of a paper needs a call, and a browser, of its own."""
    out, _ = figure(capsys, run, "gini", "norms", "gini", "--out", tmp_path / "f")
    assert out.split() == [str(tmp_path / "f" / "gini.html"), str(tmp_path / "f" / "norms.html")]
    names = {f"{stem}.{kind}" for stem in ("gini", "norms") for kind in ("csv", "html", "txt")}
    assert {path.name for path in (tmp_path / "f").iterdir()} == names


def test_all_figures_and_why_others_are_not_drawn(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Else one figure that lacks its measure ends the call, or is left out without a word."""
    starts: list[int] = []
    monkeypatch.setattr(
        export, "_pictures", lambda work: starts.append(len(work)) or [b"%PDF"] * len(work)
    )
    out, _ = figure(capsys, run, "all", "--format", "pdf", "--out", tmp_path, "--json")
    said = json.loads(out)
    drawn = [each["figure"] for each in said["figures"]]
    skipped = [each["figure"] for each in said["skipped"]]
    assert sorted(drawn + skipped) == sorted(figures.NAMES)
    assert "circle_forms" in skipped
    reason = next(each["reason"] for each in said["skipped"] if each["figure"] == "circle_forms")
    assert reason.startswith("has nothing to draw: no finite value of 'circle_clock_share'")
    assert starts == [len(drawn)]
    for each in said["figures"]:
        assert Path(each["data"]).read_text().startswith("panel,series,x,y")
        assert Path(each["caption_file"]).read_text() == each["caption"] + "\n"
        assert "task.p = 7" in each["caption"]
    out, _ = figure(capsys, run, "all", "--format", "pdf", "--out", tmp_path)
    assert "not drawn: circle_forms: has nothing to draw" in out


def test_a_panel(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Else a paper's Figure 1 is put together by hand."""
    out, _ = figure(
        capsys, run, "--panel", "progress,gini, norms", "--out", tmp_path / "fig1.html",
        "--option", "log_steps=true", "--json",
    )  # fmt: skip
    said = json.loads(out)
    assert said["figure"] == "panel"
    assert "(c) Squared weight norms" in said["caption"]
    assert "log_steps = True" in said["caption"]
    assert {line.split(",")[0] for line in (tmp_path / "fig1.csv").read_text().splitlines()} == {
        "panel", "a.1", "a.2", "b", "c",
    }  # fmt: skip
    assert 'role="img"' in (tmp_path / "fig1.html").read_text()


def test_without_a_browser_html_is_written_and_said(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Else who has no Chromium gets nothing, or a script takes html for the pdf that it asked for."""
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    pytest.importorskip("kaleido")
    out, err = figure(capsys, run, "gini", "--out", tmp_path / "g.pdf", code=1)
    assert out.strip() == str(tmp_path / "g.html")
    assert err.startswith("grokscope: ")
    assert err.count("\n") == 1
    assert "html was written instead" in err
    assert "chromium" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.csv", "g.html", "g.txt"]


def test_an_option_goes_to_the_figures_that_have_it(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Else one option for a panel's curves is refused by its heat map, or a misspelt one by none."""
    figure(capsys, run, "gini", "operation_table", "--option", "log_steps=true", "--out", tmp_path)
    assert "log_steps = True" in (tmp_path / "gini.txt").read_text()
    assert "log_steps" not in (tmp_path / "operation_table.txt").read_text().split("Settings:")[0]
    _, err = figure(
        capsys, run, "gini", "norms", "--option", "log_stpes=true", "--out", tmp_path, code=2
    )
    assert "did you mean 'log_steps'" in err
    _, err = figure(capsys, run, "all", "--option", "log_stpes=true", "--out", tmp_path, code=2)
    assert "did you mean 'log_steps'" in err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["gini", "--panel", "norms"], "names beside --panel; accepted: one of both"),
        (["all", "gini"], "all beside other names"),
        (["gini", "nroms"], "did you mean 'norms'"),
        (
            ["gini", "norms", "--out", "x.pdf"],
            "--out x.pdf for several figures; accepted: a folder",
        ),
        (["gini", "circle_forms"], "has nothing to draw"),
        (["--panel", "gini", "--columns", "0"], "columns = 0"),
        (["gini", "--theme", "paprika"], "theme"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_written(
    run: Path, capsys: pytest.CaptureFixture[str], argv: list[str], told: str
):
    """Else a traceback, or half of the figures."""
    before = sorted(run.rglob("*"))
    _, err = figure(capsys, run, *argv, code=2)
    assert told in err
    assert err.count("\n") == 1
    assert sorted(run.rglob("*")) == before
