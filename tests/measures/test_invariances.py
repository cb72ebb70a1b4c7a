"""Changes that must not change a measure, or change it in a known way."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import one, random_snapshot, value

from grokscope.runs.snapshot import Snapshot

EXACT = dict(rtol=1e-8, atol=1e-8)


def with_weights(snap, **changed):
    weights = dict(snap.weights) | {k.replace("__", "."): w for k, w in changed.items()}
    return Snapshot(snap.task, snap.split, snap.config, weights, given_context=snap.context)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), size=st.floats(-30, 30))
def test_what_all_logits_share_is_invisible(seed, size):
    """The same direction added to every column of W_U adds a number per row to all logits."""
    snap = random_snapshot(p=7, seed=seed, key=(1, 2), d_vocab_out=7)
    same = torch.randn(12, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    shifted = with_weights(snap, unembed__W_U=snap.weights["unembed.W_U"] + size * same)
    for name in ("logit_trig_share", "restricted_loss", "restricted_loss_held_out", "loss"):
        np.testing.assert_allclose(one(shifted, name), one(snap, name), **EXACT)
    for name in ("excluded_loss", "excluded_loss_each", "restricted_loss_null", "commutativity"):
        np.testing.assert_allclose(one(shifted, name), one(snap, name), **EXACT)


@pytest.mark.parametrize(("p", "unit"), [(7, 2), (7, 3), (11, 5), (12, 5)])
def test_an_automorphism_permutes_the_frequencies(p, unit):
    """Renaming every x to u x turns frequency k into u k: everything by frequency moves along."""
    snap = random_snapshot(p=p, key=(1, 2))
    new_name = np.arange(p) * unit % p
    W_E, W_U = snap.weights["embed.W_E"].clone(), snap.weights["unembed.W_U"].clone()
    W_E[new_name] = snap.weights["embed.W_E"][:p]
    W_U[:, new_name] = snap.weights["unembed.W_U"][:, :p]
    renamed = with_weights(snap, embed__W_E=W_E, unembed__W_U=W_U)
    k = np.arange(1, p // 2 + 1)
    inverse = pow(unit, -1, p)
    goes_to = k * inverse % p
    goes_to = np.minimum(goes_to, p - goes_to)
    for name in ("embedding_spectrum", "neuron_logit_spectrum", "logit_trig_share"):
        before, after = one(snap, name), one(renamed, name)
        np.testing.assert_allclose(after[goes_to - 1], before, **EXACT)
    for name in ("gini_embedding", "gini_neuron_logit_map", "circularity", "distance_irrelevance"):
        np.testing.assert_allclose(one(renamed, name), one(snap, name), **EXACT)
    before, after = (value(s, "neuron_clusters") for s in (snap, renamed))
    expected = np.concatenate([[0], goes_to])[before["neuron_frequency"]]  # 0: dead stays dead
    assert (after["neuron_frequency"] == expected).all()


def test_shuffling_neurons_changes_no_number():
    snap = random_snapshot(p=7, key=(1, 2))
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    w = snap.weights
    shuffled = with_weights(
        snap,
        blocks__0__mlp__W_in=w["blocks.0.mlp.W_in"][:, order],
        blocks__0__mlp__b_in=w["blocks.0.mlp.b_in"][order],
        blocks__0__mlp__W_out=w["blocks.0.mlp.W_out"][order],
    )
    for name in ("restricted_loss_neuron", "excluded_loss_neuron", "neurons_per_frequency"):
        np.testing.assert_allclose(one(shuffled, name), one(snap, name), **EXACT)
    frequency = one(snap, "neuron_frequency")
    assert (one(shuffled, "neuron_frequency") == frequency[order.numpy()]).all()


@pytest.mark.parametrize("task", ["mod_sub", "mod_mul", "mod_div"])
def test_a_task_in_its_exponents_is_addition(task):
    """A model of another task, renamed to exponents, is a model of addition with the same measures."""
    snap = random_snapshot(task, p=7, d_vocab_out=7, key=(1, 2))
    cyclic, n = snap.task.cyclic, snap.task.cyclic.n
    right = snap.answer_logits.numpy()[cyclic.grid, cyclic.class_c[cyclic.sums]]
    for x in range(n):
        for y in range(n):
            row = cyclic.grid[x, y]
            assert snap.task.inputs[row].tolist() == [cyclic.token_x[x], cyclic.token_y[y]]
            c = snap.task.answers[row]
            assert cyclic.class_c[(x + y) % n] == c
            assert right[x, y] == snap.answer_logits[row, c]
