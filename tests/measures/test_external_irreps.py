"""Models of groups that others trained and published: losses, shares and key representations are their authors'.

Chughtai et al. 2023 (arXiv 2302.03025) recorded, for each representation, what is compared here to five digits.
"""

import dataclasses
import json

import numpy as np
import pytest
import torch
from random_models import one, value
from test_external_models import FOLDER

from grokscope.config import ModelConfig, SplitConfig
from grokscope.measures.restricted_loss_each import loss_of_each_part
from grokscope.models.foreign import read_foreign
from grokscope.runs.context import Context
from grokscope.runs.key import key_frequencies
from grokscope.runs.neuron_sums import mean_neurons
from grokscope.runs.products import key_irreps_of, product_form_of
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import projections
from grokscope.tasks import make_split, make_task

pytestmark = pytest.mark.external

GROUPS = {
    "S5_MLP_seed1": "S5",
    "S5_MLP_hidden_dim_32_seed1": "S5",
    "D59_T_seed1": "D59",
    "C113_T_seed1": "C113",
    "C113_MLP_seed1": "C113",
}


def of(*names):
    """Run a test on these models, all of them where none is named."""
    return pytest.mark.parametrize("published", names or list(GROUPS), indirect=True)


S5 = ("S5_MLP_seed1", "S5_MLP_hidden_dim_32_seed1")
NOT_CYCLIC = (*S5, "D59_T_seed1")


def multilayer(weights):
    """Return (configuration, weights) of their MLP by our names."""
    named = {
        "embed_left.W_E": weights["W_x"],
        "embed_right.W_E": weights["W_y"],
        "blocks.0.mlp.W_in": weights["W"],
        "unembed.W_U": weights["W_U"],
    }
    n, d = weights["W_x"].shape
    shape = dict(d_model=d, d_mlp=len(weights["W_U"]), n_ctx=2, d_vocab=n, d_vocab_out=n)
    return ModelConfig(architecture="mlp", output_vocabulary="answers", **shape), named


@pytest.fixture(scope="module")
def published(request):
    """Return (snapshot with their key representations, their metrics, their key representations)."""
    path, group = FOLDER / "rep_theory" / request.param, GROUPS[request.param]
    if not path.exists():
        pytest.skip(
            f"{path} is not there (set GROKSCOPE_EXTERNAL to the folder of published models)"
        )
    settings = json.loads((path / "cfg.json").read_text())
    metrics = json.loads((path / "summary_metrics.json").read_text())
    keys = (path / "key_reps.txt").read_text().split()
    if "_MLP_" in request.param:
        layout = "a b"
        loaded = torch.load(path / "model.pt", weights_only=True, map_location="cpu")
        config, weights = multilayer(loaded)
    else:
        layout, series = "a b =", read_foreign(path)
        config, weights = ModelConfig(**series.model), series.checkpoints[-1].weights
    if group == "C113":
        task = make_task("mod_add", 113, layout=layout)
        key = tuple(int(name.removeprefix("freq_")) for name in keys)
    else:
        task = make_task("group_mul", group=group, layout=layout)
        key = ()
    split = SplitConfig(settings["frac_train"], settings["seed"], shuffle="torch")
    context = Context(task, make_split(task, split), config, lambda: key)
    snap = Snapshot(task, context.split, config, weights, given_context=context)
    if group != "C113":
        key = tuple(product_form_of(snap).irreps.index(keys))
    return snap, metrics, keys


@of()
def test_losses(published):
    """Else the model, the order of the elements or the split is another one than theirs."""
    snap, metrics, _ = published
    for rows in ("train", "test", "all"):
        assert getattr(snap.loss, rows) == pytest.approx(metrics[f"{rows}_loss"], rel=1e-5), rows


@of()
def test_key_representations(published):
    """Else the published rule finds others than they did, on cyclic groups too."""
    snap, _, keys = published
    found = dataclasses.replace(
        snap, given_context=Context(snap.task, snap.split, snap.config, lambda: key_frequencies(snap, "similarity"))
    )  # fmt: skip
    assert list(key_irreps_of(found)) == keys


@of()
def test_the_default_rule(published):
    """Else the majority of the rules finds what the networks that grokked do not use, or misses most of it."""
    snap, metrics, keys = published
    found = key_frequencies(snap)
    chosen = dataclasses.replace(
        snap, given_context=Context(snap.task, snap.split, snap.config, lambda: found)
    )
    assert set(key_irreps_of(chosen)) <= set(keys)
    share = float(one(chosen, "logit_trig_share_key"))
    assert share == pytest.approx(metrics["percent_logits_explained"], rel=0.01)


@of()
def test_similarity_with_characters(published):
    """Else logit similarity is another cosine than theirs."""
    snap, metrics, _ = published
    names = product_form_of(snap).irreps.names[1:]
    theirs = [metrics[f"logit_{name}_rep_trace_similarity"] for name in names]
    shares = one(snap, "logit_trig_share")
    if snap.task.cyclic is None:
        np.testing.assert_allclose(one(snap, "logit_similarity")[1:], theirs, rtol=1e-5, atol=1e-7)
        shares = shares[1:]
    np.testing.assert_allclose(np.sqrt(shares), np.abs(theirs), rtol=1e-5, atol=1e-7)


