"""Sixteen seeds: the case's two ways train the same runs."""

import importlib.util

import pytest
import torch

from grokscope.bench.case import NotMeasuredError
from grokscope.bench.rounds import largest_difference
from grokscope.bench.seeds import narrow, seeds_config, wide
from grokscope.bench.seeds_on_gpu import gpu
from grokscope.bench.settings import Settings
from grokscope.config import override
from grokscope.training.loop import train_run

TINY = Settings(quick=True, tiny=True)
EXISTS = importlib.util.find_spec("grokscope.sweeps.seeds") is not None


def test_one_after_the_other_is_a_run_of_each_seed(tmp_path):
    """Else the alternative trains one seed many times, or other runs than `grokscope train` would."""
    config, seeds = seeds_config("seeds", TINY)
    started = narrow().contenders[1].start(TINY)
    assert started.sample()["seconds"] > 0
    evidence = started.evidence()
    assert len(evidence) == len(seeds) == 3
    assert len({losses[-1] for losses in evidence.values()}) == 3
    run = train_run(override(config, seed=2), tmp_path / "alone")
    losses = [line["loss_train"] for line in run.metrics() if line["step"] <= 10]
    assert evidence["seed 2"] == losses
    assert len(losses) >= 2


@pytest.mark.skipif(not EXISTS, reason="grokscope.sweeps.seeds is not there yet")
def test_seeds_together_are_the_same_runs():
    """Else the ratio compares two different trainings."""
    started = [contender.start(TINY) for contender in narrow().contenders]
    for each in started:
        assert each.sample()["seconds"] > 0
    assert largest_difference([each.evidence() for each in started]) < narrow().tolerance


@pytest.mark.skipif(EXISTS, reason="grokscope.sweeps.seeds is there")
def test_without_seeds_together_the_reason_is_said():
    """Else a missing part ends the whole measurement."""
    with pytest.raises(NotMeasuredError, match=r"sweeps\.seeds"):
        narrow().contenders[0].start(TINY)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_reason_is_said():
    """Else a machine without GPU gets an error, or a number."""
    with pytest.raises(NotMeasuredError, match="no GPU"):
        gpu().contenders[0].start(TINY)


def test_sizes():
    """Else --quick is as long as the whole, or the cases train other sizes than they say."""
    for case, p, width in ((narrow(), 31, 64), (wide(), 59, 128)):
        whole, seeds = seeds_config(case.name, Settings())
        quick, _ = seeds_config(case.name, Settings(quick=True))
        assert len(seeds) == 16
        assert (whole.task.p, whole.model.d_model) == (p, width)
        assert quick.schedule.steps * 5 == whole.schedule.steps
        assert f"{whole.schedule.steps:,} steps" in case.title
        assert case.fresh, "what is paid once a process is paid every time"
