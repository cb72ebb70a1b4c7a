"""grokscope check: exit codes, the table, JSON."""

import json
import shutil

import pytest

from grokscope.cli import main
from grokscope.config import RunConfig, override
from grokscope.training.loop import train_run


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return a small run; not to be written to."""
    config = override(
        RunConfig(), p=5, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=8, steps=20,
        checkpoint_every=5,
    )  # fmt: skip
    return train_run(config, tmp_path_factory.mktemp("command") / "run").path


def test_a_sound_run_exits_0(checked, capsys):
    """Else a script takes a sound run for a damaged one."""
    assert main(["check", str(checked)]) == 0
    assert capsys.readouterr().out.startswith("sound (done): 5 checkpoints")
    assert main(["check", str(checked), "--json", "--quick", "--samples", "3"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["sound"] is True
    assert said["findings"] == []
    assert said["looked"]["recomputed"] == 0


def test_a_damaged_run_exits_1(checked, capsys, tmp_path):
    """Else a script goes on with a damaged run, or the table does not name the file."""
    shutil.copytree(checked, tmp_path / "run")
    path = tmp_path / "run" / "checkpoints" / "step-00000010.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["check", str(tmp_path / "run"), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["sound"] is False
    (found,) = said["findings"]
    assert found["file"] == "checkpoints/step-00000010.safetensors"
    assert found["level"] == "fault"
    assert found["remedy"]
    assert main(["check", str(tmp_path / "run")]) == 1
    out = capsys.readouterr().out
    assert "step-00000010" in out
    assert "damaged: 1 fault;" in out


def test_no_run_exits_2(capsys, tmp_path):
    """Else a misspelt path is a damaged run."""
    for argv in (["check", str(tmp_path / "none")], ["check", str(tmp_path)], ["check"]):
        assert main(argv) == 2
        assert capsys.readouterr().err.count("\n") == 1
