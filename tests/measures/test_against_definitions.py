"""Every measure against its definition computed again by brute force, on random models of all tasks.

If these fail, a number in the dataset is not what its formula says.
"""

import itertools
import random

import brute_force
import numpy as np
import pytest
import torch
from random_models import one, random_snapshot, value

from grokscope.harmonics.fourier import fourier_basis
from grokscope.measures.inverse_participation_ratio import inverse_participation
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import null_sets
from grokscope.tasks import ROWS

EXACT = dict(rtol=1e-9, atol=1e-9)

CASES = {
    "addition": dict(task="mod_add", p=7, key=(1, 3)),
    "even modulus": dict(task="mod_add", p=8, key=(1, 4)),
    "subtraction": dict(task="mod_sub", p=9, key=(2, 3)),
    "multiplication, even order": dict(task="mod_mul", p=11, key=(2, 5)),
    "division, even order": dict(task="mod_div", p=11, key=(1, 5)),
    "composite modulus": dict(task="mod_mul", p=14, key=(1,)),
    "answers as classes": dict(task="mod_add", p=7, key=(2,), d_vocab_out=7),
    "two layers, pre-norm": dict(
        task="mod_add", p=7, key=(2,), n_layers=2, normalization="pre", bias_attn=True
    ),
    "post-norm, gelu": dict(
        task="mod_mul", p=11, key=(2, 5), normalization="post", act_fn="gelu", bias_unembed=True
    ),
}


@pytest.fixture(params=list(CASES))
def snap(request):
    return random_snapshot(**CASES[request.param])


@pytest.fixture(params=["addition", "even modulus", "division, even order", "two layers, pre-norm"])
def few(request):
    return random_snapshot(**CASES[request.param])


def plain_logits(snap, hooks=()):
    with torch.no_grad():
        logits = snap.model.run_with_hooks(snap.tokens, fwd_hooks=list(hooks))
    return logits[:, -1].numpy()


def answers_of(snap, hooks=()):
    return plain_logits(snap, hooks)[:, : snap.task.n_classes]


def in_group(snap, name):
    return brute_force.group_rows(snap.task, snap.rows(name))


def test_loss_accuracy_margin_and_scale(snap):
    logits, labels = plain_logits(snap), snap.split.labels
    each = brute_force.cross_entropy(logits, labels)
    right = logits.argmax(1) == labels
    answers = logits[:, : snap.task.n_classes]
    margin = [row[c] - np.delete(row, c).max() for row, c in zip(answers, labels, strict=True)]
    for i, name in enumerate(ROWS):
        rows = snap.rows(name)
        np.testing.assert_allclose(one(snap, "loss")[i], each[rows].mean(), **EXACT)
        np.testing.assert_allclose(one(snap, "accuracy")[i], right[rows].mean(), **EXACT)
        np.testing.assert_allclose(one(snap, "margin")[i], np.array(margin)[rows].mean(), **EXACT)
    np.testing.assert_allclose(one(snap, "logit_scale"), answers.std(1).mean(), **EXACT)


def test_restricted_loss_of_all_rows(snap):
    logits, labels = answers_of(snap), snap.split.labels
    for i, name in enumerate(ROWS):
        expected = brute_force.restricted(
            snap.task, logits, labels, snap.key, in_group(snap, "all"), in_group(snap, name)
        )
        np.testing.assert_allclose(one(snap, "restricted_loss")[i], expected.mean(), **EXACT)


def test_held_out_restricted_loss_and_its_null(snap):
    logits, labels = answers_of(snap), snap.split.labels
    rows = in_group(snap, "test_twin_free")
    found = value(snap, "restricted_loss_held_out")
    each = brute_force.restricted(snap.task, logits, labels, snap.key, rows, rows)
    np.testing.assert_allclose(found["restricted_loss_held_out"], each.mean(), **EXACT)
    np.testing.assert_allclose(
        found["restricted_loss_held_out_se"], each.std() / np.sqrt(len(rows)), **EXACT
    )
    expected = [
        brute_force.restricted(snap.task, logits, labels, other, rows, rows).mean()
        for other in null_sets(snap, snap.key)
    ]
    np.testing.assert_allclose(found["restricted_loss_null"], expected, **EXACT)


