"""Whoever looks at a run while it is trained sees whole things, every time."""

import random
import time
from pathlib import Path

import pytest
from commands_on import run_command
from interrupting import start

import grokscope as gs

SIZE = (
    "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 16 --steps 200000 "
    "--checkpoint-every 1 --eval-every 1 --keyframe-every 50 --quiet"
).split()


READS, FEW = 100, 30


@pytest.fixture
def run_in_training(tmp_path: Path):
    """A run that another process trains, with a checkpoint and a line of metrics at every step."""
    process, _ = start(["train", "mod_add", *SIZE, "--out", "run"], tmp_path)
    end = time.monotonic() + 120
    while len(list((tmp_path / "run" / "checkpoints").glob("step-*"))) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    yield tmp_path / "run"
    assert process.poll() is None, "the trainer ended by itself"
    process.kill()
    process.communicate()


def look(path: Path, rng: random.Random) -> None:
    """Read one thing of a run, and check that it is whole."""
    run = gs.open_run(path)
    what = rng.random()
    if what < 0.25:
        lines = run.metrics()
        steps = [line["step"] for line in lines]
        assert steps == list(range(len(steps))), "a line is missing, doubled or out of order"
        assert all("loss_train" in line for line in lines)
    elif what < 0.5:
        last = run.steps[-1]
        assert run.snapshot().step >= last
    elif what < 0.9:
        step = rng.choice(run.steps)
        assert run.weights(step).keys() == run.weights(0).keys()
    else:
        frames, steps = run.keyframes, run.steps
        assert not frames or frames[-1] <= steps[-1], "a key frame before its checkpoint"


# 1,000 reads are ten times 100: a hundred thousand checkpoints in a folder would only make them slow.
TIMES = [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 11))]


@pytest.mark.parametrize("number", TIMES)
def test_readers_never_fail(run_in_training: Path, number: int):
    """Else a notebook beside a trainer dies now and then, of half a file."""
    rng, before = random.Random(number), len(gs.open_run(run_in_training).steps)
    for _ in range(READS if number else FEW):
        look(run_in_training, rng)
    assert len(gs.open_run(run_in_training).steps) > before, "nothing was written meanwhile"


def test_an_analysis_of_a_run_in_training(run_in_training: Path):
    """Else the checkpoints that come while it measures end it."""
    ds = gs.analyze(run_in_training, measures=["performance"], steps=[0, 2, 4], cache=False)
    assert ds["step"].values.tolist() == [0, 2, 4]


def test_a_check_of_a_run_in_training_is_no_false_alarm(run_in_training: Path):
    """Else whoever checks a run that is not done yet is told that files are missing."""
    answer = run_command(["check", str(run_in_training), "--quiet", "--samples", "3"])
    assert answer.code == 0, answer.out
