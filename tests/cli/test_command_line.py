"""The command line, as a user meets it: in process where possible, as a process where start-up is the point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grokscope.cli import COMMANDS, main
from grokscope.runs.checkpoints import checkpoint_path

TINY = "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 24 --steps 20 --checkpoint-every 5 --quiet"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny trained run."""
    path = tmp_path_factory.mktemp("cli") / "tiny"
    assert main(["train", "mod_add", *TINY.split(), "--out", str(path)]) == 0
    return path


@pytest.fixture
def copy(run_dir: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run that may be damaged."""
    import shutil

    target = tmp_path / "copy"
    shutil.copytree(run_dir, target)
    return target


def refused(capsys: pytest.CaptureFixture[str], argv: list[str], code: int = 2) -> str:
    """Run a command that must be refused in one line with this exit code; return the line."""
    capsys.readouterr()
    assert main(argv) == code
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said, f"more than one line: {said!r}"
    assert "Traceback" not in said
    return said


def test_help_is_quick_and_loads_nothing_heavy():
    """`grokscope --help` would be slow if it imported torch, transformer_lens, plotly or xarray."""
    code = (
        "import sys; from grokscope.cli import main; main(['--help']); "
        "print([m for m in ('torch', 'transformer_lens', 'plotly', 'xarray', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]):
    """A command whose options tyro cannot read would fail here."""
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_analyze_prints_the_agreed_json(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    """Programs read run, steps, key, transitions, verdict and report."""
    capsys.readouterr()
    assert main(["analyze", str(run_dir), "--json", "--quiet"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"run", "steps", "key", "transitions", "verdict", "report"}
    assert said["steps"] == [0, 5, 10, 15, 20]
    assert Path(said["report"]).is_file()
    assert {"name", "low", "high", "censored", "definition", "rows"} <= set(said["transitions"][0])
    on_disk = json.loads((run_dir / "transitions.json").read_text())
    assert on_disk == said["transitions"]


def test_analyze_chooses_measures_and_steps(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    """--measures takes names of measures and of variables, --steps lists and ranges."""
    from grokscope.pipeline import analysed_dataset

    assert (
        main(
            [
                "analyze",
                str(run_dir),
                "--measures",
                "gini,excluded_loss_each",
                "--steps",
                "0:10:10",
                "--quiet",
            ]
        )
        == 0
    )
    _, ds = analysed_dataset(run_dir)
    assert ds["step"].values.tolist() == [0, 10]
    assert "gini_embedding" in ds
    assert "excluded_loss" in ds
    assert "commutativity" not in ds


def test_figure_and_report(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    """A figure lands in the run's folder; the list says which can be drawn; the report is written again."""
    assert main(["analyze", str(run_dir), "--quiet"]) == 0
    assert main(["figure", str(run_dir), "progress"]) == 0
    assert (run_dir / "figures" / "progress.html").stat().st_size > 100_000
    (run_dir / "report.html").unlink()
    assert main(["report", str(run_dir)]) == 0
    assert (run_dir / "report.html").is_file()
    capsys.readouterr()
    assert main(["figure", str(run_dir), "--json"]) == 0
    assert "progress" in json.loads(capsys.readouterr().out)
    assert "progress" in refused(capsys, ["figure", str(run_dir), "progres"])


def test_the_ending_of_a_figure_says_its_format(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else `--out x.pdf` writes html under the name of a pdf."""
    import grokscope.figures.export as export

    monkeypatch.setattr(export, "_pictures", lambda static: [b"%PDF"] * len(static))
    assert main(["analyze", str(run_dir), "--quiet"]) == 0
    assert main(["figure", str(run_dir), "progress", "--out", str(tmp_path / "x.pdf")]) == 0
    assert (tmp_path / "x.pdf").read_bytes() == b"%PDF"
    assert main(["figure", str(run_dir), "progress", "--out", str(tmp_path / "x.html")]) == 0
    assert (tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("command", ["tasks", "measures", "presets"])
def test_lists(command: str, capsys: pytest.CaptureFixture[str]):
    """Each list is a table for people and JSON for programs."""
    assert main([command]) == 0
    assert capsys.readouterr().out.strip()
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["name"] for row in rows)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["trian"], ["trian", "did you mean 'train'"]),
        (["train", "mod_ad"], ["mod_ad", "mod_add"]),
        (["train", "mod_div", "--p", "12"], ["12", "prime"]),
        (["train", "--preset", "nanda"], ["nanda", "nanda2023"]),
        (["train", "mod_add", "--p", "abc"], ["--p", "abc"]),
        (["train", "mod_add", "--weight-dcay", "1"], ["--weight-dcay", "--weight-decay"]),
        (["train", "mod_add", "--frac-train", "0"], ["frac_train"]),
        (["train", "mod_add", "--frac-train", "nan"], ["frac_train"]),
        (["train", "mod_add", "--lr", "inf"], ["lr = inf", "finite"]),
        (["train", "mod_add", "--weight-decay", "nan"], ["weight_decay = nan", "finite"]),
        (["train", "mod_add", "--steps", "-3"], ["steps"]),
        (["train", "mod_add", "--p", "1"], ["p = 1"]),
        (["train", "mod_add", "--checkpoint-steps", "5", "999999"], ["999999"]),
        (["train", "mod_add", "--optimiser", "adamx"], ["adamx", "adamw"]),
        (["analyze"], ["analyze"]),
        (["analyze", "nowhere"], ["nowhere", "run directory"]),
        (["figure", "nowhere", "progress"], ["nowhere"]),
        (["report", "nowhere"], ["nowhere"]),
        (["resume", "nowhere"], ["nowhere"]),
        (["import", "nowhere.pt"], ["nowhere.pt"]),
        (["tasks", "--pp", "3"], ["--pp"]),
        (["tasks", "--p", "1"], ["p = 1"]),
    ],
)
def test_a_mistake_is_one_line(
    argv: list[str],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """What was given, what is accepted, exit code 2; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    said = refused(capsys, argv)
    assert all(word in said for word in words), said
    assert not list(tmp_path.iterdir())


def test_directories_that_are_no_run(
    tmp_path: Path, copy: Path, capsys: pytest.CaptureFixture[str]
):
    """A directory without configuration, one without checkpoints, a file instead of a directory."""
    assert "no config.json" in refused(capsys, ["analyze", str(tmp_path)])
    for file in (copy / "checkpoints").iterdir():
        file.unlink()
    assert "no checkpoint" in refused(capsys, ["analyze", str(copy), "--quiet"])
    (copy / "checkpoints").rmdir()
    assert "empty run" in refused(capsys, ["analyze", str(copy), "--quiet"])
    (tmp_path / "file").write_text("x")
    assert "not a directory" in refused(capsys, ["analyze", str(tmp_path / "file")])
    assert "not a directory" in refused(capsys, ["analyze", str(copy / "metrics.jsonl")])


def test_a_truncated_checkpoint(copy: Path, capsys: pytest.CaptureFixture[str]):
    """The damaged file is named, and the exit code says that the run is not sound."""
    path = checkpoint_path(copy / "checkpoints", 10)
    path.write_bytes(path.read_bytes()[:1000])
    assert path.name in refused(capsys, ["analyze", str(copy), "--quiet"], code=1)
    assert path.name in refused(capsys, ["analyze", str(copy)], code=1)  # nor a bar that stopped


def test_a_weight_that_is_not_a_number(copy: Path, capsys: pytest.CaptureFixture[str]):
    """File and weight are named."""
    from grokscope.runs.checkpoints import write_tensors
    from grokscope.runs.run import open_run

    run = open_run(copy)
    weights = run.weights(10)
    weights["blocks.0.mlp.W_in"][0, 0] = torch.nan
    path = checkpoint_path(copy / "checkpoints", 10)
    write_tensors(path, weights, 10, run.config_hash)
    said = refused(capsys, ["analyze", str(copy), "--quiet"], code=1)
    assert path.name in said
    assert "blocks.0.mlp.W_in" in said


def test_unknown_measure_and_steps(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    """The nearest measure is named; steps without a checkpoint and nonsense are refused."""
    assert "excluded_loss" in refused(
        capsys, ["analyze", str(run_dir), "--measures", "excluded_los"]
    )
    assert "step 7" in refused(capsys, ["analyze", str(run_dir), "--steps", "7", "--quiet"])
    for text in ("a:b", "1:2:3:4", "1,x", "3:4", "::0"):
        assert "--steps" in refused(capsys, ["analyze", str(run_dir), "--steps", text, "--quiet"])


def test_unwritable_output(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder that cannot be made (a file is in the way), and one that holds something already."""
    (tmp_path / "file").write_text("x")
    inside = str(tmp_path / "file" / "run")
    assert inside in refused(capsys, ["train", "mod_add", *TINY.split(), "--out", inside])
    assert "not empty" in refused(
        capsys, ["train", "mod_add", *TINY.split(), "--out", str(run_dir)]
    )
    assert main(["analyze", str(run_dir), "--quiet"]) == 0
    capsys.readouterr()
    figure = str(tmp_path / "file" / "x.html")
    assert figure in refused(capsys, ["figure", str(run_dir), "progress", "--out", figure])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_run(copy: Path, capsys: pytest.CaptureFixture[str]):
    """A run that cannot be written to is left as it was."""
    copy.chmod(0o555)
    try:
        assert "cannot write" in refused(capsys, ["analyze", str(copy), "--quiet"])
    finally:
        copy.chmod(0o755)


def test_figure_before_analyze(copy: Path, capsys: pytest.CaptureFixture[str]):
    """The line says what to run first."""
    for file in ("analysis.nc", "report.html"):
        (copy / file).unlink(missing_ok=True)
    assert "grokscope analyze" in refused(capsys, ["figure", str(copy), "progress"])


def test_resume_of_a_finished_run_changes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]):
    """A finished run has nothing to go on with: metrics and checkpoints stay as they were."""
    before = {
        p.name: p.read_bytes() for p in copy.rglob("*") if p.is_file() and p.suffix != ".html"
    }
    assert main(["resume", str(copy), "--quiet"]) == 0
    after = {p.name: p.read_bytes() for p in copy.rglob("*") if p.is_file() and p.suffix != ".html"}
    assert {k: v for k, v in after.items() if k in before} == before
