"""Sharpness: against the hooked model, random search in the box, and the closed form of a box that is very small."""

import json
from functools import cache

import numpy as np
import pytest
import torch
from random_models import random_snapshot, random_weights

import grokscope as gs
from grokscope.config import ModelConfig, SplitConfig
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.measures.registry import forget
from grokscope.measures.sharpness import largest_loss_nearby, relative_rise
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.run import write_config
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task

TINY = dict(
    p=5, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=8, steps=4, checkpoint_every=2,
    eval_every=2,
)  # fmt: skip
POST = dict(normalization="post", positional="sinusoidal", bias_mlp=False, n_layers=2)


def of_a_group() -> Snapshot:
    """A product in S3, with tokens a op b =."""
    task = make_task("group_mul", group="S3", layout="a op b =")
    shape = dict(d_model=10, n_heads=2, d_head=4, d_mlp=12, n_ctx=4, d_vocab=8, d_vocab_out=8)
    config = ModelConfig(**(POST | shape))
    split = make_split(task, SplitConfig(frac_train=0.6))
    return Snapshot(task, split, config, random_weights(config, 1))


MODELS = {
    "addition": random_snapshot,
    "with all biases": lambda: random_snapshot("mod_sub", bias_attn=True, bias_unembed=True),
    "as Power et al.": lambda: random_snapshot("mod_div", **POST),
    "no neurons": lambda: random_snapshot(attn_only=True, n_layers=2),
    "a group": of_a_group,
}


@pytest.fixture(params=list(MODELS))
def snap(request):
    return model_of(request.param)


@cache
def model_of(name: str) -> Snapshot:
    return MODELS[name]()


def flat(snap: Snapshot) -> torch.Tensor:
    return torch.cat([w.reshape(-1) for w in snap.weights.values()]).double()


def loss_at(snap: Snapshot, x: torch.Tensor) -> torch.Tensor:
    """Return the mean training loss of the hooked model with weights `x`: a sum over rows, written out."""
    model = HookedTransformer(snap.config, {k: w.double() for k, w in snap.weights.items()})
    start, given = 0, {}
    for name, w in snap.weights.items():
        given[name] = x[start : start + w.numel()].reshape(w.shape)
        start += w.numel()
    tokens = torch.as_tensor(snap.task.tokens)
    logits = torch.func.functional_call(model, given, (tokens,))[:, -1]
    rows = np.flatnonzero(snap.split.train)
    chosen = logits[rows]
    right = chosen[torch.arange(len(rows)), torch.as_tensor(snap.split.labels[rows])]
    return (chosen.exp().sum(1).log() - right).sum() / len(rows)


def test_the_value_is_the_loss_at_the_point_and_the_point_is_in_the_box(snap):
    """Else the fast forward, or the order of the weights, is not the model's."""
    found, x = largest_loss_nearby(snap), flat(snap)
    assert float(loss_at(snap, x)) == pytest.approx(found.at_centre, abs=1e-12)
    assert float(loss_at(snap, torch.as_tensor(found.point))) == pytest.approx(
        found.value, abs=1e-10
    )
    moved = np.abs(found.point - x.numpy())
    assert (moved <= 1e-3 * (np.abs(x.numpy()) + 1) + 1e-15).all()
    assert (moved > 0).mean() > 0.5, "most weights take part"


def test_not_below_random_search_and_not_below_zero(snap):
    """Else it is no maximum, or the minimum, as in public code: 300 draws, half of them corners."""
    found, x = largest_loss_nearby(snap), flat(snap)
    rng = torch.Generator().manual_seed(0)
    half = 1e-3 * (x.abs() + 1)
    with torch.no_grad():
        for draw in range(300):
            z = torch.rand(len(x), generator=rng, dtype=torch.float64) * 2 - 1
            y = half * (z.sign() if draw % 2 else z)
            assert float(loss_at(snap, x + y)) <= found.value
    (measure,) = choose(["sharpness"])
    assert measure(snap)["sharpness"] == relative_rise(found) > 0


