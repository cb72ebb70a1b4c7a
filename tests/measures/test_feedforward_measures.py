"""Every measure on feed-forward models: left out with a reason, or what the definition gives by hand."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import one, random_weights, value

import grokscope as gs
from grokscope.config import ModelConfig, SplitConfig
from grokscope.measures import catalogue
from grokscope.measures.ablations import MODES, ablate, ablation_hooks, component_names
from grokscope.measures.neuron_clusters import neuron_clusters
from grokscope.measures.neuron_projection import neuron_projection
from grokscope.models.feedforward.forms import FORMS
from grokscope.models.feedforward.gromov_solution import gromov_weights
from grokscope.pipeline import analyse_run
from grokscope.runs.context import Context
from grokscope.runs.key import key_frequencies, logit_shares
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task

SIZES = dict(d_model=5, d_mlp=8)


def snapshot(architecture: str, task: str = "mod_add", p: int = 7, key=(2,), **fields) -> Snapshot:
    table = make_task(task, p, layout="a b")
    split = make_split(table, SplitConfig(frac_train=0.5))
    sizes = {"d_mlp": 8} if "one_hot" in architecture else SIZES
    config = ModelConfig(
        architecture=architecture, n_layers=FORMS[architecture].n_layers, n_ctx=2, d_vocab=p,
        d_vocab_out=p, **(sizes | fields),
    )  # fmt: skip
    context = Context(table, split, config, lambda: key)
    return Snapshot(table, split, config, random_weights(config, 0), given_context=context)


def train(tmp_path, **options) -> gs.Run:
    shape = dict(p=7, frac_train=0.6, d_mlp=12, steps=20, checkpoint_every=10)
    return gs.train("mod_add", out=tmp_path / "run", **(shape | options))


@pytest.mark.parametrize("architecture", FORMS)
def test_analysis_of_a_short_run(architecture, tmp_path):
    """Else `grokscope analyze` ends in a traceback on a feed-forward run, or leaves out what it could measure."""
    sizes = {} if "one_hot" in architecture else dict(d_model=6)
    run = train(tmp_path, layout="a b", architecture=architecture, **sizes)
    ds = gs.analyze(run, measures=["all"], steps=[20])
    skipped = json.loads(ds.attrs["skipped"])
    transformer_only = {m.name for m in catalogue() if "attention" in m.needs}
    shared_only = {m.name for m in catalogue() if "shared embedding" in m.needs}
    assert transformer_only <= set(skipped)
    assert all("attention" in skipped[name] for name in transformer_only)
    has_shared = FORMS[architecture].embeddings == "shared"
    assert (shared_only & set(skipped)) == (set() if has_shared else shared_only)
    for name in ("restricted_loss", "embedding_spectrum", "neuron_fraction_explained", "ablation_loss",
                 "inverse_participation_ratio_in", "weight_norm_squared", "restricted_loss_neuron"):  # fmt: skip
        assert name in ds
    assert ds.sizes["neuron"] == 12


def test_report_of_a_short_run(tmp_path):
    """Else the dataset of a feed-forward run makes no events, figures or report."""
    run = train(tmp_path, layout="a b", architecture="mlp", d_model=6)
    found = analyse_run(run.path)
    assert found.report.is_file()
    assert found.to_json()["steps"] == [0, 10, 20]


def test_analysis_of_a_transformer_of_two_layers_with_an_attention_rate(tmp_path):
    """Else what serves both architectures changed what transformers are measured by."""
    run = train(tmp_path, d_model=8, n_heads=2, d_head=4, n_layers=2, attention_rate=0.5)
    ds = gs.analyze(run, measures=["all"], steps=[20])
    assert not {"attention_pattern", "gradient_symmetricity"} & set(json.loads(ds.attrs["skipped"]))
    # rate * 1 + (1 - rate) * 3 visible positions
    np.testing.assert_allclose(ds["attention_pattern"].sum("pos"), 0.5 + 0.5 * 3, rtol=1e-6)


@pytest.mark.parametrize("architecture", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_ablations_equal_hooks(architecture, mode):
    """Else an ablation on the fast way takes away something else than the hook that it stands for."""
    snap = snapshot(architecture, p=7, act_fn="gelu")
    names = [n for n in component_names(snap) if "at logits" not in n and "W_L" not in n]
    assert "MLP" in names
    assert not any("head" in n or "attention" in n or "skip" in n for n in component_names(snap))
    for name in names:
        hooks = ablation_hooks(snap, name, mode)
        logits = snap.model.run_with_hooks(snap.tokens, fwd_hooks=hooks)[:, -1].detach()
        log_p = torch.log_softmax(logits.double(), 1)
        loss = -log_p.gather(1, snap.labels[:, None])[:, 0].mean()
        found = ablate(snap, name, mode, null=False)
        assert found.loss.all == pytest.approx(float(loss), abs=1e-10), name


def test_without_neurons_there_are_no_logits():
    """Else the scale of the output, or a part that skips the neurons, is counted wrongly."""
    for architecture in FORMS:
        assert ablate(snapshot(architecture), "MLP").loss.all == pytest.approx(np.log(7), abs=1e-12)


@pytest.mark.parametrize("task", ["mod_add", "mod_sub", "mod_mul"])
@pytest.mark.parametrize("architecture", ["mlp", "one_hot_mlp", "linear_beta", "linear_delta"])
def test_tables_by_exponent(architecture, task):
    """Else Fourier transforms run over another axis, order or operand than that of a transformer."""
    snap = snapshot(architecture, task, p=11)
    w, form = snap.weights, snap.task.cyclic
    first = {"mlp": "embed_left.W_E", "one_hot_mlp": "blocks.0.mlp.W_in"}.get(
        architecture, "embed.W_E"
    )
    assert np.array_equal(snap.W_E, w[first].numpy()[form.token_x])
    scale = 1 / 8 if architecture == "one_hot_mlp" else 1
    np.testing.assert_allclose(
        snap.W_U, scale * w["unembed.W_U"].numpy()[:, form.class_c], rtol=1e-15
    )
    assert np.array_equal(snap.W_L, snap.W_U)
    logits = snap.neurons.numpy() @ snap.W_L
    np.testing.assert_allclose(logits, snap.answer_logits.numpy()[:, form.class_c], atol=1e-12)


def test_restricted_loss_at_the_neurons_by_hand():
    """Else the neurons' projection passes another output map, or a stream that skips them is added."""
    snap = snapshot("one_hot_mlp", p=7, key=(1, 3), act_fn="square")
    h = snap.neurons.numpy().reshape(7, 7, 8)
    sums = np.add.outer(np.arange(7), np.arange(7)) % 7
    means = np.stack([h[sums == s].mean(0) for s in range(7)])
    s = np.arange(7)
    basis = [np.cos(2 * np.pi * k * s / 7) for k in (1, 3)] + [
        np.sin(2 * np.pi * k * s / 7) for k in (1, 3)
    ]
    kept = means.mean(0) + sum(np.outer(u, u @ means) / (u @ u) for u in basis)
    logits = kept[sums.reshape(-1)] @ snap.weights["unembed.W_U"].numpy() / 8
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wanted = -np.log(p[np.arange(49), snap.labels.numpy()]).mean()
    found = neuron_projection(snap)["restricted_loss_neuron"]
    assert found[3] == pytest.approx(wanted, abs=1e-12)


