"""No space, or no permission, at any write of a training run: one line, and the run goes on once there is space."""

import errno
import os

import pytest
from kills import files_of_runs

from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.runs.metrics import MetricsWriter
from grokscope.runs.run import CONFIG_FILE
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run

TINY = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3, steps=30,
    eval_every=4, checkpoint_every=6, batch_size=8,
)  # fmt: skip
ALONE = EngineConfig(compile="off", threads=1)


def fails_from(plain, number, code):
    """Return a function that raises from its n-th call on, as a disk that is full stays full."""
    calls = []

    def call(*args, **more):
        calls.append(args)
        if len(calls) >= number:
            raise OSError(code, os.strerror(code))
        return plain(*args, **more)

    return call


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
def test_at_any_write(tmp_path, monkeypatch, name, number, code):
    """Else a full disk ends in a traceback, leaves half a file, or a key frame without the checkpoints before it."""
    whole = train_run(TINY, tmp_path / "whole" / "run", engine=ALONE)
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(os, name, fails_from(getattr(os, name), number, code))
        with pytest.raises(RequestError) as caught:
            train_run(TINY, out, engine=ALONE)
    assert os.strerror(code) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(out.rglob("*.part"))
    frames = sorted((out / "state").glob("*")) if (out / "state").exists() else []
    for frame in frames:
        wanted = {p.name for p in whole.checkpoints.iterdir() if p.name <= frame.name}
        assert wanted <= {p.name for p in (out / "checkpoints").iterdir()}
    run = resume_run(out) if (out / CONFIG_FILE).exists() else train_run(TINY, out, engine=ALONE)
    assert files_of_runs([run.path]) == files_of_runs([whole.path])


@pytest.mark.parametrize("number", [1, 4, 7])
def test_in_a_line_of_metrics(tmp_path, monkeypatch, number):
    """Else a line that was written in part is read as damage, or stands there twice."""
    whole = train_run(TINY, tmp_path / "whole" / "run", engine=ALONE)
    plain = MetricsWriter.append
    lines = []

    def append(self, line):
        lines.append(line)
        if len(lines) == number:
            self._file.write(b'{"step": 4, "loss_')
            raise RequestError("cannot write metrics.jsonl: No space left on device")
        plain(self, line)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(MetricsWriter, "append", append)
        with pytest.raises(RequestError, match="No space left"):
            train_run(TINY, out, engine=ALONE)
    assert files_of_runs([resume_run(out).path]) == files_of_runs([whole.path])