def test_excluded_loss(snap):
    logits, labels, train = answers_of(snap), snap.split.labels, in_group(snap, "train")
    found = value(snap, "excluded_loss")

    def expected(keys):
        return brute_force.excluded(snap.task, logits, labels, keys, train).mean()

    np.testing.assert_allclose(found["excluded_loss"], expected(snap.key), **EXACT)
    each = [expected([k]) for k in range(1, snap.task.cyclic.n_freq + 1)]
    np.testing.assert_allclose(found["excluded_loss_each"], each, **EXACT)
    null = [expected(other) for other in null_sets(snap, snap.key)]
    np.testing.assert_allclose(found["excluded_loss_null"], null, **EXACT)


def test_losses_at_the_neurons_equal_hooks_on_the_hooked_model(snap):
    layer = snap.config.n_layers - 1
    _, cache = snap.model.run_with_cache(snap.tokens)
    neurons = cache[f"blocks.{layer}.mlp.hook_post"][:, -1].detach().numpy()
    rows, labels = in_group(snap, "all"), snap.split.labels
    waves = brute_force.directions(snap.task, snap.key)
    with_constant = brute_force.directions(snap.task, snap.key, constant=True)
    kept, removed = neurons.copy(), neurons.copy()
    kept[rows] = brute_force.fit(neurons, with_constant, rows, rows)
    removed[rows] -= brute_force.fit(neurons, waves, rows, rows)

    def loss(new):
        def hook(tensor, hook):
            tensor = tensor.clone()
            tensor[:, -1] = torch.as_tensor(new)
            return tensor

        logits = answers_of(snap, [(f"blocks.{layer}.mlp.hook_post", hook)])
        return brute_force.cross_entropy(logits, labels)

    before = snap.neurons.clone()
    found = value(snap, "restricted_loss_neuron")
    assert torch.equal(before, snap.neurons), "measuring changed the snapshot"
    expected = [loss(kept)[snap.rows(name)].mean() for name in ROWS]
    np.testing.assert_allclose(found["restricted_loss_neuron"], expected, **EXACT)
    expected = loss(removed)[snap.rows("train")].mean()
    np.testing.assert_allclose(found["excluded_loss_neuron"], expected, **EXACT)


def test_trig_shares(snap):
    expected = brute_force.trig_shares(snap.task, answers_of(snap))
    found = value(snap, "logit_trig_share")
    np.testing.assert_allclose(found["logit_trig_share"], expected, **EXACT)
    of_key = expected[np.array(snap.key) - 1].sum()
    np.testing.assert_allclose(found["logit_trig_share_key"], of_key, **EXACT)


def table_of(snap, which):
    """Return W_E or the neuron-logit map by exponent, [n, column]."""
    cyclic, w = snap.task.cyclic, {k: v.numpy() for k, v in snap.weights.items()}
    if which == "W_E":
        return w["embed.W_E"][cyclic.token_x]
    last = snap.config.n_layers - 1
    return (w[f"blocks.{last}.mlp.W_out"] @ w["unembed.W_U"])[:, cyclic.class_c].T


def components_of(table):
    """Return {(frequency, phase): norm over columns} in the explicit basis."""
    basis, names = fourier_basis(len(table))
    return dict(zip(names, np.linalg.norm(basis @ table, axis=1), strict=True))


def test_spectra_and_gini(snap):
    for which, gini_name in (("W_E", "gini_embedding"), ("W_L", "gini_neuron_logit_map")):
        norms = components_of(table_of(snap, which))
        x = np.array(list(norms.values()))
        gini = np.abs(x[:, None] - x).mean() / (2 * x.mean())
        np.testing.assert_allclose(value(snap, "gini")[gini_name], gini, **EXACT)
        both = [
            np.hypot(norms[k, "cos"], norms.get((k, "sin"), 0))
            for k in range(1, snap.task.cyclic.n_freq + 1)
        ]
        name = "embedding_spectrum" if which == "W_E" else "neuron_logit_spectrum"
        np.testing.assert_allclose(one(snap, name), both, **EXACT)


