"""grokscope resume: goes on, says what it passed over, what is complete, and what diverged."""

import json

import pytest

from grokscope.cli import main

SMALL = [
    "mod_add", "--p", "7", "--frac-train", "0.6", "--d-model", "8", "--n-heads", "2", "--d-head", "4",
    "--d-mlp", "12", "--steps", "30", "--checkpoint-every", "5", "--eval-every", "5", "--compile", "off",
    "--quiet", "--keyframe-every", "10",
]  # fmt: skip


def train(folder, *more):
    return main(["train", *SMALL, "--out", str(folder), *more])


def test_a_complete_run(tmp_path, capsys):
    """Else resuming a complete run says nothing, or trains it once more."""
    assert train(tmp_path / "run") == 0
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    capsys.readouterr()
    assert main(["resume", str(tmp_path / "run"), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert said == f"{tmp_path}/run is complete, nothing was done: trained to its last step, 30\n"
    assert before == {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert main(["resume", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["was_complete"] is True


@pytest.mark.parametrize("command", ["train", "resume"])
def test_a_run_that_diverged(tmp_path, capsys, command):
    """Else a run that diverged ends as a success, or its state is not kept."""
    code = train(
        tmp_path / "run", "--optimiser", "sgd", "--lr", "1e18", "--weight-decay", "0",
        "--loss-dtype", "float32",
    )  # fmt: skip
    if command == "resume":
        capsys.readouterr()
        code = main(["resume", str(tmp_path / "run"), "--quiet"])
    assert code == 1
    assert "diverged at step" in capsys.readouterr().out
    assert not list((tmp_path / "run").rglob("*.part"))


def test_a_damaged_key_frame_is_said(tmp_path, capsys):
    """Else a run goes on from an earlier key frame and nobody knows that a file of it is damaged."""
    from grokscope.cli.train import RunConfig
    from grokscope.config import override
    from grokscope.training.engine import EngineConfig
    from grokscope.training.loop import train_run

    config = override(
        RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, steps=30, checkpoint_every=5,
        keyframe_every=10,
    )  # fmt: skip
    run = train_run(config, tmp_path / "run", stop_after=25, engine=EngineConfig(compile="off"))
    state = run.state / "step-00000025.safetensors"
    state.write_bytes(state.read_bytes()[:-1])
    assert main(["resume", str(run.path), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"note: {state} is damaged")
    assert "going on from an earlier key frame" in out.splitlines()[0]
    assert out.splitlines()[1] == f"run: {run.path}"