def test_the_closed_form_is_recognised():
    """Else a network that is known in closed form is not called what it is: every frequency, neurons of one each."""
    n, width = 13, 13 * 12
    config, weights = gromov_weights(n, width)
    table = make_task("mod_add", n, layout="a b")
    snap = Snapshot(table, make_split(table, SplitConfig()), config, weights)
    assert snap.accuracy.all == 1.0
    assert key_frequencies(snap, "embedding") == (1, 2, 3, 4, 5, 6)
    assert one(snap, "inverse_participation_ratio_out") == pytest.approx(1, abs=1e-9)
    assert logit_shares(snap).sum() > 0.8
    # (cos u + cos v)^2: of the energy 5/4 = 2/8 + 2/2, half of the products' is of the sum and half of the difference,
    # and cos 2u is the second harmonic.
    fractions = neuron_clusters(snap)["neuron_fraction_explained"]
    assert np.nanmax(fractions) == pytest.approx(0.8, abs=1e-9)


def test_linear_models_with_one_sum_are_symmetric():
    """Else the gradients by the two operands are of different rows: in a model of E[a] + E[b] they are equal."""
    assert one(snapshot("linear_alpha"), "gradient_symmetricity") == pytest.approx(1, abs=1e-12)
    assert one(snapshot("linear_gamma"), "gradient_symmetricity") == pytest.approx(1, abs=1e-12)
    assert one(snapshot("linear_delta"), "gradient_symmetricity") < 0.9


