"""The demo run densified around grokking: every step of 200, exact, and events of width 1 where the run groks."""

import shutil

import pytest

from grokscope.api import configure
from grokscope.cli import main
from grokscope.errors import UnsoundError
from grokscope.located import around
from grokscope.pipeline import analyse_run
from grokscope.runs.checkpoints import checkpoint_path, read_tensors, write_tensors
from grokscope.runs.run import open_run
from grokscope.training.densify import densify
from grokscope.training.loop import train_run


@pytest.mark.slow
def test_every_step_around_grokking_of_the_demo(tmp_path):
    """Else what the documentation shows is not so: bit-exact arrival, width 1, a tampered key frame refused."""
    run = train_run(configure(preset="demo", seed=0), tmp_path / "demo")
    before = analyse_run(run.path)
    low, high = around(run, "grokked", 96)
    assert 190 <= high - low <= 210
    forged = tmp_path / "forged"
    shutil.copytree(run.path, forged)
    assert main(["densify", str(run.path), "--around", "grokked", "--margin", "96", "--quiet"]) == 0
    assert set(range(low, high + 1)) <= set(run.steps)
    after = analyse_run(run.path)
    inside = [
        e for e in before.transitions
        if e.name != "cleanup" and not e.censored and e.low is not None and low <= e.low and e.high <= high
    ]  # fmt: skip
    assert {"grokked_99", "grokked_95", "circuit_formed"} <= {e.name for e in inside}
    for event in before.transitions:
        found = after.transitions[event.name]
        if event in inside:
            assert (found.high - found.low, found.censored) == (1, False), event.name
            assert event.low <= found.low < found.high <= event.high, event.name
        else:
            assert (found.low, found.high) == (event.low, event.high), event.name
    frame = max(step for step in run.keyframes if step < low)
    path = checkpoint_path(open_run(forged).state, frame)
    tensors, header = read_tensors(path)
    tensors["optimiser.embed.W_E.exp_avg"].reshape(-1)[0] *= 1.001
    write_tensors(path, tensors, frame, header["config"])
    with pytest.raises(UnsoundError, match="does not meet"):
        densify(open_run(forged), (low, high))