def test_frequency_density_and_coefficient_ratio(snap):
    norms = components_of(table_of(snap, "W_E"))
    n_freq = snap.task.cyclic.n_freq
    mu = np.array([norms[k, "cos"] for k in range(1, n_freq + 1)])
    nu = np.array([norms.get((k, "sin"), 0.0) for k in range(1, n_freq + 1)])
    density = ((mu / mu.max() > 0.5).sum() + (nu / nu.max() > 0.5).sum()) / (2 * n_freq)
    ratio = np.mean([min(a / b, b / a) for a, b in zip(mu, nu, strict=True) if b > 0])
    np.testing.assert_allclose(one(snap, "ffd_embedding"), density, **EXACT)
    np.testing.assert_allclose(one(snap, "fcr_embedding"), ratio, **EXACT)


def test_inverse_participation_ratio(snap):
    table = table_of(snap, "W_L")
    expected = []
    for column in table.T:
        u = np.abs(np.fft.rfft(column))
        expected.append((np.sum(u**4) ** 0.25 / np.sum(u**2) ** 0.5) ** 4)
    np.testing.assert_allclose(
        one(snap, "inverse_participation_ratio_out"), np.mean(expected), **EXACT
    )


def test_inverse_participation_ratio_of_the_input_side_by_the_linear_response_of_neurons():
    """Zero queries make attention uniform; then a neuron's pre-activation moves with a token by this over n_ctx."""
    snap = random_snapshot(p=7, act_fn="identity", positional="none")
    weights = {k: v * 0 if k.endswith("W_Q") else v for k, v in snap.weights.items()}
    snap = Snapshot(snap.task, snap.split, snap.config, weights)
    neurons = snap.neurons.numpy().reshape(7, 7, -1)
    response = neurons[:, 0] - neurons[:1, 0] + 0.0
    from grokscope.measures.inverse_participation_ratio import input_weights

    table = input_weights(snap)
    np.testing.assert_allclose(3 * response, table - table[:1], **EXACT)


@pytest.mark.parametrize("n", [7, 8])
def test_inverse_participation_of_a_wave_is_one_and_of_two_is_a_half(n):
    x = 2 * np.pi * np.arange(n) / n
    wave = np.stack([np.cos(2 * x + 0.4), np.cos(x) + np.cos(2 * x), np.zeros(n)], axis=1)
    assert inverse_participation(wave[None, :, :1])[0] == pytest.approx(1)
    assert inverse_participation(wave[None, :, 1:2])[0] == pytest.approx(0.5)
    assert inverse_participation(wave[None])[0] == pytest.approx(0.75), "a dead neuron is left out"


def test_neuron_clusters_and_concentration(snap):
    from grokscope.harmonics.neuron_fractions import neuron_fractions

    h = snap.neurons.numpy()[snap.task.cyclic.grid]
    shares = neuron_fractions(h)
    dead = h.std((0, 1)) < 1e-9
    best = np.where(dead, -1, shares.argmax(0))
    n_freq, found = len(shares), value(snap, "neuron_clusters")
    assert found["neurons_dead"] == dead.sum()
    assert (found["neuron_frequency"] == best + 1).all()
    np.testing.assert_allclose(found["neuron_fraction_explained"], shares.max(0), **EXACT)
    above = ~dead & (np.nan_to_num(shares).max(0) > 0.85)
    assert found["neurons_explained"] == above.sum()
    assert (
        found["neurons_per_frequency"] == [(above & (best == k)).sum() for k in range(n_freq)]
    ).all()
    par = np.array([(best[~dead] == k).mean() for k in range(n_freq)])
    expected = (par.max() - 1 / n_freq) / (1 - 1 / n_freq)
    np.testing.assert_allclose(found["frequency_concentration"], expected, **EXACT)
    top = found["frequency_concentration_top_k"]
    if n_freq > 5:
        expected = (np.sort(par)[-5:].sum() - 5 / n_freq) / (1 - 5 / n_freq)
        np.testing.assert_allclose(top, expected, **EXACT)
    else:
        assert np.isnan(top)


