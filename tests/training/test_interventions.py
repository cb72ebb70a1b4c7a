"""Interventions: each against its formula written out in float64, all composed, repeated and resumed to the bit."""

import math
import shutil

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from grokscope.config import InterventionConfig, RunConfig, override
from grokscope.errors import RequestError, UnsoundError
from grokscope.models.fast import fast_forward
from grokscope.models.initialise import initialise
from grokscope.models.plan import make_plan
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.run import open_run
from grokscope.tasks import make_split
from grokscope.training.interventions.row_clipping import row_norms
from grokscope.training.interventions.training_loss import log_stable
from grokscope.training.loop import train_run
from grokscope.training.muon import as_matrix, from_matrix, newton_schulz
from grokscope.training.resolve import resolve
from grokscope.training.resume import resume_run
from grokscope.training.state import load_state
from grokscope.training.trainer import Trainer
from grokscope.validate import validate

TINY = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=0,
    steps=20, eval_every=5, dtype="float64",
)  # fmt: skip
PLAIN = dict(optimiser="sgd", momentum=0.0, weight_decay=0.0, lr=0.1)
"""Plain gradient descent: w -= lr g, so that what an intervention does to the gradient can be read off the weights."""


def make(**options) -> Trainer:
    config, task = resolve(override(TINY, **options))
    return Trainer(config, task, make_split(task, config.split))


def clone(weights) -> dict[str, Tensor]:
    return {name: w.detach().clone() for name, w in weights.items()}


