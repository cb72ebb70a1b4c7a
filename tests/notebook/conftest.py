"""A tiny run, analysed, for tests of what a notebook shows."""

import pytest

import grokscope as gs
from grokscope.pipeline import analyse_run

TINY = dict(p=7, frac_train=0.6, d_model=16, n_heads=2, d_head=8, d_mlp=24, steps=40, eval_every=5,
            checkpoint_every=10, warmup=2)  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> gs.Run:
    """A run with an analysis on disk; read only."""
    path = tmp_path_factory.mktemp("notebook") / "tiny"
    gs.train("mod_add", out=path, **TINY)
    analyse_run(path)
    return gs.open_run(path)


@pytest.fixture(scope="session")
def bare(tmp_path_factory) -> gs.Run:
    """A run that was not analysed; read only."""
    return gs.train("mod_add", out=tmp_path_factory.mktemp("notebook") / "bare", **TINY)