def test_dead_neurons_count_nowhere_else():
    snap = random_snapshot(p=7, d_mlp=20, act_fn="gelu")
    weights = dict(snap.weights)
    b_in = weights["blocks.0.mlp.b_in"].clone()
    b_in[:8] = -1000.0
    snap = Snapshot(snap.task, snap.split, snap.config, weights | {"blocks.0.mlp.b_in": b_in})
    found = value(snap, "neuron_clusters")
    assert found["neurons_dead"] == 8
    assert (found["neuron_frequency"][:8] == 0).all()
    assert np.isnan(found["neuron_fraction_explained"][:8]).all()
    assert (found["neuron_frequency"][8:] > 0).all()
    live = found["neuron_frequency"][8:]
    par = np.array([(live == k).mean() for k in (1, 2, 3)])
    expected = (par.max() - 1 / 3) / (2 / 3)
    np.testing.assert_allclose(found["frequency_concentration"], expected, **EXACT)


def test_a_model_whose_neurons_are_all_dead():
    snap = random_snapshot(p=7)
    b_in = torch.full((16,), -1000.0, dtype=torch.float64)
    snap = Snapshot(
        snap.task, snap.split, snap.config, dict(snap.weights) | {"blocks.0.mlp.b_in": b_in}
    )
    found = value(snap, "neuron_clusters")
    assert found["neurons_dead"] == 16
    assert np.isnan(found["frequency_concentration"])
    assert snap.key == ()
    assert np.isnan(value(snap, "restricted_loss")["restricted_loss"]).all()
    assert np.isnan(value(snap, "excluded_loss")["excluded_loss"])


def test_commutativity(snap):
    logits = answers_of(snap)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    row = {tuple(pair): i for i, pair in enumerate(snap.task.inputs.tolist())}
    values = [
        (p[i] * np.log(p[i] / p[row[b, a]])).sum()
        for (a, b), i in row.items()
        if a != b and (b, a) in row
    ]
    np.testing.assert_allclose(one(snap, "commutativity"), np.mean(values), **EXACT)


def test_distance_irrelevance(snap):
    logits, n = answers_of(snap), snap.task.cyclic.n
    x, y = brute_force.exponents(snap.task)
    inside = x >= 0
    right = logits[np.arange(len(logits)), snap.task.answers]
    spread = [right[inside & ((x - y) % n == d)].std() for d in range(n)]
    expected = np.mean(spread) / right[inside].std()
    np.testing.assert_allclose(one(snap, "distance_irrelevance"), expected, **EXACT)


def test_circularity(snap):
    table = table_of(snap, "W_E")
    n = len(table)
    centred = table - table.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    shares = []
    for direction in vectors[:, np.argsort(-values)[:4]].T:
        x = centred @ direction
        basis, names = fourier_basis(n)
        power = {}
        for (k, _), c in zip(names, basis @ x, strict=True):
            power[k] = power.get(k, 0) + c**2
        power.pop(0)
        shares.append(max(power.values()) / sum(power.values()))
    np.testing.assert_allclose(one(snap, "circularity"), np.mean(shares), **EXACT)


@pytest.mark.parametrize("n", [7, 12])
def test_circularity_of_circles_is_one_also_where_there_are_fewer_than_four_components(n):
    from grokscope.measures.circularity import circularity_of

    x = 2 * np.pi * np.arange(n) / n
    circle = np.stack([np.cos(2 * x), np.sin(2 * x), np.zeros(n), np.ones(n)], axis=1)
    assert circularity_of(circle[None])[0] == pytest.approx(1, abs=1e-9)
    two = np.concatenate(
        [circle, 0.5 * np.cos(3 * x)[:, None], 0.4 * np.sin(3 * x)[:, None]], axis=1
    )
    assert circularity_of(two[None])[0] == pytest.approx(1, abs=1e-9)
    assert np.isnan(circularity_of(np.ones((1, n, 6)))[0])


def test_gradient_symmetricity_by_autograd_through_the_hooked_model(few):
    snap = few
    triples = list(itertools.product(range(snap.task.n_inputs), range(snap.task.n_classes)))
    random.Random(42).shuffle(triples)
    cosines = []
    for row, c in triples[:100]:
        kept = {}

        def hook(tensor, hook, kept=kept):
            kept["embed"] = tensor
            tensor.retain_grad()

        logits = snap.model.run_with_hooks(
            snap.tokens[row : row + 1], fwd_hooks=[("hook_embed", hook)]
        )
        logits[0, -1, c].backward()
        a, b = kept["embed"].grad[0, :2]
        cosines.append(float(a @ b / (a.norm() * b.norm())))
    found = value(snap, "gradient_symmetricity")
    np.testing.assert_allclose(found["gradient_symmetricity"], np.mean(cosines), **EXACT)
    np.testing.assert_allclose(found["gradient_symmetricity_se"], np.std(cosines) / 10, **EXACT)


