"""Checkpoints under check: digests, headers, completeness, copies, and weights from elsewhere."""

import shutil

import numpy as np
import pytest
import torch
from found import alarms, check_again, only_fault
from safetensors.torch import save

import grokscope as gs
from grokscope.checking import check
from grokscope.checking.trajectory import trajectory
from grokscope.checking.weights import Weights, check_path
from grokscope.runs.checkpoints import checkpoint_path, write_tensors


def name(step: int) -> str:
    return f"checkpoints/step-{step:08d}.safetensors"


def forge(run, step: int, weights) -> None:
    """Write weights as a checkpoint, with digests that are right."""
    write_tensors(checkpoint_path(run.checkpoints, step), weights, step, run.config_hash)


def nan(weights):
    weights["unembed.W_U"][0, 0] = float("nan")
    return weights


CHANGES = {
    "NaN": (nan, "NaN"),
    "another precision": (lambda w: {k: x.double() for k, x in w.items()}, "float64"),
    "a weight less": (lambda w: {k: x for k, x in w.items() if k != "embed.W_E"}, "missing"),
    "another shape": (lambda w: w | {"blocks.0.mlp.W_in": w["blocks.0.mlp.W_in"].T}, "shape"),
    "noise": (lambda w: {k: x + 0.05 * torch.randn_like(x) for k, x in w.items()}, "recorded"),
    "one weight moved": (lambda w: w | {"unembed.W_U": w["unembed.W_U"] * 1.001}, "recorded"),
    "zeros": (lambda w: {k: torch.zeros_like(x) for k, x in w.items()}, "recorded"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_the_run_never_had(copy, change):
    """Else a forger, or a program that writes digests of the wrong weights, is believed."""
    make, word = CHANGES[change]
    forge(copy, 20, make(copy.weights(20)))
    only_fault(check_again(copy), name(20), word)


def test_a_copy_of_another_step(copy):
    """Else a branch with a wrong checkpoint is published: digests and header are right, the weights are not."""
    forge(copy, 20, copy.weights(12))
    report = check_again(copy)
    only_fault(report, name(20), "same weights as at step 12")
    assert any("recorded metrics" in each.fault for each in report)


def test_a_checkpoint_of_another_seed_under_this_runs_hash(copy, train_small, tmp_path):
    """Else what was seen in published suites, weights of another run in a branch, is seen by nobody."""
    other = train_small(tmp_path / "other", init_seed=5)
    forge(copy, 24, other.weights(24))
    report = check(copy.path, samples=2)
    only_fault(report, name(24), "recorded metrics")
    shutil.copy(other.checkpoints / "step-00000028.safetensors", copy.checkpoints)
    assert {each.file for each in check(copy.path).of("fault")} == {name(24), name(28)}


def test_header_and_name_disagree(copy):
    """Else a renamed checkpoint moves an event."""
    path = checkpoint_path(copy.checkpoints, 20)
    path.write_bytes(checkpoint_path(copy.checkpoints, 24).read_bytes())
    only_fault(check_again(copy), name(20), "says it is step 24")


def test_declared_checkpoints_must_be_there(copy):
    """Else a lost checkpoint is a gap that nobody notices."""
    checkpoint_path(copy.checkpoints, 20).unlink()
    only_fault(check_again(copy), name(20), "missing")


def test_others_must_not_be_there(copy):
    """Else a checkpoint of unknown origin is measured among those of the run."""
    forge(copy, 21, copy.weights(20))
    report = check_again(copy)
    only_fault(report, name(21), "neither the schedule nor densified.json")


def test_after_the_end(copy, train_small, tmp_path):
    """Else checkpoints of a longer run lie behind the end of a run that stopped early."""
    late = {"steps": 400, "checkpoint_every": 40, "keyframe_every": 100, "lr": 0.03}
    run = train_small(tmp_path / "stopped", stop_accuracy=0.01, **late)
    assert alarms(check_again(run)) == []
    assert check_again(run).status == "stopped early"
    forge(run, 400, run.weights(run.steps[-1]))
    only_fault(check_again(run), name(400), "where the run ended")


def test_a_densified_run(copy):
    """Else added checkpoints are strangers, or lost ones go unseen."""
    gs.densify(copy, (10, 15), every=1)
    report = check_again(copy)
    assert alarms(report) == []
    assert report.looked["checkpoints"] == 11 + 5
    checkpoint_path(copy.checkpoints, 13).unlink()
    only_fault(check_again(copy), name(13), "densified.json lists it")
    (copy.path / "densified.json").write_text("{}")
    assert "densified.json" in {each.file for each in check_again(copy).of("fault")}


def test_an_interrupted_run_is_unfinished(train_small, tmp_path):
    """Else everything that was interrupted counts as damaged, or nobody says how to go on."""
    run = train_small(tmp_path / "run", stop_after=26)
    report = check_again(run)
    assert alarms(report) == []
    assert report.status == "unfinished"
    assert any("grokscope resume" in each.remedy for each in report)
    # What a killed run wrote after its last key frame is written again.
    checkpoint_path(run.state, 26).unlink()
    assert alarms(check_again(run)) == []
    checkpoint_path(run.checkpoints, 20).unlink()
    only_fault(check_again(run), name(20), "missing")


def test_standing_still_is_no_copy(train_small, tmp_path):
    """Else the first update of every warm-up, and a run whose gradients vanish, is damaged."""
    run = train_small(tmp_path / "run", checkpoint_steps=(1, 2), checkpoint_every=0, warmup=10)
    assert all(torch.equal(w, run.weights(1)[k]) for k, w in run.weights(0).items())
    assert alarms(check_again(run)) == []
    still = train_small(
        tmp_path / "still", optimiser="sgd", lr=1e-30, weight_decay=0.0, bias_mlp=False
    )
    assert all(torch.equal(w, still.weights(40)[k]) for k, w in still.weights(0).items())
    assert alarms(check_again(still)) == []


def test_quick_computes_nothing(copy):
    """Else a look at a thousand checkpoints takes minutes; or the quick look misses a digest."""
    forge(copy, 20, {k: x * 1.01 for k, x in copy.weights(20).items()})
    report = check(copy.path, quick=True)
    assert report.is_sound
    assert report.looked["recomputed"] == 0
    path = checkpoint_path(copy.checkpoints, 20)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    only_fault(check(copy.path, quick=True), name(20), "damaged")


def test_runs_of_the_first_schema(copy):
    """Else all runs of before are damaged since they have no digests."""
    for step in copy.steps:
        header = {"step": str(step), "config": copy.config_hash, "schema": "1"}
        text = '{"config": "%s", "schema": "1", "step": "%s"}' % (header["config"], step)  # noqa: UP031
        data = save(copy.weights(step), {"grokscope": text})
        checkpoint_path(copy.checkpoints, step).write_bytes(data)
    assert alarms(check_again(copy)) == []


def path_of(points) -> Weights:
    points = np.asarray(points, dtype=float)
    one = np.linalg.norm(np.diff(points, axis=0), axis=1)
    two = np.linalg.norm(points[2:] - points[:-2], axis=1)
    return Weights(path=trajectory(list(range(len(points))), one.tolist(), two.tolist()))


def test_detours_by_hand():
    """Else a checkpoint is judged by another number than the formula says."""
    path = path_of([[0, 0], [3, 4], [6, 0], [7, 0], [9, 0]]).path
    np.testing.assert_allclose(path.detours, [10 / 6, 6 / 32**0.5, 1.0])
    np.testing.assert_allclose(path.paces, [1, 1, 0.2, 2])


def test_a_point_off_the_path_is_told():
    """Else a wrong checkpoint of an imported series, without metrics to compare with, is told by nothing."""
    rng = np.random.default_rng(0)
    points = np.cumsum(rng.normal(size=(20, 50)), 0)
    assert list(check_path(path_of(points))) == []
    points[9] += 3000 * rng.normal(size=50)
    (found,) = check_path(path_of(points))
    assert (found.level, found.file) == ("warning", name(9))
    suspects = path_of(points).path.suspects()
    assert 9 in suspects


@pytest.mark.parametrize("kind", ["oscillation", "jump", "fixed point", "spiral", "slingshots"])
def test_paths_that_sound_runs_take(kind):
    """Else instabilities of sound training are alarms."""
    rng, n = np.random.default_rng(1), 40
    t = np.arange(n)[:, None]
    points = {
        "oscillation": np.where(t % 2, 1.0, -1.0) + 1e-3 * rng.normal(size=(n, 3)),
        "jump": np.where(t > 20, 100.0, 0.0) + 0.01 * t + 1e-3 * rng.normal(size=(n, 3)),
        "fixed point": np.ones((n, 3)),
        "spiral": np.hstack([np.cos(2.5 * t), np.sin(2.5 * t)]) * 0.95**t,
        "slingshots": np.cumsum(rng.standard_cauchy(size=(n, 30)), 0),
    }[kind]
    assert list(check_path(path_of(points))) == []
