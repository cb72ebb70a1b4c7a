"""Weights in memory as a run."""

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.models.feedforward.gromov_solution import gromov_weights


def test_the_closed_form_is_a_clock_on_every_frequency(tmp_path):
    """Else the one network that is known in full gets another accuracy, spectrum or verdict than its formula says."""
    n = 23
    config, weights = gromov_weights(n, 20 * n)
    run = gs.run_from_weights(tmp_path / "gromov", "mod_add", config, weights, p=n)
    ds = gs.analyze(run)
    assert float(ds["accuracy"].sel(rows="all")[-1]) == 1.0
    assert ds["key_frequency"].values.tolist() == list(range(1, 12))
    shares = ds["logit_trig_share"][:, -1].values
    # Logit a + b = c has mean 1, so energy n^2, over 4 n^3 / N of noise on n - 1 centred classes' worth of logits.
    signal = 1 / (1 + 4 * n / (20 * n))
    np.testing.assert_allclose(shares.sum(), signal, atol=0.03)
    np.testing.assert_allclose(shares, signal / 11, rtol=0.5)
    found = gs.identify(ds)
    assert found.name == "clock"
    assert found.evidence[0].value == 1.0
    assert all(circle.form == "clock" for circle in found.circles)


def test_several_steps_and_a_known_split(tmp_path):
    """Else a series is one checkpoint, or training rows are not known though they were given."""
    config, weights = gromov_weights(7, 70)
    steps = {0: {k: w * 0.1 for k, w in weights.items()}, 10: weights}
    run = gs.run_from_weights(
        tmp_path / "run", "mod_add", config, steps, p=7, split_seed=1, frac_train=0.5
    )
    assert run.steps == (0, 10) or list(run.steps) == [0, 10]
    assert run.split is not None
    assert int(run.split.train.sum()) == 24
    again = gs.open_run(run.path).weights(10)
    assert all(torch.equal(again[name], w) for name, w in weights.items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w | {"extra": torch.ones(2)}, "extra"),
        (lambda w: {k: v for k, v in w.items() if "W_U" not in k}, "without unembed.W_U"),
        (lambda w: w | {"unembed.W_U": torch.ones(3, 7)}, "shape"),
        (lambda w: w | {"unembed.W_U": w["unembed.W_U"] * np.nan}, "finite"),
    ],
)
def test_what_does_not_fit_is_said(change, said, tmp_path):
    """Else a wrong weight is written and fails in the analysis."""
    config, weights = gromov_weights(7, 70)
    with pytest.raises(RequestError, match=said):
        gs.run_from_weights(tmp_path / "run", "mod_add", config, change(weights), p=7)
    assert not (tmp_path / "run").exists()


def test_another_modulus_is_said(tmp_path):
    """Else the table has other tokens than the model."""
    config, weights = gromov_weights(7, 70)
    with pytest.raises(RequestError, match="tokens"):
        gs.run_from_weights(tmp_path / "run", "mod_add", config, weights, p=11)
    with pytest.raises(RequestError, match="half of a split"):
        gs.run_from_weights(tmp_path / "run", "mod_add", config, weights, p=7, split_seed=1)