BESIDE = Path(__file__).resolve().parents[3] / "shared" / "external"
FOLDER = Path(os.environ.get("GROKSCOPE_EXTERNAL", BESIDE))


def published(name: str) -> dict[str, torch.Tensor]:
    if not (FOLDER / name).exists():
        pytest.skip(f"{FOLDER / name} is not there (set GROKSCOPE_EXTERNAL)")
    return torch.load(FOLDER / name, weights_only=True, map_location="cpu")


@pytest.mark.external
def test_chughtais_mlp_on_c113():
    """Else the MLP is another than the published one: their losses, in five digits, and their own key frequencies."""
    state = published("rep_theory/C113_MLP_seed1/model.pt")
    names = {"embed_left.W_E": "W_x", "embed_right.W_E": "W_y", "blocks.0.mlp.W_in": "W",
             "unembed.W_U": "W_U"}  # fmt: skip
    table = make_task("mod_add", 113, layout="a b")
    split = make_split(table, SplitConfig(frac_train=0.3, split_seed=1, shuffle="torch"))
    config = ModelConfig(
        architecture="mlp", d_model=256, d_mlp=128, n_ctx=2, d_vocab=113, d_vocab_out=113
    )
    snap = Snapshot(table, split, config, {ours: state[theirs] for ours, theirs in names.items()})
    recorded = json.loads((FOLDER / "rep_theory/C113_MLP_seed1/summary_metrics.json").read_text())
    assert snap.loss.train == pytest.approx(recorded["train_loss"], rel=1e-4)
    assert snap.loss.test == pytest.approx(recorded["test_loss"], rel=1e-4)
    assert snap.loss.all == pytest.approx(recorded["all_loss"], rel=1e-4)
    norm = value(snap, "weight_norms")["weight_norm_squared"][-1]
    assert norm == pytest.approx(recorded["sum_of_squared_weights"], rel=1e-5)
    assert set(snap.key) <= {1, 4, 8, 11, 13, 16, 17, 22, 25, 32, 34, 44, 50}
    assert {44, 50} <= set(snap.key)


@pytest.mark.external
@pytest.mark.parametrize(
    ("file", "rate", "symmetricity", "irrelevance", "circularity", "norm"),
    [
        ("p99zdpze5l", 0.0, 0.9937, 0.1717, 0.9978, 22.854),
        ("l8k1hzciux", 1.0, 0.3336, 0.8483, 0.9989, 24.814),
    ],
)
def test_zhongs_pizza_and_clock(file, rate, symmetricity, irrelevance, circularity, norm):
    """Else the attention rate is another than the published one: their models A and B by their own numbers.

    Divided by the number of positions, the ones of rate 0 would give .978 and .210 for model A. The clock's
    symmetricity has a standard error of .04 over triples: .3336 needs the authors' own.
    """
    state = published(f"pizza/model_{file}.pt")
    block = "blocks.0."
    weights = {"embed.W_E": state["embed.W_E"].T, "pos_embed.W_pos": state["pos_embed.W_pos"]}
    for part in "QKV":
        weights[f"{block}attn.W_{part}"] = state[f"{block}attn.W_{part}"].transpose(1, 2)
    flat = state[f"{block}attn.W_O"]
    weights[f"{block}attn.W_O"] = flat.T.reshape(4, 32, 128)
    for part in ("W_in", "W_out"):
        weights[f"{block}mlp.{part}"] = state[f"{block}mlp.{part}"].T
    for part in ("b_in", "b_out"):
        weights[f"{block}mlp.{part}"] = state[f"{block}mlp.{part}"]
    weights["unembed.W_U"] = state["unembed.W_U"]
    table = make_task("mod_add", 59, layout="a b")
    config = ModelConfig(
        n_ctx=2, d_vocab=59, d_vocab_out=59, attention_mask="none", attention_rate=rate
    )
    snap = Snapshot(table, None, config, {k: w.contiguous() for k, w in weights.items()})
    assert snap.accuracy.all > 0.999
    assert one(snap, "gradient_symmetricity") == pytest.approx(symmetricity, abs=5e-5)
    assert one(snap, "distance_irrelevance") == pytest.approx(irrelevance, abs=5e-5)
    assert one(snap, "circularity") == pytest.approx(circularity, abs=5e-5)
    squares = sum(float(w.double().square().sum()) for w in weights.values())
    assert squares**0.5 == pytest.approx(norm, abs=1e-3)
