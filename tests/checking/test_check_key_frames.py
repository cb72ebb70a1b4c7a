"""Key frames under check: what training goes on from must be whole, and of this run at this step."""

import pytest
import torch
from found import alarms, check_again, only_fault

from grokscope.runs.checkpoints import checkpoint_path, read_tensors, write_tensors

NAME = "state/step-00000024.safetensors"


def forge(run, change) -> None:
    """Change a key frame, with digests that are right."""
    path = checkpoint_path(run.state, 24)
    tensors, _ = read_tensors(path)
    write_tensors(path, change(dict(tensors)) or tensors, 24, run.config_hash)


def first(tensors, part: str) -> str:
    return next(name for name in tensors if name.endswith(part))


def with_nan(tensors):
    tensors[first(tensors, "exp_avg")].view(-1)[0] = float("nan")
    return tensors


def moved(tensors):
    tensors["weights.unembed.W_U"] = tensors["weights.unembed.W_U"] + 1e-3
    return tensors


CHANGES = {
    "NaN in the optimiser": (with_nan, "NaN"),
    "other weights": (moved, "is not that of the checkpoint at step 24"),
    "a weight less": (lambda t: {k: x for k, x in t.items() if k != "weights.embed.W_E"}, "embed.W_E"),
    "a slot less": (lambda t: {k: x for k, x in t.items() if k != first(t, "exp_avg")}, "not whole"),
    "no order": (lambda t: {k: x for k, x in t.items() if k != "order.generator"}, "order.generator"),
    "another generator": (lambda t: t | {"order.generator": torch.zeros(8, dtype=torch.uint8)}, "order"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_frame_that_training_did_not_write(copy, change):
    """Else a run goes on from a state that it never had, and nobody can tell."""
    make, words = CHANGES[change]
    forge(copy, make)
    only_fault(check_again(copy), NAME, words)


def test_a_flipped_bit(copy):
    """Else damage shows when the key frame is needed, and that is too late."""
    path = checkpoint_path(copy.state, 24)
    data = bytearray(path.read_bytes())
    data[-5] ^= 4
    path.write_bytes(data)
    only_fault(check_again(copy), NAME, "digest")


def test_a_key_frame_of_another_run_or_step(copy, train_small, tmp_path):
    """Else a run goes on as another one."""
    other = train_small(tmp_path / "other", init_seed=3)
    path = checkpoint_path(copy.state, 24)
    path.write_bytes(checkpoint_path(other.state, 24).read_bytes())
    only_fault(check_again(copy), NAME, "another run")
    path.write_bytes(checkpoint_path(copy.state, 12).read_bytes())
    only_fault(check_again(copy), NAME, "step 12")


def test_key_frames_may_be_deleted(copy):
    """Else who deletes them to save space has a damaged run; or does not learn what no longer works."""
    checkpoint_path(copy.state, 12).unlink()
    report = check_again(copy)
    assert alarms(report) == []
    assert "12" in report.of("note")[0].fault
    for path in copy.state.iterdir():
        path.unlink()
    report = check_again(copy)
    assert alarms(report) == []
    assert "densify" in report.of("note")[0].fault


@pytest.mark.parametrize(
    "options",
    [
        {"optimiser": "sgd", "momentum": 0.9, "lr": 0.01, "weight_decay": 0.0},
        {"optimiser": "muon", "batch_size": 8},
        {"grokfast": "ma", "grokfast_window": 3, "keyframe_every": 10},
        {"dropout": 0.1, "weight_noise": 0.01},
    ],
)
def test_every_kind_of_state_is_sound(train_small, tmp_path, options):
    """Else key frames of another optimiser or intervention are told to be damaged."""
    report = check_again(train_small(tmp_path / "run", **options))
    assert alarms(report) == []
    assert report.looked["key frames"] >= 3
