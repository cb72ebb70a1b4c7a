"""A run trained again from any of its key frames passes every checkpoint to the bit, alone or in its stack."""

import pytest
import torch
from stack_cases import CASES, ENGINE, SHAPE

from grokscope.config import RunConfig, ScheduleConfig, override
from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.replay import replayer
from grokscope.training.state import declared_keyframes
from grokscope.training.together import train_stack

FILES = dict(steps=24, eval_every=5, checkpoint_every=8, keyframe_every=10)
ALONE = EngineConfig(compile="off", threads=1)
STOPPING = dict(p=5, frac_train=0.8, lr=0.02, stop_accuracy=0.2, eval_every=2, steps=60)
DIVERGING = dict(
    optimiser="sgd", lr=0.3, momentum=0.9, weight_decay=0.0, loss_function="mse", act_fn="square",
    p=5, steps=40, warmup=0,
)  # fmt: skip


def assert_replays(run, starts):
    last = run.metrics()[-1]["step"]
    for start in starts:
        with replayer(run, start) as replay:
            assert replay.step == start
            for step in range(start, last + 1):
                if step > start:
                    replay.update()
                assert replay.step == step
                if step in run.steps:
                    for name, weight in run.weights(step).items():
                        assert torch.equal(replay.weights[name], weight), (start, step, name)
                lines = [line for line in run.metrics() if line["step"] == step]
                if lines and not lines[-1].get("diverged"):
                    found = replay.metrics()
                    assert found == {k: lines[-1][k] for k in found}, (start, step)
            assert replay.is_finite()


@pytest.mark.parametrize("case", ["full batch", "minibatch", "everything at once", "Muon", "SGD"])
def test_a_single_run(tmp_path, case):
    """Else densify adds checkpoints that the run never passed through."""
    run = train_run(override(RunConfig(), **(CASES[case] | FILES)), tmp_path / "run", engine=ALONE)
    assert_replays(run, (0, 10, 20, 24))


@pytest.mark.parametrize("case", ["full batch", "minibatch", "everything at once", "Muon"])
def test_a_run_of_a_stack(tmp_path, case):
    """Else a member of a stack is replayed alone, and differs by the rounding of batched products."""
    configs = [override(RunConfig(), **(CASES[case] | FILES), seed=seed) for seed in range(3)]
    train_stack(configs, [tmp_path / f"s{i}" for i in range(3)], ENGINE)
    assert_replays(open_run(tmp_path / "s1"), (0, 10, 24))


@pytest.mark.parametrize("options", [STOPPING, DIVERGING])
def test_a_stack_that_some_leave(tmp_path, options):
    """Else a replay keeps in the stack who had left it, or leaves out who was in it still."""
    configs = [override(RunConfig(), **(SHAPE | FILES | options), seed=seed) for seed in range(6)]
    runs = train_stack(configs, [tmp_path / f"s{i}" for i in range(6)], ENGINE)
    ends = {run.name: run.metrics()[-1]["step"] for run in runs}
    assert len(set(ends.values())) > 1, "the case holds both"
    for run in map(open_run, (run.path for run in runs)):
        assert_replays(run, [step for step in (0, 10) if step < ends[run.name]])


def test_what_cannot_be_replayed_says_why(tmp_path):
    """Else the reader gets weights of another step, or of a run that never was."""
    configs = [override(RunConfig(), **(SHAPE | FILES), seed=seed) for seed in range(3)]
    runs = train_stack(configs, [tmp_path / f"s{i}" for i in range(3)], ENGINE)
    with pytest.raises(RequestError, match="no key frame at step 11"):
        replayer(runs[0], 11)
    (tmp_path / "s2/state/step-00000010.safetensors").unlink()
    with pytest.raises(RequestError, match="s2 has no key frame at step 10"):
        replayer(runs[0], 10)
    (tmp_path / "s2").rename(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match="s2 cannot be opened"):
        replayer(runs[0], 20)
    before = torch.are_deterministic_algorithms_enabled()
    assert before is False, "what was refused leaves torch as it was"


def test_scheduled_key_frames():
    """Else key frames take more room than the checkpoints, or lie where no checkpoint proves them."""
    for options in (
        {},
        dict(steps=25_000),
        dict(steps=7),
        dict(steps=1),
        dict(steps=500, checkpoint_log=60),
        dict(steps=40_000, checkpoint_every=10),
    ):
        schedule = ScheduleConfig(**options)
        found, declared = schedule.keyframes(), schedule.checkpoints()
        assert set(found) <= set(declared) - {0}
        assert found[-1] == schedule.steps
        assert list(found) == sorted(set(found))
        assert len(found) <= max(1, min(20, len(declared) // 5))
        widest = max(b - a for a, b in zip((0, *found), found, strict=False))
        assert options.get("checkpoint_log") or widest <= 2 * schedule.steps / len(found) + 1
    assert ScheduleConfig(steps=10_000).keyframes() == tuple(range(500, 10_001, 500))
    assert ScheduleConfig(steps=50, keyframe_every=20).keyframes() == (20, 40, 50)
    assert ScheduleConfig(steps=40, keyframe_every=20).keyframes() == (20, 40)
    assert ScheduleConfig(steps=50, keyframe_every=-1).keyframes() == (50,)
    assert declared_keyframes(override(RunConfig(), grokfast="ma")) == (10_000,)
