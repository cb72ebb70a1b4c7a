"""Numbers of models that others trained and published: the same definitions must give their authors' numbers."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import one, value

from grokscope.config import ModelConfig, SplitConfig
from grokscope.harmonics.table_loss import loss_of_table
from grokscope.measures.neuron_projection import stream_of_key
from grokscope.models.foreign import read_foreign
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import sum_rows
from grokscope.tasks import make_split, make_task

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "external"
FOLDER = Path(os.environ.get("GROKSCOPE_EXTERNAL", BESIDE))

pytestmark = pytest.mark.external


def snapshot(name, shuffle, seed, frac=0.3):
    path = FOLDER / name
    if not path.exists():
        pytest.skip(
            f"{path} is not there (set GROKSCOPE_EXTERNAL to the folder of published models)"
        )
    series = read_foreign(path)
    task = make_task("mod_add", 113 if series.p is None else series.p)
    split = make_split(task, SplitConfig(frac_train=frac, split_seed=seed, shuffle=shuffle))
    last = series.checkpoints[-1]
    return Snapshot(task, split, ModelConfig(**series.model), last.weights, last.step or 0)


@pytest.fixture(scope="module")
def nanda():
    return snapshot("nanda/low_precision_mod_addition.pth", "python", 1)


@pytest.fixture(scope="module")
def kaushik():
    return snapshot("kaushik/baseline.pt", "python", 0)


@pytest.fixture(scope="module")
def c113():
    return snapshot("rep_theory/C113_T_seed1", "torch", 1)


def test_low_precision_addition(nanda):
    assert nanda.key == (3, 6, 23, 39)
    assert nanda.accuracy.all == pytest.approx(0.9995, abs=5e-5)
    assert nanda.loss.train == pytest.approx(3.045e-4, rel=1e-3)
    assert nanda.loss.test == pytest.approx(3.995e-3, rel=1e-3)
    assert one(nanda, "ffd_embedding") == pytest.approx(0.0714, abs=5e-5)
    assert one(nanda, "fcr_embedding") == pytest.approx(0.8995, abs=5e-5)


def test_third_partys_rerun(kaushik):
    assert kaushik.key == (14, 35, 41, 42, 52)
    assert kaushik.accuracy.all == 1.0


def test_cyclic_group_of_the_representation_study(c113):
    assert c113.key == (16, 30, 56)
    assert c113.loss.train == pytest.approx(8.859e-8, rel=1e-4)
    assert c113.loss.test == pytest.approx(1.88475e-7, rel=1e-5)
    assert c113.loss.all == pytest.approx(1.58516e-7, rel=1e-5)
    assert one(c113, "ffd_embedding") == pytest.approx(0.0536, abs=5e-5)
    assert one(c113, "fcr_embedding") == pytest.approx(0.8907, abs=5e-5)


def test_restricted_loss_with_the_right_rank(c113):
    """Published as 2.26e-2, where a QR of a rank-deficient matrix added two arbitrary directions.

    There only the neurons' waves go on: neither their means nor the stream that skips them. With these kept, the losses
    that grokscope calls restricted are lower.
    """
    _, waves = stream_of_key(c113, c113.key)
    table = waves.double().numpy() @ c113.W_U
    assert loss_of_table(table, sum_rows(c113, "all"))[0] == pytest.approx(6.08e-7, rel=2e-3)
    assert one(c113, "restricted_loss_neuron")[3] == pytest.approx(1.144e-7, rel=2e-3)
    assert one(c113, "restricted_loss")[3] == pytest.approx(5.568e-8, rel=2e-3)


def test_similarity_with_every_character_as_its_authors_recorded(c113):
    """Their cosine of the centred logits with a character table is the root of the trig share."""
    recorded = json.loads((FOLDER / "rep_theory/C113_T_seed1/summary_metrics.json").read_text())
    for k, share in enumerate(one(c113, "logit_trig_share"), start=1):
        similarity = abs(recorded[f"logit_freq_{k}_rep_trace_similarity"])
        assert np.sqrt(share) == pytest.approx(similarity, rel=1e-5, abs=1e-7)


def test_ablating_the_key_destroys_and_others_do_not(kaushik):
    from grokscope.measures.ablations import ablate

    torch.set_num_threads(1)
    for place in ("logits", "neurons"):
        found = ablate(kaushik, f"key frequencies at {place}")
        assert found.accuracy.all < 0.2
        assert found.null_accuracy[:, 3].min() > 0.95
    assert value(kaushik, "logit_trig_share")["logit_trig_share_key"] > 0.75
    assert np.isfinite(one(kaushik, "excluded_loss"))