def gradient_at(trainer: Trainer, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradient of the mean cross-entropy of the training rows, by the hooked model."""
    model = HookedTransformer(trainer.config.model, weights)
    logits = model(torch.as_tensor(trainer.tokens[trainer.train_rows.numpy()]))[:, -1]
    functional.cross_entropy(logits, trainer.labels[trainer.train_rows]).backward()
    return {name: w.grad for name, w in model.weights().items()}


def assert_weights(trainer: Trainer, expected: dict[str, Tensor], atol: float = 1e-11) -> None:
    for name, weight in trainer.weights.items():
        torch.testing.assert_close(weight.detach(), expected[name], rtol=0, atol=atol, msg=name)


def same_draws(one, like) -> dict[str, Tensor]:
    """Return what a random intervention of another trainer would draw next, for every weight in order."""
    return {
        name: torch.randn(w.shape, generator=one.generator, dtype=w.dtype)
        for name, w in like.items()
    }


# --- off ---------------------------------------------------------------------------------------------------------


def test_by_default_everything_is_off():
    """Else runs and presets of before are no longer the same bits, or pay for what they do not use."""
    trainer = make()
    assert list(trainer.interventions) == []
    assert trainer.interventions.noisy(trainer.weights) is trainer.weights
    assert trainer.interventions.state() == {}
    assert InterventionConfig() == RunConfig().intervention
    assert TINY.optimiser.weight_decay_form == "optimiser"


# --- weight decay ------------------------------------------------------------------------------------------------


def adam(w, g, m, v, t, lr, beta1=0.9, beta2=0.98, eps=1e-8):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


@pytest.mark.parametrize("form", ["to_zero", "to_initialisation", "l2"])
@pytest.mark.parametrize("optimiser", ["adamw", "adam", "sgd"])
def test_weight_decay_of_every_form_with_every_optimiser(optimiser, form):
    """Else decay is coupled where it should not be, or pulls to another place than its name says."""
    decay, lr = 0.3, 0.02
    trainer = make(optimiser=optimiser, weight_decay=decay, weight_decay_form=form, lr=lr, warmup=2)
    w = clone(trainer.weights)
    w0, m, v = clone(w), dict.fromkeys(w, 0.0), dict.fromkeys(w, 0.0)
    for t in range(1, 5):
        trainer.update()
        g, rate = gradient_at(trainer, w), lr * min((t - 1) / 2, 1)
        for k in w:
            if form == "l2":
                g[k] = g[k] + decay * w[k]
            elif form == "to_zero":
                w[k] = w[k] - rate * decay * w[k]
            else:
                w[k] = w[k] - rate * decay * (w[k] - w0[k])
            if optimiser == "sgd":
                w[k] = w[k] - rate * g[k]
            else:
                w[k], m[k], v[k] = adam(w[k], g[k], m[k], v[k], t, rate)
        assert_weights(trainer, w)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (dict(optimiser="adamw"), dict(optimiser="adam", weight_decay_form="to_zero")),
        (dict(optimiser="adam"), dict(optimiser="adamw", weight_decay_form="l2")),
        (dict(optimiser="sgd"), dict(optimiser="sgd", weight_decay_form="l2")),
        (dict(optimiser="muon"), dict(optimiser="muon", weight_decay_form="to_zero")),
    ],
)
def test_the_optimisers_own_decay_is_one_of_the_forms(one, other):
    """Else "optimiser" is a fifth form, and a table of forms compares two names of one thing."""
    a, b = make(**one), make(**other)
    for _ in range(3):
        assert a.update() == b.update()
    assert all(torch.equal(a.weights[k], b.weights[k]) for k in a.weights)


@pytest.mark.parametrize("form", ["to_initialisation", "l2"])
def test_decay_beside_muon(form):
    """Else Muon decays by its own rule where another was asked for."""
    free = make(optimiser="muon", weight_decay=0.0)
    held = make(optimiser="muon", weight_decay=0.5, weight_decay_form=form)
    start = clone(held.weights)
    free.update()
    held.update()
    change = {k: (held.weights[k] - free.weights[k]).abs().max() for k in start}
    if form == "to_initialisation":  # nothing to decay at the first step
        assert max(change.values()) == 0
    else:
        assert change["blocks.0.mlp.W_in"] > 1e-6


# --- learning rate -----------------------------------------------------------------------------------------------


def test_learning_rate_scale():
    """Else the scale reaches the step but not the decay, or not the warm-up."""
    scaled, plain = make(lr=0.02, lr_scale=0.5, warmup=3), make(lr=0.01, warmup=3)
    for _ in range(5):
        scaled.update()
        plain.update()
    assert_weights(scaled, clone(plain.weights), atol=1e-15)


# --- noise -------------------------------------------------------------------------------------------------------


def test_weight_noise_is_in_the_forward_alone():
    """Else noise stays in the weights, or the gradient is that of other weights than the loss."""
    trainer, twin = make(weight_noise=0.01, **PLAIN), make(weight_noise=0.01, **PLAIN)
    w = clone(trainer.weights)
    for _ in range(3):
        draws = same_draws(twin.interventions.weight_noise, w)
        g = gradient_at(trainer, {k: w[k] + 0.01 * draws[k] for k in w})
        w = {k: w[k] - 0.1 * g[k] for k in w}
        trainer.update()
        assert_weights(trainer, w)


def test_gradient_noise():
    """Else the noise is of another size, or is added after the optimiser."""
    trainer, twin = make(gradient_noise=0.3, **PLAIN), make(gradient_noise=0.3, **PLAIN)
    w = clone(trainer.weights)
    for _ in range(3):
        g, draws = gradient_at(trainer, w), same_draws(twin.interventions.on_gradient[0], w)
        w = {k: w[k] - 0.1 * (g[k] + 0.3 * draws[k]) for k in w}
        trainer.update()
        assert_weights(trainer, w)


def test_update_noise_is_a_multiple_of_the_learning_rate():
    """Else the published w + lr (dw + eps) is scaled by Adam, or noise comes before the warm-up has begun."""
    options = dict(warmup=2, lr=0.02, weight_decay=0.0)
    noisy, twin = make(update_noise=1.0, **options), make(update_noise=1.0, **options)
    w = clone(noisy.weights)
    m, v = dict.fromkeys(w, 0.0), dict.fromkeys(w, 0.0)
    for t in range(1, 4):
        g, draws = gradient_at(noisy, w), same_draws(twin.interventions.update_noise, w)
        rate = 0.02 * min((t - 1) / 2, 1)
        for k in w:
            w[k], m[k], v[k] = adam(w[k], g[k], m[k], v[k], t, rate)
            w[k] = w[k] + rate * draws[k]
        noisy.update()
        assert_weights(noisy, w)


def test_noises_are_independent():
    """Else weight noise and gradient noise are one and the same draw, or the initialisation's."""
    trainer = make(weight_noise=1.0, gradient_noise=1.0, update_noise=1.0, dropout=0.5)
    change = trainer.interventions
    generators = [one.generator for one in (change.weight_noise, *change.on_gradient)]
    generators += [change.update_noise.generator, change.dropout.generator]
    generators.append(torch.Generator().manual_seed(0))
    first = [float(torch.randn(1, generator=g)) for g in generators]
    assert len(set(first)) == len(first)
    other = make(weight_noise=1.0, noise_seed=1).interventions.weight_noise
    assert float(torch.randn(1, generator=other.generator)) not in first


# --- dropout -----------------------------------------------------------------------------------------------------

SHAPES = {
    "one layer": {},
    "post-LayerNorm": dict(n_layers=2, normalization="post", positional="sinusoidal"),
    "pre-LayerNorm": dict(n_layers=3, normalization="pre", bias_attn=True),
    "no mask": dict(n_layers=2, attention_mask="none"),
    "attention only": dict(n_layers=2, attn_only=True),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_dropout_is_what_the_hooks_would_do(shape):
    """Else rows share dropped entries through a shared prefix, or something else than the additions is dropped."""
    options = dict(dropout=0.3, **PLAIN) | SHAPES[shape]
    trainer, twin = make(**options), make(**options)
    shape_of, n = trainer.config.model, len(trainer.train_rows)
    drop, masks = twin.interventions.dropout, {}
    parts = ["attn"] if shape_of.attn_only else ["attn", "mlp"]
    for layer in range(shape_of.n_layers):
        last = layer == shape_of.n_layers - 1
        for pos in (shape_of.n_ctx - 1,) if last else range(shape_of.n_ctx):
            for part in parts:
                ones = torch.ones(n, shape_of.d_model, dtype=torch.float64)
                masks[layer, pos, part] = drop(ones)
    values = torch.cat([m.flatten() for m in masks.values()]).unique()
    torch.testing.assert_close(values, torch.tensor([0, 1 / 0.7], dtype=torch.float64))

    def edit(part, layer):
        def hook(addition, hook):
            keep = [masks.get((layer, pos, part)) for pos in range(shape_of.n_ctx)]
            keep = [torch.ones_like(addition[:, 0]) if k is None else k for k in keep]
            return addition * torch.stack(keep, 1)

        return hook

    w = clone(trainer.weights)
    model = HookedTransformer(trainer.config.model, w)
    hooks = [
        (f"blocks.{layer}.hook_{part}_out", edit(part, layer))
        for layer in range(shape_of.n_layers)
        for part in parts
    ]
    rows = trainer.train_rows
    tokens = torch.as_tensor(trainer.tokens[rows.numpy()])
    logits = model.run_with_hooks(tokens, fwd_hooks=hooks)[:, -1]
    loss = functional.cross_entropy(logits, trainer.labels[rows])
    loss.backward()
    assert trainer.update() == pytest.approx(float(loss.detach()), abs=1e-11)
    assert_weights(trainer, {k: w[k] - 0.1 * g.grad for k, g in model.weights().items()})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_without_sharing_gives_the_same_logits(shape):
    """Else the per-row engine computes another model than the fast one."""
    trainer = make(**SHAPES[shape])
    config = trainer.config.model
    alone = make_plan(trainer.tokens, trainer.causal, shared=False)
    assert all(len(index) == len(trainer.tokens) for index in alone.token_index)
    logits = fast_forward(trainer.weights, config, alone).logits
    torch.testing.assert_close(
        logits, fast_forward(trainer.weights, config, trainer.plan).logits, rtol=0, atol=1e-11
    )


def test_dropout_is_at_training_only(tmp_path):
    """Else metrics and snapshots depend on draws; and config.json says which engine trained the run."""
    run = train_run(override(TINY, dropout=0.5), tmp_path / "dropped")
    lines = {line["step"]: line for line in run.metrics()}
    snap = run.snapshot(20)
    assert lines[20]["loss_train"] == pytest.approx(snap.loss.train, abs=1e-12)
    assert open_run(run.path).info["engine"] == "per_row"
    assert train_run(TINY, tmp_path / "plain").info["engine"] == "fast"


# --- gradient filters --------------------------------------------------------------------------------------------


def test_grokfast_ema():
    """Else the average begins at zero, or lags by one update: lines 7 and 8 of algorithm 2."""
    trainer = make(grokfast="ema", **PLAIN)
    w, mu = clone(trainer.weights), None
    for _ in range(5):
        g = gradient_at(trainer, w)
        mu = g if mu is None else {k: 0.98 * mu[k] + 0.02 * g[k] for k in g}
        w = {k: w[k] - 0.1 * (g[k] + 2.0 * mu[k]) for k in w}
        trainer.update()
        assert_weights(trainer, w)


def test_grokfast_ma():
    """Else the filter acts before its window is full, or averages over another window."""
    trainer = make(grokfast="ma", grokfast_window=3, **PLAIN)
    w, queue = clone(trainer.weights), []
    for _ in range(8):
        g = gradient_at(trainer, w)
        queue = [*queue, g][-3:]
        if len(queue) == 3:
            g = {k: g[k] + 5.0 * sum(q[k] for q in queue) / 3 for k in g}
        w = {k: w[k] - 0.1 * g[k] for k in w}
        trainer.update()
        assert_weights(trainer, w)


def test_orthogonal_gradient():
    """Else weights still grow along themselves, or the gradient's norm shrinks with what was taken out."""
    trainer = make(orthogonal_gradient=True, **PLAIN)
    w = clone(trainer.weights)
    for _ in range(3):
        g, moved = gradient_at(trainer, w), {}
        for k in w:
            flat, along = g[k].flatten(), w[k].flatten()
            part = flat - (along @ flat) / (along @ along + 1e-30) * along
            part = part * flat.norm() / (part.norm() + 1e-30)
            assert abs(float(part @ along)) < 1e-12
            moved[k] = w[k] - 0.1 * part.reshape(w[k].shape)
        trainer.update()
        w = moved
        assert_weights(trainer, w)


# --- loss --------------------------------------------------------------------------------------------------------


def test_stablemax_by_its_definition():
    """Else the loss is not -log(s(x_c) / sum s(x)), s(x) = x + 1 or 1 / (1 - x); at 0 both slopes are 1."""
    x = torch.tensor([[-3.0, 0.0, 2.0, 0.5], [0.0, -0.1, 7.0, -40.0]], dtype=torch.float64)
    s = torch.tensor([[1 / 4, 1, 3, 1.5], [1, 1 / 1.1, 8, 1 / 41]], dtype=torch.float64)
    trainer = make(loss_function="stablemax")
    labels = torch.tensor([0, 2])
    expected = -(math.log(s[0, 0] / s[0].sum()) + math.log(s[1, 2] / s[1].sum())) / 2
    assert float(trainer.loss(x, labels)) == pytest.approx(expected, abs=1e-14)
    torch.testing.assert_close(log_stable(x).exp(), s)
    x = x.clone().requires_grad_()
    log_stable(x).sum().backward()
    torch.testing.assert_close(x.grad, 1 / (1 + x.detach().abs()))


def test_stablemax_trains():
    """Else the option is accepted and softmax is trained on."""
    stable, soft = make(loss_function="stablemax", **PLAIN), make(**PLAIN)
    w = clone(stable.weights)
    assert stable.update() != soft.update()
    model = HookedTransformer(stable.config.model, w)
    rows = stable.train_rows
    logits = model(torch.as_tensor(stable.tokens[rows.numpy()]))[:, -1]
    s = torch.where(logits >= 0, logits + 1, 1 / (1 - logits))
    p = s / s.sum(1, keepdim=True)
    (-p[torch.arange(len(rows)), stable.labels[rows]].log().mean()).backward()
    assert_weights(stable, {k: w[k] - 0.1 * g.grad for k, g in model.weights().items()})
    assert stable.metrics().keys() == soft.metrics().keys()


def test_temperature():
    """Else the logits are multiplied instead of divided."""
    x = torch.tensor([[2.0, -1.0, 0.0]], dtype=torch.float64)
    expected = math.log(math.exp(0.5) + math.exp(-0.25) + 1) - 0.5
    labels = torch.tensor([0])
    assert float(make(temperature=4.0).loss(x, labels)) == pytest.approx(expected, abs=1e-15)
    stable = make(temperature=4.0, loss_function="stablemax")
    expected = -math.log(1.5 / (1.5 + 1 / 1.25 + 1))
    assert float(stable.loss(x, labels)) == pytest.approx(expected, abs=1e-15)


# --- constraints -------------------------------------------------------------------------------------------------


def test_constrained_norm():
    """Else single weights are held at their norm and not all together, or the norm drifts."""
    trainer = make(constrained_norm=1.5, init_scale=2.0, **PLAIN)
    w0 = initialise(trainer.config.model, torch.float64)
    norm = math.sqrt(sum(float(w.square().sum()) for w in w0.values()))
    w = {k: 1.5 * v for k, v in w0.items()}
    assert_weights(trainer, w)
    for _ in range(3):
        g = gradient_at(trainer, w)
        w = {k: w[k] - 0.1 * g[k] for k in w}
        now = math.sqrt(sum(float(v.square().sum()) for v in w.values()))
        w = {k: v * 1.5 * norm / now for k, v in w.items()}
        trainer.update()
        assert_weights(trainer, w)


def test_row_clipping():
    """Else other vectors than a unit's incoming weights are clipped, or the embedding is."""
    trainer = make(row_clip=0.9, bias_attn=True, normalization="pre", **PLAIN)

    def clipped(w):
        found = {}
        for k, v in w.items():
            x, part = v.clone().numpy(), k.rsplit(".", 1)[-1]
            heads = range(x.shape[0])
            rows = [...]
            if k.startswith(("embed", "unembed")):
                rows = []
            elif part in ("W_Q", "W_K", "W_V"):
                rows = [(h, slice(None), e) for h in heads for e in range(x.shape[2])]
            elif part == "W_O":
                rows = [(slice(None), slice(None), d) for d in range(x.shape[2])]
            elif part == "W_pos":
                rows = [(pos, slice(None)) for pos in heads]
            elif part.startswith("W_"):
                rows = [(slice(None), unit) for unit in range(x.shape[1])]
            for row in rows:
                norm = np.sqrt((x[row] ** 2).sum())
                if norm > 0.9:
                    x[row] *= 0.9 / norm
            found[k] = torch.as_tensor(x)
        return found

    w = clipped(initialise(trainer.config.model, torch.float64))
    assert_weights(trainer, w)
    for _ in range(3):
        g = gradient_at(trainer, w)
        w = clipped({k: w[k] - 0.1 * g[k] for k in w})
        trainer.update()
        assert_weights(trainer, w)
    clippable = {k: v for k, v in w.items() if not k.startswith(("embed", "unembed"))}
    assert max(float(row_norms(k, v).max()) for k, v in clippable.items()) <= 0.9 + 1e-12


# --- Muon --------------------------------------------------------------------------------------------------------


def test_newton_schulz():
    """Else the update is not orthogonal: all singular values near 1, the singular vectors kept."""
    generator = torch.Generator().manual_seed(0)
    for shape in ((6, 20), (20, 6), (9, 9)):
        g = torch.randn(shape, generator=generator, dtype=torch.float64)
        u, _, vh = torch.linalg.svd(g, full_matrices=False)
        inside = u.T @ newton_schulz(g, 5) @ vh.T
        assert ((inside.diagonal() > 0.5) & (inside.diagonal() < 1.5)).all()
        assert (inside - inside.diagonal().diag()).abs().max() < 1e-10
        torch.testing.assert_close(newton_schulz(3 * g, 5), newton_schulz(g, 5), rtol=0, atol=1e-5)


def test_matrices_of_heads():
    """Else the heads of one projection are orthogonalised in a mixed-up matrix."""
    w = torch.arange(2 * 8 * 4.0).reshape(2, 8, 4)
    q = as_matrix(w, "blocks.0.attn.W_Q")
    assert torch.equal(q, torch.cat([w[0], w[1]], dim=1))
    assert torch.equal(from_matrix(q, w, "blocks.0.attn.W_Q"), w)
    w = torch.arange(2 * 4 * 8.0).reshape(2, 4, 8)
    o = as_matrix(w, "blocks.0.attn.W_O")
    assert torch.equal(o, torch.cat([w[0], w[1]], dim=0))
    assert torch.equal(from_matrix(o, w, "blocks.0.attn.W_O"), w)


def test_muon():
    """Else Muon is not the published one: momentum, Nesterov, shape factor, decay; AdamW for what is not hidden."""
    trainer = make(optimiser="muon", weight_decay=0.1, warmup=2, lr=0.01, muon_lr=0.03)
    w = clone(trainer.weights)
    zero = {k: torch.zeros_like(v) for k, v in w.items()}
    m, v = dict(zero), dict(zero)
    for t in range(1, 5):
        g, warm = gradient_at(trainer, w), min((t - 1) / 2, 1)
        for k in w:
            if not k.startswith("blocks.0.") or k.rsplit(".", 1)[-1].startswith("b_"):
                w[k] = w[k] - 0.01 * warm * 0.1 * w[k]
                w[k], m[k], v[k] = adam(w[k], g[k], m[k], v[k], t, 0.01 * warm)
                continue
            m[k] = 0.95 * m[k] + 0.05 * g[k]
            x = 0.95 * m[k] + 0.05 * g[k]
            if k.endswith(("W_Q", "W_K", "W_V")):
                x = torch.cat(list(x), dim=1)
            elif k.endswith("W_O"):
                x = torch.cat(list(x), dim=0)
            into, out = x.shape
            x = x / (x.norm() + 1e-7)
            for _ in range(5):
                x = 3.4445 * x - 4.7750 * (x @ x.T) @ x + 2.0315 * (x @ x.T) @ (x @ x.T) @ x
            x = x * math.sqrt(max(1, out / into))
            if k.endswith(("W_Q", "W_K", "W_V")):
                x = torch.stack(x.split(4, dim=1))
            elif k.endswith("W_O"):
                x = torch.stack(x.split(4, dim=0))
            w[k] = w[k] - 0.03 * warm * 0.1 * w[k] - 0.03 * warm * x
        trainer.update()
        assert_weights(trainer, w, atol=1e-9)


# --- outliers ----------------------------------------------------------------------------------------------------


def test_a_run_with_outliers_is_trained_on_them():
    """Else the replaced answers are counted as errors in training, or the test answers are changed."""
    trainer, plain = make(outliers=6), make()
    rows = trainer.split.rows("outliers")
    assert len(rows) == 6
    assert set(rows) <= set(trainer.split.rows("train"))
    assert (trainer.labels[rows] != plain.labels[rows]).all()
    test = plain.split.rows("test")
    assert torch.equal(trainer.labels[test], plain.labels[test])
    found = trainer.metrics()
    assert found["loss_test"] == plain.metrics()["loss_test"]
    assert found["loss_train"] != plain.metrics()["loss_train"]


@pytest.mark.parametrize("k", [0, 1, 10, 29])
def test_outliers_are_answers_of_other_training_rows(k):
    """Else another number of answers than asked for is wrong, or one that no equation has."""
    config, task = resolve(override(TINY, outliers=k))
    plain, split = make_split(task, TINY.split), make_split(task, config.split)
    again = make_split(task, override(config, label_seed=5).split)
    other = make_split(task, override(config, outlier_seed=1).split)
    wrong = split.labels != task.answers
    assert wrong.sum() == k
    assert np.array_equal(wrong, split.outlier)
    assert np.array_equal(np.flatnonzero(wrong), split.rows("outliers"))
    assert not (wrong & ~split.train).any()
    assert set(split.labels[wrong]) <= set(task.answers[split.train])
    assert np.array_equal(split.train, plain.train), "which rows train is another seed's matter"
    assert np.array_equal(split.labels, again.labels)
    assert not k or not np.array_equal(split.labels, other.labels)
    assert np.array_equal(plain.labels, task.answers)


@pytest.mark.parametrize("flat", [dict(outliers=30), dict(outliers=1, frac_train=0.03)])
def test_more_outliers_than_training_rows_are_refused(flat):
    """Else the draw fails in numpy, or goes on for ever where all training answers are the same."""
    with pytest.raises(RequestError, match="outliers = ") as caught:
        make(**flat)
    assert "\n" not in str(caught.value)


# --- together ----------------------------------------------------------------------------------------------------

NOISY = dict(dropout=0.2, weight_noise=0.01, gradient_noise=0.001, update_noise=0.1)
VARIANTS = {
    "dropout": dict(dropout=0.2),
    "dropout, two layers": dict(dropout=0.2, n_layers=2, normalization="post", batch_size=8),
    "weight noise": dict(weight_noise=0.01),
    "gradient noise": dict(gradient_noise=0.01),
    "update noise": dict(update_noise=1.0, batch_size=8),
    "to initialisation": dict(weight_decay_form="to_initialisation"),
    "decoupled, sgd": dict(
        optimiser="sgd", momentum=0.9, weight_decay=0.1, weight_decay_form="to_zero"
    ),
    "grokfast, ema": dict(grokfast="ema", batch_size=8),
    "grokfast, ma": dict(grokfast="ma", grokfast_window=5),
    "grokfast, ma not full": dict(grokfast="ma", grokfast_window=50),
    "orthogonal, stablemax": dict(orthogonal_gradient=True, loss_function="stablemax"),
    "omnigrok": dict(init_scale=2.0, constrained_norm=1.0, weight_decay=0.0),
    "row clip": dict(row_clip=0.5, weight_decay=0.0),
    "muon": dict(optimiser="muon", batch_size=8),
    "outliers": dict(outliers=5),
    "all": dict(
        NOISY, grokfast="ema", orthogonal_gradient=True, loss_function="stablemax", temperature=2.0,
        weight_decay_form="to_initialisation", constrained_norm=1.0, row_clip=2.0, outliers=3,
        optimiser="muon", lr_scale=0.5, batch_size=8, n_layers=2, normalization="post",
    ),
}  # fmt: skip


def files(path) -> dict[str, bytes]:
    return {
        str(f.relative_to(path)): f.read_bytes()
        for f in sorted(path.rglob("*"))
        if f.is_file() and f.name != ".lock"
    }


@pytest.mark.parametrize(
    ("variant", "dtype"), [(name, "float32") for name in VARIANTS] + [("all", "float64")]
)
def test_resumed_and_repeated_to_the_bit(tmp_path, variant, dtype):
    """Else an interruption changes the run, or a stochastic run cannot be repeated."""
    config = override(TINY, dtype=dtype, checkpoint_every=5, **VARIANTS[variant])
    whole = train_run(config, tmp_path / "whole")
    assert [line["step"] for line in whole.metrics()] == [0, 5, 10, 15, 20], "none diverged"
    again = train_run(config, tmp_path / "again")
    assert files(whole.path) == files(again.path)
    part = train_run(config, tmp_path / "part", stop_after=9)
    resume_run(part.path)
    assert files(part.path) == files(whole.path)
    assert set(whole.metrics()[0]) == {"step"} | {
        f"{kind}_{rows}"
        for kind in ("loss", "accuracy")
        for rows in ("train", "test", "test_twin_free")
    } | {"softmax_collapse"}


@pytest.mark.parametrize("name", ["dropout", "weight_noise", "gradient_noise", "update_noise"])
def test_noise_has_its_own_seed(name):
    """Else a run draws from the global generator, or two seeds of noise give one run."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two, other = (make(**{name: 0.1}, noise_seed=seed) for seed in (0, 0, 1))
    for trainer in (one, two, other):
        trainer.update()
        trainer.update()
    assert torch.equal(torch.get_rng_state(), before)
    weight = "blocks.0.mlp.W_in"
    assert torch.equal(one.weights[weight], two.weights[weight])
    assert not torch.equal(one.weights[weight], other.weights[weight])
    assert override(RunConfig(), seed=4).intervention.noise_seed == 4
    plain = make(noise_seed=1)
    assert torch.equal(plain.weights[weight], make().weights[weight])


def test_composition_in_the_published_order():
    """Else options that work alone undo each other: noise, Grokfast, orthogonal gradient, decay, constraint."""
    options = dict(
        weight_noise=0.01, gradient_noise=0.02, grokfast="ema", orthogonal_gradient=True,
        weight_decay=0.5, weight_decay_form="to_initialisation", update_noise=0.3,
        constrained_norm=1.0, optimiser="sgd", lr=0.1,
    )  # fmt: skip
    trainer, twin = make(**options), make(**options)
    change = twin.interventions
    w, mu = clone(trainer.weights), None
    w0, norm = clone(w), math.sqrt(sum(float(v.square().sum()) for v in w.values()))
    for _ in range(4):
        draws = same_draws(change.weight_noise, w)
        g = gradient_at(trainer, {k: w[k] + 0.01 * draws[k] for k in w})
        draws = same_draws(change.on_gradient[0], w)
        g = {k: g[k] + 0.02 * draws[k] for k in w}
        mu = g if mu is None else {k: 0.98 * mu[k] + 0.02 * g[k] for k in w}
        g = {k: g[k] + 2.0 * mu[k] for k in w}
        draws = same_draws(change.update_noise, w)
        moved = {}
        for k in w:
            along = (w[k] * g[k]).sum() / ((w[k] * w[k]).sum() + 1e-30)
            part = g[k] - along * w[k]
            part = part * g[k].norm() / (part.norm() + 1e-30)
            held = w[k] - 0.1 * 0.5 * (w[k] - w0[k])
            moved[k] = held - 0.1 * part + 0.1 * 0.3 * draws[k]
        now = math.sqrt(sum(float(v.square().sum()) for v in moved.values()))
        w = {k: v * norm / now for k, v in moved.items()}
        trainer.update()
        assert_weights(trainer, w)


def test_a_key_frame_without_what_an_intervention_remembers_is_passed_over(tmp_path):
    """Else training goes on with a fresh average or generator, and nobody sees that it is another run."""
    from safetensors.torch import load_file

    from grokscope.runs.checkpoints import write_tensors

    config = override(TINY, grokfast="ema", dropout=0.1, keyframe_every=-1)
    whole = train_run(config, tmp_path / "whole")
    run = train_run(config, tmp_path / "run", stop_after=9)
    path = run.path / "state/step-00000009.safetensors"
    tensors = load_file(path)
    for missing in ("intervention.dropout.generator", "intervention.grokfast_ema.embed.W_E"):
        write_tensors(path, {k: v for k, v in tensors.items() if k != missing}, 9, run.config_hash)
        with pytest.raises(UnsoundError, match="key frame of this run"):
            load_state(run, Trainer(run.config, run.task, run.split), 9)
        found = []
        copy = shutil.copytree(run.path, tmp_path / missing)
        assert files(resume_run(copy, on_note=found.append).path) == files(whole.path)
        assert len(found) == 1
        assert "not a key frame of this run" in found[0]


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"dropout": 1.0}, "[0, 1)"),
        ({"dropout": -0.1}, "[0, 1)"),
        *[({name: -1.0}, "0 or more") for name in ("weight_noise", "gradient_noise")],
        *[({name: -1.0}, "0 or more") for name in ("update_noise", "constrained_norm", "row_clip")],
        ({"grokfast_alpha": 1.0}, "[0, 1)"),
        ({"grokfast_ema_lambda": -1.0}, "0 or more"),
        ({"grokfast_ma_lambda": -1.0}, "0 or more"),
        ({"grokfast_window": 0}, "above 0"),
        ({"grokfast_window": 10**6}, "at most"),
        ({"temperature": 0.0}, "above 0"),
        ({"lr_scale": 0.0}, "above 0"),
        ({"muon_lr": 0.0}, "above 0"),
        ({"muon_momentum": 1.0}, "[0, 1)"),
        ({"muon_steps": 0}, "above 0"),
        ({"muon_steps": 101}, "at most"),
        ({"outliers": -1}, "0 or more"),
        ({"outlier_seed": -1}, "from 0"),
        ({"noise_seed": 2**63}, "from 0"),
    ],
)
def test_interventions_that_make_no_sense_are_refused(flat, words):
    """Else a mistyped option ends in a traceback of torch, or in a run that does nothing."""
    with pytest.raises(RequestError) as caught:
        validate(override(RunConfig(), **flat))
    assert words in str(caught.value)
    assert next(iter(flat)) in str(caught.value)
    assert "\n" not in str(caught.value)
