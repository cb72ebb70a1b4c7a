"""Fixtures for checks: one small run, trained once, and copies of it to damage."""

import shutil
from pathlib import Path

import pytest

from grokscope.config import RunConfig, override
from grokscope.runs.run import Run, open_run
from grokscope.training.engine import engine_config
from grokscope.training.loop import train_run


@pytest.fixture(scope="session")
def train_small():
    """Return a function that trains a small run: train_small(folder, stop_after=None, **options)."""

    def train(folder: Path, stop_after: int | None = None, **options) -> Run:
        small = {
            "p": 7,
            "frac_train": 0.6,
            "d_model": 8,
            "n_heads": 2,
            "d_head": 4,
            "d_mlp": 12,
            "lr": 0.01,
        }
        small |= {
            "steps": 40,
            "checkpoint_every": 4,
            "eval_every": 2,
            "keyframe_every": 12,
            **options,
        }
        engine = engine_config(compile="off", threads=1)
        return train_run(
            override(RunConfig(), **small), folder, stop_after=stop_after, engine=engine
        )

    return train


@pytest.fixture(scope="session")
def trained(tmp_path_factory, train_small) -> Path:
    """Return the directory of a small finished run; not to be written to."""
    return train_small(tmp_path_factory.mktemp("checked") / "run").path


@pytest.fixture
def copy(trained, tmp_path) -> Run:
    """Return a copy of the small run, free to be damaged."""
    shutil.copytree(trained, tmp_path / "copy")
    return open_run(tmp_path / "copy")
