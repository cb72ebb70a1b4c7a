"""`grokscope densify` as a user sees it: what it says, its exit codes, its JSON."""

import json
import shutil
from pathlib import Path

import pytest

from grokscope.cli import main
from grokscope.config import RunConfig, override
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.run import open_run
from grokscope.training.loop import train_run

CONFIG = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3,
    steps=30, eval_every=4, checkpoint_every=5, keyframe_every=10,
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train_run(CONFIG, tmp_path_factory.mktemp("densify") / "run").path


@pytest.fixture
def run(trained, tmp_path) -> Path:
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def refused(capsys: pytest.CaptureFixture[str], argv: list[str], code: int = 2) -> str:
    """Run a command that must be refused in one line; return the line."""
    capsys.readouterr()
    assert main(["densify", *argv]) == code
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    return said


def test_what_it_says_and_does(run, capsys):
    """Else a user does not know from where it replays, how much it takes, and what was proved."""
    assert main(["densify", str(run), "--between", "11", "14", "--quiet"]) == 0
    assert main(["densify", str(run), "--between", "11", "17", "--every", "3"]) == 0
    said = capsys.readouterr().out
    assert "added 4 checkpoints from 11 to 14, proved bit for bit at step 15" in said
    assert "1 checkpoints from 17 to 17" in said
    assert "replays 10 steps from the key frame at 10" in said
    assert f"next: grokscope analyze {run}" in said
    assert {11, 12, 13, 14, 17} <= set(open_run(run).steps)
    assert main(["densify", str(run), "--between", "11", "14"]) == 0
    assert "nothing to add" in capsys.readouterr().out


def test_the_plan(run, capsys):
    """Else one cannot look before hours of replay."""
    before = open_run(run).steps
    assert main(["densify", str(run), "--between", "11", "13", "--plan"]) == 0
    assert "3 checkpoints from 11 to 13" in capsys.readouterr().out
    assert main(["densify", str(run), "--between", "11", "13", "--plan", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["missing"], said["from"], said["replayed"], said["proved_at"]) == (
        [11, 12, 13], 10, 5, 15,
    )  # fmt: skip
    assert open_run(run).steps == before


def test_json(run, capsys):
    """Else a program has to read sentences."""
    assert main(["densify", str(run), "--between", "11", "12", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "run": str(run), "low": 11, "high": 12, "every": 1, "from": 10, "replayed": 5,
        "proved_at": 15, "added": [11, 12],
    }  # fmt: skip


def test_from_a_key_frame_of_choice(run, capsys):
    """Else a bad key frame cannot be gone around, and the error names an option that is not there."""
    checkpoint_path(run / "state", 20).write_bytes(b"")
    said = refused(capsys, [str(run), "--between", "21", "22"], code=1)
    assert "--from 10" in said
    assert main(["densify", str(run), "--between", "21", "22", "--from", "10"]) == 0
    assert {21, 22} <= set(open_run(run).steps)


def test_requests_that_make_no_sense(run, capsys):
    """Else a slip of the hand is a traceback, or is taken for something else."""
    path = str(run)
    assert "neither steps nor an event" in refused(capsys, [path])
    assert "both steps and an event" in refused(
        capsys, [path, "--between", "1", "2", "--around", "grokked"]
    )
    assert "a margin without an event" in refused(
        capsys, [path, "--between", "1", "2", "--margin", "3"]
    )
    assert "smaller one first" in refused(capsys, [path, "--between", "9", "2"])
    assert "steps from 0 to 30" in refused(capsys, [path, "--between", "9", "31"])
    assert "did you mean 'memorised'" in refused(capsys, [path, "--around", "memorised_"])
    assert "was not seen in" in refused(capsys, [path, "--around", "grokked"])
    assert "grokscope analyze" in refused(capsys, [path, "--around", "circuit_onset"])
    assert "is not a directory" in refused(capsys, [path + "x", "--between", "1", "2"])
    refused(capsys, [path, "--between", "1"])
    refused(capsys, [path, "--between", "1", "2", "--every", "x"])


def test_a_replay_that_does_not_arrive_is_exit_code_1(run, capsys):
    """Else a script takes what was refused for done."""
    from grokscope.runs.checkpoints import read_tensors, write_tensors

    path = checkpoint_path(run / "state", 10)
    tensors, header = read_tensors(path)
    tensors["optimiser.embed.W_E.exp_avg"] *= 2
    write_tensors(path, tensors, 10, header["config"])
    said = refused(capsys, [str(run), "--between", "11", "14", "--quiet"], code=1)
    assert "does not meet" in said
