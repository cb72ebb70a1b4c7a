"""Ablations, held against the hooked model and against edits by hand.

If these fail, "what happens without it" is the answer to another question.
"""

import brute_force
import numpy as np
import pytest
import torch
from planted import Planted
from random_models import random_snapshot, value

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.measures.ablation_parts import components
from grokscope.measures.ablations import MODES, ablate, ablation_hooks, component_names
from grokscope.runs.sums import N_DRAWS
from grokscope.tasks import ROWS

EXACT = dict(rtol=1e-9, atol=1e-9)

SHAPES = {
    "plain": dict(p=7, key=(1, 2)),
    "no mlp biases": dict(p=7, key=(1, 2), bias_mlp=False),
    "biases": dict(p=7, key=(3,), bias_attn=True, bias_unembed=True),
    "pre-norm, two layers": dict(p=7, key=(1, 2), normalization="pre", n_layers=2, bias_attn=True),
    "post-norm": dict(p=7, key=(1, 2), normalization="post", bias_unembed=True),
    "two layers": dict(p=7, key=(1,), n_layers=2),
    "no mask": dict(p=7, key=(1,), attention_mask="none", act_fn="gelu"),
    "even order": dict(task="mod_mul", p=11, key=(2, 5)),
    "division": dict(task="mod_div", p=7, key=(1, 3)),
    "one head": dict(p=7, key=(1,), n_heads=1),
    "attention only": dict(p=7, key=(1,), attn_only=True),
    "attention only, pre-norm": dict(p=7, key=(1,), attn_only=True, normalization="pre"),
    "attention only, post-norm": dict(p=7, key=(1,), attn_only=True, normalization="post"),
}


@pytest.fixture(params=list(SHAPES))
def snap(request):
    return random_snapshot(**SHAPES[request.param])


def judged(snap, logits):
    each = brute_force.cross_entropy(logits, snap.labels.numpy())
    right = logits.argmax(1) == snap.labels.numpy()
    return [[x[snap.rows(name)].mean() for name in ROWS] for x in (each, right)]


def other_inputs(n):
    return np.random.default_rng(0).permutation(n)


@pytest.mark.parametrize("mode", MODES)
def test_every_component_inside_the_model_equals_its_hooks(snap, mode):
    found = [c.name for c in components(snap) if c.edit is not None]
    assert len(found) >= (2 if snap.config.attn_only else 4) + snap.config.n_heads
    for name in found:
        with torch.no_grad():
            logits = snap.model.run_with_hooks(
                snap.tokens, fwd_hooks=ablation_hooks(snap, name, mode)
            )
        logits = logits[:, -1, : snap.task.n_classes].numpy()
        ablation = ablate(snap, name, mode, null=False)
        expected = judged(snap, logits)
        np.testing.assert_allclose(ablation.loss.array(), expected[0], err_msg=name, **EXACT)
        np.testing.assert_allclose(ablation.accuracy.array(), expected[1], err_msg=name, **EXACT)
        assert len(ablation.null_loss) == 0


def cached(snap, name):
    _, cache = snap.model.run_with_cache(snap.tokens)
    return cache[f"blocks.{snap.config.n_layers - 1}.{name}"][:, -1].detach().numpy()


def taken(x, mode):
    if mode == "zero":
        return np.zeros_like(x)
    return x * 0 + x.mean(0) if mode == "mean" else x[other_inputs(len(x))]


def run_with(snap, name, new):
    def hook(tensor, hook):
        tensor = tensor.clone()
        tensor[:, -1] = torch.as_tensor(new)
        return tensor

    hooks = [(f"blocks.{snap.config.n_layers - 1}.{name}", hook)]
    with torch.no_grad():
        logits = snap.model.run_with_hooks(snap.tokens, fwd_hooks=hooks)
    return logits[:, -1, : snap.task.n_classes].numpy()


@pytest.mark.parametrize("mode", MODES)
def test_heads_attention_and_mlp_by_hand(snap, mode):
    """Not with our hooks: the activation is read from the cache and edited in numpy."""
    z = cached(snap, "attn.hook_z")
    for head in range(snap.config.n_heads):
        new = z.copy()
        new[:, head] = taken(z[:, head], mode)
        expected = judged(snap, run_with(snap, "attn.hook_z", new))[0]
        loss = ablate(snap, f"head {head}", mode, null=False).loss.array()
        np.testing.assert_allclose(loss, expected, **EXACT)
    places = {"attention": "hook_attn_out"}
    if snap.has_neurons:
        places["MLP"] = "hook_mlp_out"
    for name, place in places.items():
        expected = judged(snap, run_with(snap, place, taken(cached(snap, place), mode)))[0]
        loss = ablate(snap, name, mode, null=False).loss.array()
        np.testing.assert_allclose(loss, expected, err_msg=name, **EXACT)


