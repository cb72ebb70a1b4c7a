"""The neurons' key functions alone, by hand and against what the authors of the definition recorded."""

import json

import brute_force
import numpy as np
import pytest
from random_models import random_snapshot, value
from test_external_models import FOLDER

import grokscope as gs
from grokscope.runs.imported import import_foreign

RECORDED = ("S5_MLP_seed1", "S5_MLP_hidden_dim_32_seed1", "D59_T_seed1")


@pytest.mark.parametrize(
    "fields",
    [
        dict(p=7, key=(1, 3)),
        dict(task="mod_mul", p=11, key=(2, 5)),
        dict(p=7, key=(2,), d_vocab_out=7),
    ],
)
def test_by_hand(fields):
    """Else the projection is over other rows, the answers are in another order, or a mean or a stream is kept."""
    snap = random_snapshot(**fields)
    task, h = snap.task, snap.neurons.numpy()
    w_out = snap.weights["blocks.0.mlp.W_out"].numpy()
    w_l = w_out @ snap.weights["unembed.W_U"].numpy()[:, : task.n_classes]
    everything = brute_force.group_rows(task, np.arange(task.n_inputs))
    waves = brute_force.directions(task, snap.key)
    found, labels = value(snap, "hidden_losses"), snap.labels.numpy()
    # Where 0 is outside the group, it is no answer of a row inside, and its logit is 0 in both.
    inside = np.isin(np.arange(task.n_classes), task.cyclic.class_c)
    for i, name in enumerate(("train", "test", "test_twin_free", "all")):
        rows = brute_force.group_rows(task, snap.rows(name))
        kept = brute_force.fit(h, waves, everything, rows) @ w_l * inside
        wanted = brute_force.cross_entropy(kept, labels[rows]).mean()
        assert found["restricted_loss_hidden"][i] == pytest.approx(wanted, abs=1e-9)
    rows = brute_force.group_rows(task, snap.rows("train"))
    left = (h[rows] - brute_force.fit(h, waves, everything, rows)) @ w_l * inside
    wanted = brute_force.cross_entropy(left, labels[rows]).mean()
    assert found["excluded_loss_hidden"] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.external
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_by_its_authors(name, tmp_path):
    """Else the published quantity has our name and is another one: their numbers to six digits."""
    folder = FOLDER / "rep_theory" / name
    if not folder.exists():
        pytest.skip(f"{folder} is not there (set GROKSCOPE_EXTERNAL)")
    recorded = json.loads((folder / "summary_metrics.json").read_text())
    ds = gs.analyze(import_foreign(folder, tmp_path / "run"), ["hidden_losses"])
    found = float(ds["restricted_loss_hidden"].sel(rows="all")[-1])
    assert found == pytest.approx(recorded["total_hidden_restricted_loss"], rel=1e-6)
    assert float(ds["excluded_loss_hidden"][-1]) == pytest.approx(
        recorded["total_hidden_excluded_loss"], rel=1e-6
    )


@pytest.mark.external
def test_with_the_right_rank_a_cyclic_model_is_good(tmp_path):
    """Else arbitrary directions enter the projection: 6.1e-7, where a plain QR of dependent columns gave 2.26e-2."""
    folder = FOLDER / "rep_theory" / "C113_T_seed1"
    if not folder.exists():
        pytest.skip(f"{folder} is not there (set GROKSCOPE_EXTERNAL)")
    ds = gs.analyze(import_foreign(folder, tmp_path / "run"), ["hidden_losses"])
    assert float(ds["restricted_loss_hidden"].sel(rows="all")[-1]) == pytest.approx(
        6.08e-7, rel=2e-3
    )