def test_a_very_small_box_is_that_of_the_linear_part(snap):
    """Else a weight is left out or the formula is another: 100 sum |g_i| eps (|x_i| + 1) / (1 + f)."""
    x, epsilon = flat(snap).requires_grad_(), 1e-7
    loss = loss_at(snap, x)
    (g,) = torch.autograd.grad(loss, x)
    expected = 100 * (g.abs() * epsilon * (x.abs() + 1)).sum() / (1 + loss)
    assert relative_rise(largest_loss_nearby(snap, epsilon)) == pytest.approx(
        expected.item(), rel=1e-4
    )


@pytest.mark.parametrize("options", [{"label_shuffle": True}, {"outliers": 5}])
def test_the_answers_are_those_that_were_trained(options):
    """Else a run with shuffled labels or outliers is measured on a loss that it never saw."""
    snap = random_snapshot()
    split = make_split(snap.task, SplitConfig(frac_train=0.5, **options))
    other = Snapshot(snap.task, split, snap.config, snap.weights)
    assert largest_loss_nearby(other).at_centre == pytest.approx(other.loss.train, abs=1e-12)
    clean = make_split(snap.task, SplitConfig(frac_train=0.5))
    assert other.loss.train != Snapshot(snap.task, clean, snap.config, snap.weights).loss.train


def test_weights_in_float32_are_measured_in_float64():
    """Else a rise of 1e-9, as in a memorised run, is lost in rounding."""
    snap = random_snapshot(dtype=torch.float32)
    doubled = Snapshot(
        snap.task, snap.split, snap.config, {k: w.double() for k, w in snap.weights.items()}
    )
    ours, theirs = largest_loss_nearby(snap), largest_loss_nearby(doubled)
    assert (ours.value, ours.at_centre) == (theirs.value, theirs.at_centre)


def test_an_unknown_split():
    """Else a foreign checkpoint ends in a traceback, or in the sharpness of nothing."""
    snap = random_snapshot(split=False)
    (measure,) = choose(["sharpness"])
    assert measure.why_not(snap) == "the split is not known"
    with pytest.raises(RequestError, match="split is not known"):
        largest_loss_nearby(snap)


def test_a_foreign_run_without_a_split(tmp_path):
    """Else an analysis that asks for it fails, or does not say why the variable is missing."""
    run = gs.train(out=tmp_path / "run", **TINY)
    run.info["split_known"] = False
    write_config(run)
    ds = gs.analyze(run.path, ["sharpness", "logit_scale"])
    assert "sharpness" not in ds
    assert "logit_scale" in ds
    assert json.loads(ds.attrs["skipped"]) == {"sharpness": "the split is not known"}


@pytest.mark.parametrize(
    ("epsilon", "iterations"), [(0.0, 10), (-1e-3, 10), (float("nan"), 10), (1e-3, 0)]
)
def test_boxes_that_make_no_sense(epsilon, iterations):
    """Else an empty box gives a sharpness of 0, which looks like a flat minimum."""
    with pytest.raises(RequestError) as caught:
        largest_loss_nearby(random_snapshot(), epsilon, iterations)
    assert "\n" not in str(caught.value)


def test_on_request_only(tmp_path):
    """Else every analysis takes many times longer, or `default,sharpness` gives one of the two only."""
    run = gs.train(out=tmp_path / "run", **TINY)
    assert "sharpness" not in gs.analyze(run, steps=[4])
    ds = gs.analyze(run, ["sharpness"])
    assert ds["sharpness"].dims == ("step",)
    expected = [relative_rise(largest_loss_nearby(run.snapshot(s))) for s in run.steps]
    np.testing.assert_array_equal(ds["sharpness"], expected)
    assert {"sharpness", "loss", "accuracy"} <= set(gs.analyze(run, ["default", "sharpness"]))
    assert json.loads(ds.attrs["skipped"]) == {}
    names = {m.name for m in choose(None)}
    assert names == {m.name for m in choose(["default"])}
    assert {m.name for m in choose(["all"])} >= names | {"sharpness"}
    assert "sharpness" not in names


def test_the_words_for_several_measures_are_taken():
    """Else a measure called "all" cannot be asked for."""
    for name in ("all", "default"):

        def function(snap):
            return 0.0

        function.__name__ = name
        with pytest.raises(RequestError, match="another name"):
            gs.measure(function)
        with pytest.raises(RequestError):
            forget(name)