@pytest.mark.parametrize("mode", MODES)
def test_skip_paths_without_normalisation_by_hand(mode):
    snap = random_snapshot(p=7, key=(1,), n_layers=2)
    mid = cached(snap, "hook_attn_out") + taken(cached(snap, "hook_resid_pre"), mode)
    loss = ablate(snap, "attention skip", mode, null=False).loss.array()
    np.testing.assert_allclose(
        loss, judged(snap, run_with(snap, "hook_resid_mid", mid))[0], **EXACT
    )
    post = cached(snap, "hook_mlp_out") + taken(cached(snap, "hook_resid_mid"), mode)
    loss = ablate(snap, "MLP skip", mode, null=False).loss.array()
    np.testing.assert_allclose(
        loss, judged(snap, run_with(snap, "hook_resid_post", post))[0], **EXACT
    )


@pytest.mark.parametrize("mode", MODES)
def test_frequencies_at_logits_and_at_neurons_by_hand(snap, mode):
    n = snap.task.n_inputs
    rows = brute_force.group_rows(snap.task, np.arange(n))
    waves = brute_force.directions(snap.task, snap.key)

    def part(values):
        return brute_force.fit(values, waves, rows, np.arange(n))

    def change(p):
        return p[other_inputs(n)] - p if mode == "resample" else -p

    logits = snap.answer_logits.numpy()
    expected = judged(snap, logits + change(part(logits)))
    found = ablate(snap, "key frequencies at logits", mode, null=False)
    np.testing.assert_allclose(found.loss.array(), expected[0], **EXACT)
    np.testing.assert_allclose(found.accuracy.array(), expected[1], **EXACT)

    constant = logits[rows].mean(0)
    rest = np.zeros_like(logits)
    rest[rows] = (logits - constant - part(logits))[rows]
    found = ablate(snap, "all but key frequencies at logits", mode, null=False)
    np.testing.assert_allclose(found.loss.array(), judged(snap, logits + change(rest))[0], **EXACT)

    if snap.has_neurons:
        h = cached(snap, "mlp.hook_post")
        expected = judged(snap, run_with(snap, "mlp.hook_post", h + change(part(h))))[0]
        found = ablate(snap, "key frequencies at neurons", mode, null=False)
        np.testing.assert_allclose(found.loss.array(), expected, **EXACT)


@pytest.mark.parametrize("mode", MODES)
def test_frequencies_of_the_neuron_logit_map_by_hand(mode):
    snap = random_snapshot("mod_mul", p=11, key=(2, 5))
    cyclic = snap.task.cyclic
    W_L = (snap.weights["blocks.0.mlp.W_out"] @ snap.weights["unembed.W_U"]).numpy()
    along = np.arange(cyclic.n)
    waves = [np.cos(2 * np.pi * 2 * along / 10), np.sin(2 * np.pi * 2 * along / 10)]
    waves.append(np.cos(np.pi * along))
    waves = np.stack([w / np.linalg.norm(w) for w in waves])
    through = np.zeros((snap.task.n_inputs, 11))
    in_group = (cached(snap, "mlp.hook_post") @ W_L)[:, cyclic.class_c]
    through[:, cyclic.class_c] = in_group @ waves.T @ waves
    logits = snap.answer_logits.numpy() + taken(through, mode) - through
    found = ablate(snap, "key frequencies at W_L", mode, null=False)
    np.testing.assert_allclose(found.loss.array(), judged(snap, logits)[0], **EXACT)


def test_the_measure_is_ablate_for_every_component_and_mode():
    snap = random_snapshot(p=7, key=(2,))
    table = value(snap, "ablations")
    for i, name in enumerate(component_names(snap)):
        for j, mode in enumerate(MODES):
            found = ablate(snap, name, mode)
            np.testing.assert_allclose(table["ablation_loss"][i, j], found.loss.array(), **EXACT)
            accuracy = found.accuracy.array()
            np.testing.assert_allclose(table["ablation_accuracy"][i, j], accuracy, **EXACT)
            draws = len(found.null_loss)
            null = table["ablation_null_loss"][i, j]
            np.testing.assert_allclose(null[:draws], found.null_loss, **EXACT)
            assert np.isnan(null[draws:]).all()
            assert draws == (1 if name.startswith("head") else N_DRAWS)


