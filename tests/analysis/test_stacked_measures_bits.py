"""Measures of weights over many checkpoints at once: the same to the bit as one by one."""

import numpy as np
import pytest
from small_run import make_run

from grokscope.measures import choose

WEIGHTS = [m.name for m in choose(["all"]) if m.cost == "weights" and m.at == "every"]
RUNS = {
    "attention": dict(p=7),
    "larger": dict(p=31, d_model=64, d_head=16, d_mlp=96),
    "group": dict(task="group_mul", group="S3", d_vocab=7, d_vocab_out=7),
}


@pytest.fixture(scope="module", params=list(RUNS))
def snapshots(request, tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs") / "run", range(0, 40, 4), **RUNS[request.param])
    context = run.new_context()
    return [run.snapshot(step, context) for step in run.steps]


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_batch_does_not_change_a_bit(snapshots, name):
    """Else a dataset depends on which checkpoints were new, and the cache shows in it."""
    (m,) = (m for m in choose([name]) if m.name == name)
    if m.why_not(snapshots[0]):
        return
    together, rest = m.over(snapshots), m.over(snapshots[3:])
    for place, snap in enumerate(snapshots):
        for variable, value in m(snap).items():
            np.testing.assert_array_equal(together[variable][place], value)
            if place >= 3:
                np.testing.assert_array_equal(rest[variable][place - 3], value)


def test_there_are_stacked_measures():
    """Else the test above compares each measure with itself only."""
    assert any(m.stacked is not None for m in choose(WEIGHTS))
