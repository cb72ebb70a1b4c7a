"""Fixtures for sweeps: a small one, trained once in this process, and copies of it."""

import shutil
from pathlib import Path

import pytest
import torch
from tiny_sweep import TINY

from grokscope.sweeps import Sweep, open_sweep, sweep


@pytest.fixture(autouse=True)
def one_thread():
    """Train with one thread, as a sweep's own processes do, so that their bits can be compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def trained_sweep(tmp_path_factory) -> Path:
    """Return the folder of a small finished sweep, 2 x 2 settings with 2 seeds; not to be written to."""
    torch.set_num_threads(1)
    return sweep(TINY, tmp_path_factory.mktemp("sweeps") / "tiny", workers=0).path


@pytest.fixture
def sweep_copy(trained_sweep, tmp_path) -> Sweep:
    """Return a copy of the small sweep, free to be changed."""
    shutil.copytree(trained_sweep, tmp_path / "copy")
    return open_sweep(tmp_path / "copy")
