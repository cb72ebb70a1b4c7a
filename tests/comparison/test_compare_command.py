"""`grokscope compare` from folders to tables and files, on runs that were trained."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import grokscope as gs
from grokscope.cli import main
from grokscope.figures.export import FORMATS

SPECIFICATION: dict[str, Any] = {
    "name": "tiny",
    "task": "mod_add",
    "seeds": [0, 1],
    "set": {
        "p": 7,
        "d_model": 8,
        "n_heads": 2,
        "d_head": 4,
        "d_mlp": 8,
        "steps": 20,
        "checkpoint_log": 3,
    },
    "grid": {"weight_decay": [0.0, 1.0]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained sweep of four tiny runs, two of each setting; not analysed."""
    path = tmp_path_factory.mktemp("compare") / "tiny"
    gs.sweep(SPECIFICATION, out=path, workers=0)
    return path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a task over another group."""
    path = tmp_path_factory.mktemp("compare") / "group"
    shape = dict(layout="a b", architecture="mlp", d_model=8, d_mlp=8, steps=20, checkpoint_log=3)
    gs.train("group_mul", group="S3", out=path, **shape)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["compare", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["compare", *map(str, words)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    return said


def test_a_sweep_stands_for_its_runs_which_are_analysed_first(folder, tmp_path, capsys):
    """Else runs that nobody analysed cannot be compared, or seeds stand apart."""
    words = ("--json", "--quiet", "--table", "accuracy", "--out", tmp_path / "out")
    found = json.loads(run(capsys, folder, *words))
    assert [group["name"] for group in found["groups"]] == ["weight decay 0", "weight decay 1"]
    assert [len(group["runs"]) for group in found["groups"]] == [2, 2]
    assert all((Path(r["path"]) / "analysis.nc").is_file() for r in found["runs"])
    assert found["tables"]["accuracy"][0]["rows"] == "read at step"
    names = {Path(file).name for file in found["files"]}
    assert names == {"settings.csv", "events.csv", "delays.csv", "groups.csv", "accuracy.csv"}
    with (tmp_path / "out" / "settings.csv").open() as file:
        rows = list(csv.DictReader(file))
    cells = next(list(row.values())[1:] for row in rows if row["setting"] == "weight decay")
    assert sorted(cells) == ["0", "0", "1", "1"]
    # The same numbers as the run's own file says.
    first = found["runs"][0]
    kept = json.loads((Path(first["path"]) / "transitions.json").read_text())
    assert first["events"] == {t["name"]: [t["low"], t["high"]] for t in kept}


def test_every_figure_and_its_data_are_written(folder, tmp_path, capsys):
    """Else a figure of a run cannot be compared, or is written without its numbers and words."""
    runs = sorted((folder / "runs").iterdir())[:2]
    said = run(capsys, *runs, "--figure", "all", "--out", tmp_path, "--tables", "md")
    written = {path.name for path in tmp_path.iterdir()}
    for name in ("progress", "timeline", "norms", "ablations", "operation_table"):
        assert {f"compare_{name}.{end}" for end in ("html", "csv", "txt")} <= written
        assert str(tmp_path / f"compare_{name}.html") in said.replace("\n", "")
    assert "events.md" in written
    caption = (tmp_path / "compare_norms.txt").read_text()
    assert "2 runs" in caption
    assert "optimiser = adamw" in caption


def test_one_picture(folder, tmp_path, capsys):
    """Else pdf, svg and png of a comparison need another way than the other figures do."""
    assert "png" in FORMATS
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("needs a Chromium")
    run(capsys, folder, "--figure", "norms", "--format", "png", "--width", "single", "--out", tmp_path)  # fmt: skip
    assert (tmp_path / "compare_norms.png").read_bytes()[:4] == b"\x89PNG"


def test_two_tasks_beside_each_other(folder, other, capsys):
    """Else runs of different tasks raise, or hide what they do not share."""
    first = next((folder / "runs").iterdir())
    words = ("--quiet", "--table", "key_frequency", "--figure", "progress")
    said = run(capsys, first, other, *words, "--out", folder.parent / "two")
    assert "a + b mod p" in said
    assert "without this variable: group" in said
    assert "in common:" in said


def test_one_run_is_a_table_of_one(folder, capsys):
    """Else a script that is given one run fails."""
    first = next((folder / "runs").iterdir())
    found = json.loads(run(capsys, first, "--json", "--quiet"))
    assert [r["name"] for r in found["runs"]] == [first.name]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no run to compare"),
        (("FOLDER", "RUN"), "is given twice"),
        (("FOLDER/nothing",), "is no folder"),
        (("FOLDER/runs",), "config.json"),
        (("RUN", "--figure", "progres"), "did you mean 'progress'?"),
        (("RUN", "--figure", "norms", "--align", "memorized"), "did you mean 'memorised'?"),
        (("RUN", "--table", "accuracy@"), "VARIABLE@EVENT"),
        (("RUN", "--table", "acuracy"), "did you mean 'accuracy'?"),
        (("RUN", "--figure", "all", "--option", "step=3"), "one figure"),
        (("RUN", "--figure", "norms", "--option", "stp=3"), "--option stp=3"),
        (("RUN", "--relative", "--figure", "norms"), "relative without an event"),
    ],
)
def test_what_makes_no_sense_is_one_line(folder, capsys, words, said):
    """Else a slip ends in a traceback."""
    first = str(next((folder / "runs").iterdir()))
    places = [w.replace("FOLDER", str(folder)).replace("RUN", first) for w in words]
    assert said in refused(capsys, *places)
