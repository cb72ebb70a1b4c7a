"""Fixtures for runs: one small run, trained once, and copies of it to damage."""

import shutil
from pathlib import Path

import pytest

from grokscope.config import RunConfig, override
from grokscope.runs.run import Run, open_run
from grokscope.training.loop import train_run


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """Return the directory of a small finished run; not to be written to."""
    config = override(
        RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01,
        warmup=0, steps=20, checkpoint_every=10,
    )  # fmt: skip
    return train_run(config, tmp_path_factory.mktemp("runs") / "run").path


@pytest.fixture
def copy(trained, tmp_path) -> Run:
    """Return a copy of the small run, free to be damaged."""
    shutil.copytree(trained, tmp_path / "copy")
    return open_run(tmp_path / "copy")