@of()
def test_shares_of_weights_and_neurons(published):
    """Else shares are of other matrices or other functions than theirs."""
    snap, metrics, _ = published
    names = product_form_of(snap).irreps.names
    weights, neurons = value(snap, "irrep_weight_shares"), value(snap, "irrep_neuron_shares")
    theirs = {
        "embedding_share": "percent_x_embed_{}_rep",
        "embedding_share_second": "percent_y_embed_{}_rep",
        "unembedding_share": "percent_unembed_{}_rep",
        "neuron_share_x": "percent_hidden_x_{}_rep",
        "neuron_share_y": "percent_hidden_y_{}_rep",
        "neuron_share_xy": "percent_hidden_xy_{}_rep",
        "neuron_share": "total_percent_hidden_{}_rep",
    }
    for variable, words in theirs.items():
        if snap.task.cyclic is not None and variable.startswith("neuron"):
            continue  # theirs hold two arbitrary directions: a QR of dependent entries
        found = (weights | neurons)[variable]
        for name, share in zip(names, found, strict=True):
            expected = metrics[words.format(name)]
            assert share == pytest.approx(expected, rel=1e-5, abs=2e-7), (variable, name)


@of(*S5)
def test_losses_by_representation(published):
    """Else restricted or excluded loss of a representation is of other rows, another rank or another projection.

    On cyclic groups theirs were taken with the wrong rank; in a transformer they leave the skip path out.
    """
    snap, metrics, _ = published
    names = product_form_of(snap).irreps.names
    excluded = value(snap, "excluded_loss")
    restricted = loss_of_each_part(snap, constant=False)
    for i, name in enumerate(names):
        expected = metrics[f"hidden_excluded_loss_{name}_rep"]
        assert excluded["excluded_loss_each"][i] == pytest.approx(expected, rel=1e-5), name
        expected = metrics[f"hidden_restricted_loss_{name}_rep"]
        assert restricted[i] == pytest.approx(expected, rel=1e-5), name
    expected = metrics["total_hidden_excluded_loss"]
    assert float(excluded["excluded_loss"]) == pytest.approx(expected, rel=1e-5)


@of(*NOT_CYCLIC)
def test_losses_by_representation_at_the_neurons(published):
    """Else neurons are projected on other functions: theirs, where neither means nor the skip path are kept."""
    snap, metrics, keys = published
    form = product_form_of(snap)
    to_class = torch.as_tensor(snap.W_L)
    product, train = torch.as_tensor(form.row_sum), torch.as_tensor(snap.rows("train"))
    hidden, labels = snap.neurons.double(), snap.labels

    def loss(logits, rows):
        chosen = logits[rows]
        right = chosen.gather(1, labels[rows, None])[:, 0]
        return float((torch.logsumexp(chosen, 1) - right).mean())

    sets = {name: (i,) for i, name in enumerate(form.irreps.names[:8])}
    theirs = {name: f"hidden_{{}}_loss_{name}_rep" for name in sets}
    sets["key"], theirs["key"] = snap.key, "total_hidden_{}_loss"
    for name, places in sets.items():
        part = torch.as_tensor(projections(snap, (places,), mean_neurons(snap))[0])
        kept, rest = (part @ to_class)[product], (hidden - part[product]) @ to_class
        words = theirs[name]
        everything = torch.arange(len(labels))
        assert loss(kept, everything) == pytest.approx(
            metrics[words.format("restricted")], rel=1e-5
        )
        assert loss(rest, train) == pytest.approx(metrics[words.format("excluded")], rel=1e-5), name
    assert len(keys) == len(snap.key)


@of(*(name for name in GROUPS if name != S5[1]))
def test_the_held_out_loss_and_its_null(published):
    """Else a network that grokked a group is not far below what relabelled elements keep."""
    snap, metrics, _ = published
    found = value(snap, "restricted_loss_held_out")
    assert found["restricted_loss_held_out"] < metrics["test_loss"]
    assert found["restricted_loss_null"].min() > 100 * found["restricted_loss_held_out"]


@of("S5_MLP_seed1")
def test_cosets_of_s5(published):
    """Else neurons of S5 are not seen to be of cosets (Stander et al. 2024): all of them, of the known subgroups."""
    snap, _, _ = published
    found = value(snap, "coset_concentration")
    null = value(snap, "coset_concentration_null")
    assert null["neurons_concentrated"] == snap.config.d_mlp
    assert null["coset_concentration_null"].min() > 0.7
    for operand in ("first", "second"):
        assert np.median(found[f"coset_concentration_{operand}"]) < 1e-3
        large = found[f"coset_order_{operand}"] >= 12
        assert large.mean() > 0.7
