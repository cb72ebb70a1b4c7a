"""`grokscope analyze` a second time: nothing is written where nothing is new, and all of it where something is."""

import json
import shutil

import pytest
import xarray
from small_run import add_checkpoint, counted, make_run

from grokscope import pipeline
from grokscope.analysis import read_dataset
from grokscope.cli import main
from grokscope.errors import RequestError
from grokscope.pipeline import OUTPUTS, analyse_run
from grokscope.runs.metrics import FILE, MetricsWriter


@pytest.fixture
def run(tmp_path):
    made = make_run(tmp_path / "run")
    analyse_run(made.path)
    return made


def times(run) -> dict[str, int]:
    return {name: (run.path / name).stat().st_mtime_ns for name in OUTPUTS}


def test_nothing_new_writes_nothing(run, monkeypatch):
    """Else a second look at a long run takes as long as the report takes to draw."""
    before, content = times(run), {n: (run.path / n).read_bytes() for n in OUTPUTS}
    with counted(monkeypatch) as computed:
        found = analyse_run(run.path)
    assert not computed
    assert times(run) == before
    assert found.transitions.to_json() == json.loads(content["transitions.json"])
    xarray.testing.assert_identical(found.dataset, read_dataset(run.path / "analysis.nc"))
    fresh = analyse_run(run.path, cache=False)
    assert found.verdict == fresh.verdict
    assert {n: (run.path / n).read_bytes() for n in OUTPUTS if n != "analysis.nc"} == {
        n: c for n, c in content.items() if n != "analysis.nc"
    }


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_missing_or_changed_output_is_written(run, name, monkeypatch):
    """Else an output that was deleted or damaged is never made again."""
    path = run.path / name
    good = path.read_bytes()
    for damage in (path.unlink, lambda: path.write_bytes(good[:-1])):
        damage()
        with counted(monkeypatch) as computed:
            analyse_run(run.path)
        assert not computed
        assert abs(len(path.read_bytes()) - len(good)) < 64


def test_a_new_line_of_metrics_a_new_option_a_new_name(run):
    """Else the outputs are those of other inputs than the run has."""
    writer = MetricsWriter(run.path / FILE)
    writer.append({"step": 3, "loss_train": 1.0})
    writer.close()
    before = times(run)
    assert analyse_run(run.path).dataset.metric_step.values.tolist() == [3]
    assert times(run) != before
    assert analyse_run(run.path, steps=[0, 10]).dataset.step.values.tolist() == [0, 10]
    assert analyse_run(run.path).dataset.step.values.tolist() == [0, 10, 20, 30]
    assert "loss" not in analyse_run(run.path, ["gini"]).dataset
    shutil.move(run.path, run.path.parent / "moved")
    assert analyse_run(run.path.parent / "moved", ["gini"]).dataset.attrs["run"] == "moved"


def test_a_new_checkpoint(run):
    """Else a run that went on is shown as it was."""
    add_checkpoint(run, 40)
    assert analyse_run(run.path).dataset.step.values[-1] == 40


def test_a_damaged_stamp(run, monkeypatch):
    """Else a file that is no stamp is an error."""
    for text in ("", "[]", "{", '{"inputs": 1}'):
        (run.path / "cache" / "outputs.json").write_text(text)
        with counted(monkeypatch) as computed:
            analyse_run(run.path)
        assert not computed


def test_a_run_that_cannot_be_written(run, monkeypatch):
    """Else everything is measured before it is said that nothing can be written."""
    monkeypatch.setattr(pipeline.os, "access", lambda path, mode: False)
    with (
        counted(monkeypatch) as computed,
        pytest.raises(RequestError, match="cannot write"),
    ):
        analyse_run(run.path, key_rule="logit")
    assert not computed


def test_options_of_the_command(run, monkeypatch, capsys):
    """Else `--no-cache` or `--threads` is not heard."""
    with counted(monkeypatch) as computed:
        assert main(["analyze", str(run.path), "--json", "--quiet"]) == 0
    assert not computed
    told = json.loads(capsys.readouterr().out)
    with counted(monkeypatch) as computed:
        assert (
            main(["analyze", str(run.path), "--no-cache", "--threads", "2", "--json", "--quiet"])
            == 0
        )
    assert computed
    assert json.loads(capsys.readouterr().out) == told
    assert main(["analyze", str(run.path), "--no-cache", "--threads", "0"]) == 2
    assert "0 threads" in capsys.readouterr().err
