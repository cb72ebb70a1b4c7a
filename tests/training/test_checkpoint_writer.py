"""Checkpoints written beside the loop: what was asked for, in order, or an error that is heard."""

import threading

import pytest
import torch

from grokscope.errors import RequestError
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors
from grokscope.training import writer as writers
from grokscope.training.writer import WAITING, CheckpointWriter


def test_writes_what_the_weights_were(tmp_path):
    """Else a checkpoint holds weights of a later step than its name: training goes on while it is written."""
    weight = torch.zeros(1000)
    with CheckpointWriter() as writer:
        for step in range(3 * WAITING):
            weight.fill_(step)
            writer.write(checkpoint_path(tmp_path, step), {"w": weight}, step, "hash")
    assert list_steps(tmp_path) == tuple(range(3 * WAITING))
    for step in range(3 * WAITING):
        tensors, header = read_tensors(checkpoint_path(tmp_path, step), "hash")
        assert (tensors["w"] == step).all()
        assert header["step"] == str(step)


def test_wait_means_on_the_disk(tmp_path):
    """Else a key frame is there before the checkpoints that it goes on from."""
    writer = CheckpointWriter()
    writer.write(checkpoint_path(tmp_path, 1), {"w": torch.zeros(3)}, 1, "hash")
    writer.wait()
    assert list_steps(tmp_path) == (1,)
    writer.close()
    writer.close()


@pytest.mark.parametrize("how", ["write", "wait", "close"])
def test_an_error_is_heard(tmp_path, how):
    """Else a full disk goes unnoticed, and hours of training leave nothing."""
    (tmp_path / "file").write_text("no folder")
    writer = CheckpointWriter()
    writer.write(checkpoint_path(tmp_path / "file", 1), {"w": torch.zeros(3)}, 1, "hash")
    writer._queue.join()
    again = (checkpoint_path(tmp_path, 2), {"w": torch.zeros(3)}, 2, "hash")
    with pytest.raises(RequestError, match="cannot write"):
        getattr(writer, how)(*(again if how == "write" else ()))
    writer.close()
    assert not [t for t in threading.enumerate() if t.name == "checkpoints"]


def test_training_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    """Else writing a checkpoint costs a step what the disk takes."""
    go, begun = threading.Event(), threading.Event()

    def slow(path, tensors, step, config_hash):
        begun.set()
        assert go.wait(30)

    monkeypatch.setattr(writers, "write_tensors", slow)
    writer = CheckpointWriter()
    for step in range(WAITING):
        writer.write(checkpoint_path(tmp_path, step), {"w": torch.zeros(3)}, step, "hash")
    assert begun.wait(30)
    go.set()
    writer.close()
