"""A snapshot: its numbers against a direct computation from the weights."""

import dataclasses

import numpy as np
import pytest
import torch

from grokscope.config import ModelConfig, SplitConfig
from grokscope.errors import RequestError
from grokscope.models.initialise import initialise
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.run import open_run
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import ROWS, make_split, make_task


def made(task_name="mod_add", p=11, attn_only=False, **split) -> Snapshot:
    task = make_task(task_name, p)
    config = ModelConfig(
        d_model=8, n_heads=2, d_head=4, d_mlp=12, d_vocab=p + 1, d_vocab_out=p + 1,
        attn_only=attn_only,
    )  # fmt: skip
    weights = initialise(config, torch.float64)
    return Snapshot(task, make_split(task, SplitConfig(**split)), config, weights)


@pytest.mark.parametrize("split", [{}, {"label_shuffle": True}, {"pairs": "unordered"}])
def test_loss_and_accuracy_by_hand(split):
    """Else the first number that anybody looks at is of other rows, labels or classes."""
    snap = made(**split)
    model = HookedTransformer(snap.config, snap.weights)
    logits = model(torch.as_tensor(snap.task.tokens))[:, -1].detach().numpy()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    each = -np.log(p[np.arange(len(p)), snap.split.labels])
    right = logits.argmax(1) == snap.split.labels
    masks = {
        "train": snap.split.train,
        "test": ~snap.split.train,
        "test_twin_free": snap.split.twin_free,
        "all": np.ones(len(p), bool),
    }
    assert np.abs(snap.loss_per_input.numpy() - each).max() < 1e-12
    for name, mask in masks.items():
        assert getattr(snap.loss, name) == pytest.approx(each[mask].mean(), abs=1e-12)
        assert getattr(snap.accuracy, name) == pytest.approx(right[mask].mean(), abs=1e-12)
    assert np.array_equal(snap.loss.array(), [getattr(snap.loss, name) for name in ROWS])


def test_a_split_that_is_not_known():
    """Else a foreign run has a test loss of rows that nobody knows."""
    snap = dataclasses.replace(made(), split=None)
    assert np.isnan(snap.loss.array()[:3]).all()
    assert np.isfinite(snap.loss.all)
    assert np.isnan(snap.accuracy.test_twin_free)
    assert torch.equal(snap.labels, torch.as_tensor(snap.task.answers))


def test_a_set_without_rows():
    """Else the loss of no row is 0, or ends in a warning."""
    snap = made(frac_train=1.0)
    assert np.isnan(snap.loss.test)
    assert np.isfinite(snap.loss.train)


def test_logits_and_neurons():
    """Else answers are read with `=` among them, or neurons at another position."""
    snap = made()
    model = HookedTransformer(snap.config, snap.weights)
    logits, cache = model.run_with_cache(snap.tokens)
    assert snap.logits.shape == (121, 12)
    assert snap.answer_logits.shape == (121, 11)
    torch.testing.assert_close(snap.logits, logits[:, -1].detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(snap.neurons, cache["post", 0][:, -1].detach(), rtol=0, atol=1e-12)
    assert torch.equal(snap.answer_logits, snap.logits[:, :11])


@pytest.mark.parametrize(
    ("task", "p"), [("mod_add", 11), ("mod_mul", 11), ("mod_div", 7), ("mod_mul", 8)]
)
def test_weights_by_exponent(task, p):
    """Else Fourier transforms of W_E, W_U and W_L run over tokens in the wrong order."""
    snap = made(task, p)
    embed, unembed = snap.weights["embed.W_E"].numpy(), snap.weights["unembed.W_U"].numpy()
    form = snap.task.cyclic
    tokens = range(p) if form is None else form.token_x
    classes = range(p) if form is None else form.class_c
    assert np.array_equal(snap.W_E, np.stack([embed[t] for t in tokens]))
    assert np.array_equal(snap.W_U, np.stack([unembed[:, c] for c in classes], 1))
    w_out = snap.weights["blocks.0.mlp.W_out"].numpy()
    np.testing.assert_allclose(snap.W_L, w_out @ snap.W_U, atol=1e-14)


def test_a_model_without_neurons():
    """Else a measure of neurons on a model without any ends in a traceback."""
    snap = made(attn_only=True)
    assert not snap.has_neurons
    for ask in (lambda: snap.neurons, lambda: snap.W_L):
        with pytest.raises(RequestError, match="no neurons"):
            ask()


def test_the_model_of_a_snapshot_is_free_to_be_edited(trained):
    """Else a hook or an edit in a notebook changes what is measured afterwards."""
    snap = open_run(trained).snapshot(10)
    before = snap.loss.test
    with torch.no_grad():
        snap.model.unembed.W_U.zero_()
    assert Snapshot(snap.task, snap.split, snap.config, snap.weights).loss.test == before
    logits, cache = open_run(trained).snapshot(10).model.run_with_cache(snap.tokens)
    assert cache["pattern", 0].shape == (49, 2, 3, 3)
    torch.testing.assert_close(logits[:, -1].detach(), snap.logits)


def test_neighbours_of_a_snapshot(trained):
    """Else a change since the checkpoint before is a change since another one."""
    run = open_run(trained)
    assert run.snapshot(0).previous_weights() is None
    for step, before in ((10, 0), (20, 10)):
        previous = run.snapshot(step).previous_weights()
        assert all(torch.equal(previous[name], w) for name, w in run.weights(before).items())
    first = run.snapshot(20).initial_weights
    assert all(torch.equal(first[name], w) for name, w in run.weights(0).items())
    assert made().initial_weights is None
    assert made().previous_weights() is None


def test_snapshots_of_a_run_share_their_context(trained):
    """Else plan and key frequencies are computed anew at every step."""
    run = open_run(trained)
    assert run.snapshot(0).context is run.snapshot(20).context
    assert run.snapshot(0).plan is run.snapshot(20).plan
    assert run.snapshot(0).key == run.snapshot(20).key