def test_nulls_are_of_the_same_kind_and_not_the_thing_itself():
    snap = random_snapshot(p=23, key=(1, 2), n_heads=3)
    for name in component_names(snap):
        found = ablate(snap, name)
        assert np.isfinite(found.null_loss).all()
        if name != "unexplained neurons":  # of a random model these are all, and so is their null
            assert (np.abs(found.null_loss[:, 3] - found.loss.all) > 1e-12).any(), name
    heads = [ablate(snap, f"head {h}").loss.all for h in range(3)]
    for h in range(3):
        others = [heads[i] for i in range(3) if i != h]
        np.testing.assert_allclose(ablate(snap, f"head {h}").null_loss[:, 3], others, **EXACT)


def test_as_much_is_taken_away_in_the_null_of_a_path():
    snap = random_snapshot(p=7, key=(1,), n_layers=2)
    rows = torch.arange(snap.task.n_inputs)
    for component in components(snap):
        if component.name in ("attention", "attention skip", "MLP", "MLP skip"):
            assert component.null is not None
            part, null = component.part, component.null(3)
            for mode in MODES:
                here, there = part.values(rows), part.values(rows.flip(0))
                size = part.change(mode, here, there).norm(dim=1)
                turned = null.change(mode, here, there)
                np.testing.assert_allclose(turned.norm(dim=1), size, **EXACT)
                assert not np.allclose(turned, part.change(mode, here, there))


def test_nulls_on_many_inputs_are_judged_on_a_sample_of_them():
    snap = random_snapshot(p=53, key=(1, 2))
    rows = np.sort(np.random.default_rng(0).choice(53 * 53, size=2048, replace=False))
    found = ablate(snap, "key frequencies at logits")
    key = gs.ablate(snap, "key frequencies at logits", null=False)
    assert key.null_loss.shape == (0, 4)
    logits = snap.answer_logits.numpy()
    from grokscope.runs.sums import null_sets

    chosen = null_sets(snap, snap.key)[0]
    each = brute_force.excluded(snap.task, logits, snap.labels.numpy(), chosen, rows)
    np.testing.assert_allclose(found.null_loss[0, 3], each.mean(), **EXACT)
    in_train = np.isin(rows, snap.rows("train"))
    np.testing.assert_allclose(found.null_loss[0, 0], each[in_train].mean(), **EXACT)


def test_a_planted_circuit_dies_of_its_own_frequencies_only():
    planted = Planted(p=23, amplitude={2: 8.0, 5: 6.0}, frac_train=0.1)
    snap = planted.snapshot()
    assert snap.accuracy.all == 1
    for place in ("logits", "neurons"):
        found = gs.ablate(snap, f"key frequencies at {place}")
        assert found.loss.all == pytest.approx(np.log(23), abs=1e-8)
        np.testing.assert_allclose(found.null_loss[:, 3], snap.loss.all, rtol=1e-8)
        assert (found.null_accuracy[:, 3] == 1).all()
    assert gs.ablate(snap, "key frequencies at W_L").loss.all == pytest.approx(np.log(23), abs=1e-8)
    rest = gs.ablate(snap, "all but key frequencies at logits")
    assert rest.loss.all == pytest.approx(snap.loss.all, abs=1e-8)
    d = 2 * np.pi * np.arange(23) / 23
    for k, left in ((2, 6.0 * np.cos(5 * d)), (5, 8.0 * np.cos(2 * d))):
        expected = np.log(np.exp(left).sum()) - left[0]
        found = gs.ablate(snap, f"frequency {k} at neurons")
        assert found.loss.all == pytest.approx(expected, abs=1e-8)


def test_mistakes_get_the_nearest_name():
    snap = random_snapshot(p=7, key=(1,))
    with pytest.raises(RequestError, match="did you mean 'attention skip'"):
        gs.ablate(snap, "atention skip")
    with pytest.raises(RequestError, match="did you mean 'resample'"):
        gs.ablate(snap, "head 0", mode="resampel")
    with pytest.raises(RequestError, match="edited at the logits"):
        ablation_hooks(snap, "key frequencies at logits")
    with pytest.raises(RequestError, match="unknown component"):
        ablation_hooks(snap, "head 7")
    with pytest.raises(RequestError, match="accepted: zero, mean, resample"):
        ablation_hooks(snap, "head 0", "drop")


def test_without_key_frequencies_heads_and_paths_are_left():
    names = component_names(random_snapshot(p=7, key=()))
    assert names == ["head 0", "head 1", "attention", "attention skip", "MLP", "MLP skip"]


def test_without_a_split_all_rows_are_judged_and_the_others_are_not_a_number():
    snap = random_snapshot(p=7, key=(1,), split=False)
    loss = ablate(snap, "attention").loss
    assert np.isfinite(loss.all)
    assert np.isnan([loss.train, loss.test, loss.test_twin_free]).all()
