"""Runs that may stop before their last step, and what a run's status says."""

import dataclasses

import pytest
import torch

from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.runs.status import run_status
from grokscope.training.early_stop import CONSECUTIVE, EarlyStop
from grokscope.training.loop import train_run
from grokscope.training.resolve import resolve
from grokscope.training.resume import resume_run

TINY = override(
    RunConfig(),
    p=7,
    frac_train=0.7,
    d_model=16,
    n_heads=2,
    d_head=8,
    d_mlp=32,
    lr=0.01,
    steps=60,
    eval_every=2,
    checkpoint_every=2,
)


def fifth_in_a_row(lines: list[dict], level: float) -> int:
    """Return the step of the first line that ends five lines at or above `level`."""
    for i in range(CONSECUTIVE - 1, len(lines)):
        if all(line["accuracy_test"] >= level for line in lines[i - CONSECUTIVE + 1 : i + 1]):
            return int(lines[i]["step"])
    return TINY.schedule.steps


def stopping(level: float) -> RunConfig:
    return dataclasses.replace(
        TINY, schedule=dataclasses.replace(TINY.schedule, stop_accuracy=level)
    )


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    return train_run(TINY, tmp_path_factory.mktemp("long") / "run")


@pytest.fixture(scope="module")
def level(long_run) -> float:
    """A level that the long run holds for the first time late enough to tell an early stop from none."""
    lines = long_run.metrics()
    levels = sorted({line["accuracy_test"] for line in lines} - {0.0})
    return [v for v in levels if fifth_in_a_row(lines, v) < TINY.schedule.steps][-1]


def test_stops_at_the_fifth_evaluation(long_run, level, tmp_path):
    """Else a run stops too early to locate its events, too late, or with other weights than it had then."""
    run = train_run(stopping(level), tmp_path / "run")
    step = fifth_in_a_row(long_run.metrics(), level)
    assert 0 < step < TINY.schedule.steps
    assert run.steps[-1] == run.metrics()[-1]["step"] == step
    assert run.metrics()[-1]["stopped"] is True
    assert run_status(run) == "stopped early"
    for name, weight in long_run.weights(step).items():
        assert torch.equal(run.weights(step)[name], weight)


@pytest.mark.parametrize("before_stop", [1, 5])
def test_resumed_run_stops_at_the_same_step(long_run, level, tmp_path, before_stop):
    """Else the count of evaluations begins anew where a run was interrupted."""
    step = fifth_in_a_row(long_run.metrics(), level)
    cut = train_run(stopping(level), tmp_path / "run", stop_after=step - before_stop)
    assert run_status(cut) == "interrupted"
    resume_run(cut.path)
    lines = cut.metrics()
    assert lines[-1]["step"] == step
    assert [line["step"] for line in lines] == sorted({line["step"] for line in lines})
    resume_run(cut.path)
    assert cut.metrics() == lines, "a run that stopped early is resumed as it is"


def test_counts_evaluations_in_a_row():
    """Else a single lucky evaluation counts, or a run without test rows stops."""
    stop = EarlyStop(0.9)
    values = [0.95] * 4 + [0.2] + [0.9] * 5
    assert [stop.seen({"accuracy_test": v}) for v in values] == [False] * 9 + [True]
    assert not any(EarlyStop(0.9).seen({"accuracy_train": 1.0}) for _ in range(9))
    off = EarlyStop(0.0)
    assert not any(off.seen({"accuracy_test": 1.0}) for _ in range(9))


def test_status(long_run, tmp_path):
    """Else a sweep trains a run again that is done, or takes an unfinished one for done."""
    assert run_status(long_run) == "done"
    part = train_run(TINY, tmp_path / "part", stop_after=8)
    assert run_status(part) == "interrupted"
    wild = train_run(override(TINY, lr=1e30), tmp_path / "wild")
    assert run_status(wild) == "diverged"
    gone = train_run(override(TINY, steps=4), tmp_path / "gone")
    (gone.checkpoints / "step-00000004.safetensors").unlink()
    assert run_status(open_run(gone.path)) == "interrupted"


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_level_is_a_share(value):
    """Else a level of 99 for 99 % never stops a run, without a word."""
    with pytest.raises(RequestError, match="stop_accuracy"):
        resolve(override(TINY, stop_accuracy=value))
