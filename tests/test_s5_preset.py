"""The preset s5 groks the product in S5, with the delay and the order of events that make it worth looking at."""

import pytest

import grokscope as gs

pytestmark = pytest.mark.slow
MEASURES = ("loss", "excluded_loss", "restricted_loss_held_out", "character_similarity")


def test_the_preset_groks(tmp_path):
    """Else the command of the documentation trains a network that never groks, or that has no plateau to look at."""
    run = gs.train(preset="s5", seed=0, steps=3_000, out=tmp_path / "run")
    ds = gs.analyze(run, MEASURES)
    events = gs.transitions(ds)
    memorised, grokked = events["memorised"], events["grokked_99"]
    assert memorised.high is not None
    assert grokked.high is not None
    assert memorised.high <= 200
    assert grokked.high >= 10 * memorised.high
    # Neither needs the test rows' labels, and both come before the network is half right on them.
    assert events["online_onset"].high < events["grokked_50"].low
    assert events["circuit_onset"].high < events["grokked_50"].low
    assert "standard" in ds["key_irrep"].values.tolist()