def flat(snap, name):
    return snap.weights[name].numpy().reshape(-1)


def test_ranks(few):
    snap, last = few, few.config.n_layers - 1
    names = list(snap.weights)
    found = value(snap, "weight_ranks")
    for i, name in enumerate(names):
        w = snap.weights[name].numpy()
        if w.ndim == 1:
            assert np.isnan(found["effective_rank"][i])
            assert np.isnan(found["stable_rank"][i])
            continue
        if w.ndim == 3:
            w = np.concatenate(list(w), axis=0 if name.endswith("W_O") else 1)
        sigma = np.linalg.svd(w, compute_uv=False)
        q = sigma / sigma.sum()
        effective = np.exp(-(q * np.log(q)).sum())
        np.testing.assert_allclose(found["effective_rank"][i], effective, rtol=1e-7)
        stable = (w**2).sum() / sigma[0] ** 2
        np.testing.assert_allclose(found["stable_rank"][i], stable, rtol=1e-9)
    sigma = np.linalg.svd(table_of(snap, "W_L"), compute_uv=False)
    q = sigma / sigma.sum()
    expected = np.exp(-(q * np.log(q)).sum())
    np.testing.assert_allclose(one(snap, "effective_rank_neuron_logit_map"), expected, rtol=1e-6)
    _, cache = snap.model.run_with_cache(snap.tokens)
    x = cache[f"blocks.{last}.hook_resid_post"][:, -1].detach().numpy()
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T))
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    np.testing.assert_allclose(one(snap, "participation_ratio"), expected, rtol=1e-8)


def test_a_matrix_of_low_rank_has_that_effective_rank_to_ten_digits():
    from grokscope.measures.ranks import effective_rank_of, squared_singular_values

    rng = np.random.default_rng(0)
    u, _ = np.linalg.qr(rng.standard_normal((60, 10)))
    v, _ = np.linalg.qr(rng.standard_normal((40, 10)))
    assert effective_rank_of(squared_singular_values(5 * u @ v.T[None]))[0] == pytest.approx(
        10, rel=1e-10
    )
    assert np.isnan(effective_rank_of(squared_singular_values(np.zeros((1, 4, 3))))[0])


def test_displays(few):
    snap, last = few, few.config.n_layers - 1
    _, cache = snap.model.run_with_cache(snap.tokens)
    pattern = cache[f"blocks.{last}.attn.hook_pattern"][:, :, -1].detach().numpy()
    np.testing.assert_allclose(
        one(snap, "attention_pattern"), pattern.transpose(1, 2, 0), atol=1e-6
    )
    from grokscope.measures.displays import example_neurons

    chosen = example_neurons(snap)
    assert len(set(chosen.tolist())) == len(chosen) == 6
    neurons = cache[f"blocks.{last}.mlp.hook_post"][:, -1].detach().numpy()
    np.testing.assert_allclose(one(snap, "neuron_activation"), neurons[:, chosen].T, atol=1e-6)


def test_nothing_measured_changes_the_snapshot(few):
    """A measure that wrote into shared activations once made every later measure wrong, in float64 only."""
    from grokscope.measures import catalogue

    snap = few
    shared = {
        name: getattr(snap.activations, name).clone()
        for name in ("logits", "neurons", "resid_mid", "resid_post", "z", "attn_out", "resid_pre")
    }
    streams = {name: getattr(snap.answer, name).clone() for name in vars(snap.answer)}
    answers = snap.answer_logits.clone()
    weights = {name: w.clone() for name, w in snap.weights.items()}
    for measure in catalogue():
        if measure.builtin and not measure.why_not(snap):
            measure(snap)
            for name, before in shared.items():
                assert torch.equal(before, getattr(snap.activations, name)), (measure.name, name)
            for name, before in streams.items():
                assert torch.equal(before, getattr(snap.answer, name)), (measure.name, name)
            assert torch.equal(answers, snap.answer_logits), measure.name
            for name, before in weights.items():
                assert torch.equal(before, snap.weights[name]), (measure.name, name)
