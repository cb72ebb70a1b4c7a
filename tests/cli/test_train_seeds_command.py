"""grokscope train --seeds and its engine options, as a user meets them."""

import json
from pathlib import Path

import pytest

from grokscope.cli import main
from grokscope.sweeps import open_sweep

SMALL = "--p 5 --d-model 8 --n-heads 2 --d-head 4 --d-mlp 8 --steps 4 --warmup 0 --frac-train 0.6"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words):
    return main(["train", "mod_add", *SMALL.split(), *words])


def test_many_seeds(capsys):
    """Else the command trains one run, says nothing of how it was computed, or trains again what is done."""
    args = ["--seeds", "0..3,9", "--workers", "0", "--split-seed", "2"]
    assert train(*args, "--json") == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert said["sweep"] == "checkpoints/mod_add-p5-seeds0..3,9"
    assert [(run["seed"], run["status"]) for run in said["runs"]] == [
        (seed, "done") for seed in (0, 1, 2, 3, 9)
    ]
    (engine,) = said["engines"]
    assert (engine["engine"], engine["device"], engine["stacked"]) == ("fast", "cpu", 5)
    assert "5/5" in captured.err
    found = open_sweep(said["sweep"])
    assert found.run("mod_add-p5", 9).config.split.split_seed == 2
    assert Path(said["dataset"]).is_file()
    assert train(*args, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "5 done" in captured.out
    assert "engine: fast, folding tables, not compiled, " in captured.out
    assert captured.out.splitlines()[-3].endswith(", stacks of 5")


def test_a_single_run_says_how_it_was_computed(capsys):
    """Else nobody knows which of the ways to compute was chosen."""
    options = "--engine hooked --folding weights --compile off --threads 1 --device cpu --quiet"
    assert train("--out", "one", *options.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        "engine: hooked, not compiled, 1 thread, cpu",
        "run: one",
        "next: grokscope analyze one",
    ]
    assert train("--out", "two", "--json", "--quiet", "--threads", "1") == 0
    engine = json.loads(capsys.readouterr().out)["engine"]
    assert engine["engine"] == "fast"
    assert engine["folding"] == "tables"
    assert engine["threads"] == 1
    assert not engine["compiled"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("--seeds 0..", ["seeds = '0..'", "3..7,10"]),
        ("--seeds 5..2", ["seeds = '5..2'"]),
        ("--seeds 0,1,0", ["0 twice"]),
        ("--seeds x", ["seeds = 'x'"]),
        ("--seeds 0..3 --seed 1", ["--seed 1 and --seeds 0..3", "one of the two"]),
        ("--seeds 0..1000", ["1,001 runs", "--yes"]),
        ("--seeds 0..1000000 --yes", ["1,000,001 runs"]),
        ("--workers 2", ["--seeds"]),
        ("--yes", ["--seeds"]),
        ("--seeds 0..3 --workers -1", ["workers = -1"]),
        ("--seeds 0..3 --workers two", ["--workers", "two"]),
        ("--engine quick", ["engine = 'quick'", "auto, fast, hooked"]),
        ("--folding x", ["folding = 'x'", "auto, tables, weights"]),
        ("--compile yes", ["compile = 'yes'", "auto, on, off"]),
        ("--threads -2", ["threads = -2"]),
        ("--device gpu", ["device = 'gpu'"]),
        ("--seeds 0..3 --engine hooked --dropout 0.1", ["engine = hooked with dropout"]),
        ("--seeds 0..3 --out file", ["file"]),
    ],
)
def test_mistakes_are_one_line(folder, capsys, args, words):
    """Else a slip ends in a traceback, or begins a folder."""
    (folder / "file").write_text("")
    assert train("--quiet", *args.split()) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    assert all(word in said for word in words), said
    assert [p.name for p in folder.iterdir()] == ["file"]


def test_an_interrupt_says_how_to_go_on(capsys, monkeypatch):
    """Else nobody knows what to type after Ctrl-C."""

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("grokscope.sweeps.seeds.sweep", interrupted)
    assert train("--seeds", "0..3", "--out", "my folder") == 130
    said = capsys.readouterr().err.strip()
    assert said.endswith(
        f"go on with: grokscope train mod_add {SMALL} --seeds 0..3 --out 'my folder'"
    )


def test_the_help_lists_them(capsys):
    """Else nobody finds --seeds."""
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    for option in ("--seeds", "--workers", "--engine", "--folding", "--compile", "--threads", "--device"):  # fmt: skip
        assert option in out


def test_a_sweep_without_stacks(capsys):
    """Else `grokscope sweep --no-stack` is not heeded."""
    fields = SMALL.replace("--", "").split()
    names = [word.replace("-", "_") for word in fields[::2]]
    lines = "\n".join(f"{k} = {v}" for k, v in zip(names, fields[1::2], strict=True))
    Path("mine.toml").write_text(f"seeds = '0..3'\n[set]\n{lines}\n")
    for option, stacked in (("--no-stack", None), ("--stack", 4)):
        out = option.strip("-")
        args = ["sweep", "mine.toml", "--out", out, "--workers", "0", "--quiet", option]
        assert main([*args, "--json"]) == 0
        runs = json.loads(capsys.readouterr().out)["runs"]
        infos = [json.loads((Path(out) / run["folder"] / "config.json").read_text()) for run in runs]  # fmt: skip
        assert [info.get("stacked") for info in infos] == [stacked] * 4
    assert main(["sweep", "mine.toml", "--device", "cud"]) == 2
    assert "device = 'cud'" in capsys.readouterr().err
