"""grokscope sweep, as a user meets it: table, JSON, dry run, exit codes, and how long the rest may take."""

import json
from pathlib import Path

import pytest

from grokscope.cli import main
from grokscope.cli.sweep_progress import Work
from grokscope.sweeps import open_sweep
from grokscope.sweeps.record import SweepRun
from grokscope.sweeps.start import Update

FILE = """
seeds = [0, 1]
[set]
p = 5
d_model = 8
n_heads = 2
d_head = 4
d_mlp = 8
steps = 4
warmup = 0
frac_train = 0.6
[grid]
lr = [0.01, 1e30]
"""


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(FILE)
    return tmp_path / "mine.toml"


def test_a_dry_run_lists_and_writes_nothing(file, capsys):
    """Else nobody sees before a night of training what will be trained."""
    assert main(["sweep", "mine.toml", "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["sweep"] == "checkpoints/mine"
    assert [(r["label"], r["seed"], r["status"]) for r in said["runs"]] == [
        ("lr 0.01", 0, "not started"), ("lr 1e+30", 0, "not started"),
        ("lr 0.01", 1, "not started"), ("lr 1e+30", 1, "not started"),
    ]  # fmt: skip
    assert said["dataset"] is None
    assert main(["sweep", "mine.toml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "4 runs of 2 settings; nothing was trained" in out
    assert [p.name for p in file.parent.iterdir()] == ["mine.toml"]


def test_a_sweep_from_the_command_line(file, capsys):
    """Else the command does not end in what other programs and people read."""
    args = ["sweep", "mine.toml", "--out", "here", "--workers", "0"]
    assert main([*args, "--json"]) == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert said["sweep"] == "here"
    assert said["dataset"] == "here/sweep.nc"
    assert Path(said["dataset"]).is_file()
    assert [r["status"] for r in said["runs"]] == ["done", "diverged"] * 2
    assert (Path("here") / said["runs"][0]["folder"] / "config.json").is_file()
    assert "4/4" in captured.err
    assert main([*args, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    words = captured.out.split()
    assert words.count("done") == words.count("diverged") == 1
    assert "dataset: here/sweep.nc" in captured.out
    assert main([*args, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("diverged") == 2


def test_a_failed_run_is_exit_code_1(file, capsys):
    """Else a script takes a sweep with a hole in it for a whole one."""
    args = ["sweep", "mine.toml", "--out", "here", "--workers", "0", "--quiet"]
    assert main([*args, "--dry-run", "--json"]) == 0
    folder = json.loads(capsys.readouterr().out)["runs"][2]["folder"]
    (Path("here") / folder).mkdir(parents=True)
    (Path("here") / folder / "mine.txt").write_text("")
    assert main(args) == 1
    out = capsys.readouterr().out
    assert "failed: 'lr 0.01' seed 1: " in out
    assert "is not empty" in out
    assert main([*args, "--json"]) == 1
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [r["status"] for r in runs] == ["done", "diverged", "failed", "diverged"]


def test_an_interrupt_says_how_to_go_on(file, capsys, monkeypatch):
    """Else nobody knows what to type after Ctrl-C, or a progress bar stands above it."""

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("grokscope.sweeps.start.sweep", interrupted)
    monkeypatch.setattr("grokscope.sweeps.sweep", interrupted)
    assert main(["sweep", "mine.toml", "--out", "my folder", "--workers", "3", "--yes"]) == 130
    said = capsys.readouterr().err.strip()
    assert said == (
        "grokscope: interrupted; the state of every run is kept; "
        "go on with: grokscope sweep mine.toml --out 'my folder' --workers 3 --yes"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["sweep", "nothing.toml"], ["there is no file nothing.toml"]),
        (["sweep", "mine.toml", "--workers", "-1"], ["workers = -1"]),
        (["sweep", "mine.toml", "--workers", "many"], ["--workers", "many"]),
        (["sweep"], ["sweep"]),
        (["sweep", "mine.toml", "--out", "mine.toml"], ["mine.toml"]),
        (["sweep", "mine.toml", "--out", "mine.toml", "--dry-run"], ["mine.toml"]),
    ],
)
def test_mistakes_are_one_line(file, capsys, args, words):
    """Else a slip on the command line ends in a traceback, or begins a folder."""
    assert main(args) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    assert all(word in said for word in words), said
    assert [p.name for p in file.parent.iterdir()] == ["mine.toml"]


def test_more_than_a_thousand_runs_are_asked_about(file, capsys, monkeypatch):
    """Else a slip in a range begins a month of training; and a dry run of it fills the terminal."""
    file.write_text(FILE.replace("[0, 1]", "'0..999999'"))
    for option in ([], ["--dry-run"]):
        assert main(["sweep", "mine.toml", *option]) == 2
        assert "2,000,000 runs" in capsys.readouterr().err
    file.write_text(FILE.replace("[0, 1]", "'0..500'"))
    assert main(["sweep", "mine.toml", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "1,002 runs" in said
    assert "--yes" in said
    monkeypatch.setattr("grokscope.sweeps.plan.ASK_FROM", 3)
    file.write_text(FILE)
    assert main(["sweep", "mine.toml", "--dry-run"]) == 2
    capsys.readouterr()
    assert main(["sweep", "mine.toml", "--dry-run", "--yes", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 4


def update(index, kind, step=0, status="interrupted"):
    run = SweepRun("a", index, "runs/a", "hash", 10, status)
    return Update(index, run, kind, steps=100, of=6, step=step)


def test_how_long_the_rest_may_take():
    """Else runs found done, resumed or interrupted make the rest look quicker or slower than it is."""
    now = [0.0]
    work = Work(clock=lambda: now[0])
    work.hear(update(0, "ended", status="done"))  # it was there: it took no time
    assert (work.ended, work.words(6)) == (1, "")
    now[0] = 50.0  # time before the first run begins is none of theirs
    work.hear(update(1, "started"))
    work.hear(update(2, "started"))
    work.hear(update(1, "metrics", 0))
    work.hear(update(2, "metrics", 60))  # it goes on from step 60
    assert work.words(6) == "0:00 so far"
    now[0] = 110.0
    work.hear(update(1, "metrics", 50))
    work.hear(update(2, "metrics", 80))
    # 60 s for half of one run and half of what was left of another: one run's worth; 4 are left of 6.
    assert work.words(6) == "1:00 so far, about 4:00 left"
    work.hear(update(2, "ended", status="done"))
    work.hear(update(1, "ended", status="interrupted"))
    assert work.ended == 2
    assert work.words(6) == "1:00 so far, about 4:00 left"
    now[0] += 4000
    for index in (1, 3, 4, 5):
        work.hear(update(index, "started"))
        work.hear(update(index, "ended", status="stopped early"))
    assert work.words(6) == "1:07:40 so far"


def test_the_sweep_is_open_while_it_runs(file):
    """Else a table of a sweep in training has to wait for its end."""
    from grokscope.sweeps import sweep

    seen = []

    def listen(update):
        if update.kind == "metrics" and not seen:
            found = open_sweep("here")
            seen.append(([run.status for run in found.runs], found.dataset().sizes["step"]))

    sweep(file, "here", workers=0, on_update=listen)
    assert seen == [(["interrupted"] + ["not started"] * 3, 1)]
