"""Circles one by one, gradients by their coordinates, and what is left without the key functions: by hand."""

import dataclasses

import brute_force
import numpy as np
import pytest
import torch
from random_models import one, random_snapshot, random_weights, value

from grokscope.config import ModelConfig, SplitConfig
from grokscope.harmonics.circle_forms import form_shares
from grokscope.measures.gradient_symmetricity import random_triples
from grokscope.models.feedforward.forms import FORMS
from grokscope.models.feedforward.gromov_solution import gromov_weights
from grokscope.runs.circles import circle_logits
from grokscope.runs.context import Context
from grokscope.runs.operand_gradients import circle_gradients
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task


def feedforward(architecture, task="mod_add", p=11, key=(1, 3), **fields):
    """Return a snapshot of a small random feed-forward model."""
    table = make_task(task, p, layout="a b")
    width = {"one_hot_mlp": {}, "shared_one_hot_mlp": {}}.get(architecture, {"d_model": 6})
    config = ModelConfig(
        architecture=architecture, n_ctx=2, d_vocab=p, d_vocab_out=p, d_mlp=8,
        n_layers=FORMS[architecture].n_layers, **width, **fields,
    )  # fmt: skip
    drawn = make_split(table, SplitConfig(frac_train=0.5))
    context = Context(table, drawn, config, lambda: key)
    return Snapshot(table, drawn, config, random_weights(config, 0), given_context=context)


def waves(n, ks):
    """Return cos and sin of each frequency as orthonormal columns; the Nyquist frequency has no sin."""
    x, columns = np.arange(n), []
    for k in ks:
        columns.append(np.cos(2 * np.pi * k * x / n))
        if 0 < 2 * k < n:
            columns.append(np.sin(2 * np.pi * k * x / n))
    table = np.stack(columns, axis=1)
    return table / np.linalg.norm(table, axis=0)


def only(table, n, k):
    """Return the least-squares fit of a table's columns on the constant and frequency k."""
    basis = waves(n, (0, k))
    return basis @ np.linalg.lstsq(basis, table, rcond=None)[0]


CASES = {
    "addition": dict(p=7, key=(1, 3)),
    "subtraction": dict(task="mod_sub", p=9, key=(2,)),
    "multiplication": dict(task="mod_mul", p=11, key=(1, 5)),
    "two layers": dict(p=7, key=(2,), n_layers=2, normalization="pre"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_circle_of_a_transformer(case):
    """Else more, or less, than one frequency is left, or values outside the group and `=` are touched."""
    snap = random_snapshot(**CASES[case])
    form, k = snap.task.cyclic, snap.key[0]
    table = snap.weights["embed.W_E"].numpy().copy()
    table[form.token_x] = only(table[form.token_x], form.n, k)
    logits = snap.model.run_with_hooks(
        snap.tokens, fwd_hooks=[("hook_embed", lambda e, hook: torch.as_tensor(table)[snap.tokens])]
    )[:, -1].detach()
    wanted = logits.numpy()[form.grid][..., form.class_c]
    np.testing.assert_allclose(circle_logits(snap, k), wanted, atol=1e-9)
    shares = form_shares(wanted, k, "pizza")
    assert one(snap, "circle_pizza_share")[k - 1] == pytest.approx(shares.share, abs=1e-9)
    assert np.isnan(one(snap, "circle_clock_share")[form.n // 2 - 2]) or form.n // 2 - 1 in snap.key


@pytest.mark.parametrize("task", ["mod_add", "mod_sub"])
@pytest.mark.parametrize("architecture", FORMS)
def test_one_circle_of_a_feed_forward_model(architecture, task):
    """Else an operand keeps its other frequencies: each has a table of its own, or rows of W_in of its own."""
    snap = feedforward(architecture, task)
    form = snap.task.cyclic

    def project(vectors, hook):  # [row, 2, d_model or value]
        if "one_hot" in architecture:
            return vectors
        kept = vectors.detach().clone()
        for operand, tokens in enumerate((form.token_x, form.token_y)):
            table = torch.zeros(form.n, vectors.shape[2], dtype=torch.float64)
            table[snap.tokens[:, operand]] = kept[:, operand]
            fitted = np.empty((form.n, vectors.shape[2]))
            fitted[tokens] = only(table.numpy()[tokens], form.n, 3)
            kept[:, operand] = torch.as_tensor(fitted)[snap.tokens[:, operand]]
        return kept

    model = snap.model
    if "one_hot" in architecture:
        w = model.state_dict()["blocks.0.mlp.W_in"]
        for start in range(0, len(w), form.n):
            w[start : start + form.n] = torch.as_tensor(
                only(w[start : start + form.n].numpy(), form.n, 3)
            )
    logits = model.run_with_hooks(snap.tokens, fwd_hooks=[("hook_embed", project)])[:, -1].detach()
    wanted = logits.numpy()[form.grid][..., form.class_c]
    np.testing.assert_allclose(circle_logits(snap, 3), wanted, atol=1e-9)


@pytest.mark.parametrize("case", [*CASES, "mlp", "one_hot_mlp", "linear_gamma", "linear_x"])
def test_gradients_by_circle_coordinates(case):
    """Else the gradient is by something else than a move along the circle: finite differences of what is brought in."""
    snap = random_snapshot(**CASES[case]) if case in CASES else feedforward(case, act_fn="tanh")
    form, key = snap.task.cyclic, snap.key
    x, y, c = 2, 4, 1
    row, cls = int(form.grid[x, y]), int(form.class_c[c])
    by_x, by_y = circle_gradients(snap, key, np.array([row]), np.array([cls]))
    basis = waves(form.n, key)
    for gradient, tokens, operand in ((by_x, form.token_x, 0), (by_y, form.token_y, 1)):
        position = snap.task.operand_positions[operand]
        for component in range(basis.shape[1]):
            if "embed.W_E" in snap.weights:
                table = snap.weights["embed.W_E"].numpy()[tokens]
                push = torch.as_tensor(basis[:, component] @ table)
                where = [
                    ("hook_embed", lambda e, hook, p=push, i=position, s=1.0: _add(e, i, s * p))
                ]
                differ = _difference(snap, row, cls, where)
            else:
                differ = _by_tables(snap, row, cls, basis[:, component], tokens, operand)
            assert float(gradient[0, component]) == pytest.approx(differ, rel=1e-5, abs=1e-7)


def _add(vectors, position, push):
    moved = vectors.clone()
    moved[:, position] = moved[:, position] + push
    return moved


def _difference(snap, row, cls, hooks, step=1e-5):
    values = []
    for sign in (step, -step):
        ((name, function),) = hooks
        at = [(name, lambda e, hook, s=sign, f=function: f(e, hook, s=s))]
        logits = snap.model.run_with_hooks(snap.tokens[row : row + 1], fwd_hooks=at)
        values.append(float(logits[0, -1, cls].detach()))
    return (values[0] - values[1]) / (2 * step)


def _by_tables(snap, row, cls, wave, tokens, operand, step=1e-5):
    """Return the change of the logit when the operand's own row moves along `wave`'s coefficients of its own table."""
    names = {
        "mlp": ("embed_left.W_E", "embed_right.W_E"),
        "linear_x": ("embed_left.W_E", "embed_right.W_E"),
    }
    values = []
    for sign in (step, -step):
        weights = {name: w.clone() for name, w in snap.weights.items()}
        value_ = int(snap.task.tokens[row][operand])
        if snap.config.architecture in names:
            table, start = weights[names[snap.config.architecture][operand]], 0
        else:
            table, start = weights["blocks.0.mlp.W_in"], operand * snap.task.p
        push = torch.as_tensor(wave) @ table[start + torch.as_tensor(tokens)]
        table[start + value_] += sign * push
        moved = Snapshot(snap.task, snap.split, snap.config, weights)
        values.append(float(moved.logits[row, cls]))
    return (values[0] - values[1]) / (2 * step)


def test_circles_by_principal_components():
    """Else the published fractions are of another plane: planted circles are their own components, noise has none."""
    snap = random_snapshot(p=11, key=(2, 3), d_model=12)
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    table = snap.weights["embed.W_E"]
    circles = waves(11, (0, 2, 3)) @ (np.array([1, 5, 5, 2, 2])[:, None] * turn[:5])
    table[:11] = torch.as_tensor(circles)
    np.testing.assert_allclose(
        circle_logits(snap, 3, "components"), circle_logits(snap, 3), atol=1e-9
    )
    assert np.isnan(circle_logits(snap, 4, "components")).all()
    found = form_shares(circle_logits(snap, 2, "components"), 2, "clock")
    assert one(snap, "circle_clock_explained")[1] == pytest.approx(found.published, abs=1e-9)
    noise = rng.standard_normal((11, 12))
    table[:11] += torch.as_tensor(noise)
    u, s, v = np.linalg.svd(table[:11].numpy() - table[:11].numpy().mean(0))
    at = np.square(waves(11, (2,)).T @ u[:, :10]).sum(0)
    two = np.argsort(at)[-2:]
    if (at[two] > 0.5).all():
        kept = table[:11].numpy().mean(0) + (u[:, two] * s[two]) @ v[two]
        other = {**snap.weights, "embed.W_E": torch.cat([torch.as_tensor(kept), table[11:]])}
        logits = Snapshot(snap.task, snap.split, snap.config, other).logits.numpy()
        wanted = logits[snap.task.cyclic.grid][..., snap.task.cyclic.class_c]
        np.testing.assert_allclose(circle_logits(snap, 2, "components"), wanted, atol=1e-9)


def test_a_second_circle_that_is_the_first_one_turned():
    """Else a pizza with two embeddings is none: L(a, b) = M(a, b + s), so its pizza is M's, and its symmetry too."""
    plain, ahead, key = feedforward("linear_alpha", key=(1, 3)), 4, (1, 3)
    table = plain.weights["embed.W_E"]
    weights = {name: w for name, w in plain.weights.items() if name != "embed.W_E"}
    weights |= {"embed_left.W_E": table, "embed_right.W_E": table.roll(-ahead, 0)}
    config = dataclasses.replace(plain.config, architecture="linear_x")
    context = Context(plain.task, plain.split, config, lambda: key)
    turned = Snapshot(plain.task, plain.split, config, weights, given_context=context)
    angles = np.angle(np.exp(2j * np.pi * np.array(key) * ahead / 11))
    found = one(turned, "circle_turn")
    np.testing.assert_allclose(found[[0, 2]], angles, atol=1e-9)
    assert np.isnan(found[1])
    np.testing.assert_array_equal(one(plain, "circle_turn")[[0, 2]], 0.0)
    assert one(turned, "circle_symmetricity") == pytest.approx(1, abs=1e-9)
    for k, angle in zip(key, angles, strict=True):
        logits = circle_logits(plain, k)[:, (np.arange(11) + ahead) % 11]
        wanted = form_shares(logits, k, "pizza", angle).share
        assert one(turned, "circle_pizza_share")[k - 1] == pytest.approx(wanted, abs=1e-9)
        assert abs(form_shares(logits, k, "pizza").share - wanted) > 1e-6
    # Phases that each column has for itself are no common turn.
    apart = random_weights(config, 5)
    other = Snapshot(plain.task, plain.split, config, apart, given_context=context)
    assert np.nanmax(np.abs(one(other, "circle_turn"))) == 0
    assert one(other, "circle_symmetricity") < 0.9


def test_symmetricity_of_a_sum_of_operands_is_one_and_of_the_closed_form_none():
    """Else a function of the operands' sum and a product of them look alike."""
    for architecture in ("linear_alpha", "linear_gamma", "shared_one_hot_mlp"):
        assert one(feedforward(architecture), "circle_symmetricity") == pytest.approx(1, abs=1e-12)
    n = 23
    config, weights = gromov_weights(n, 40 * n)
    snap = Snapshot(make_task("mod_add", n, layout="a b"), None, config, weights)
    assert snap.key == tuple(range(1, 12))
    found = value(snap, "circle_symmetricity")
    assert abs(found["circle_symmetricity"]) < 4 * found["circle_symmetricity_se"]
    assert one(snap, "distance_irrelevance") > 0.8
    assert np.nanmin(one(snap, "circle_clock_share") - one(snap, "circle_pizza_share")) > 0.1


def test_triples_are_distinct_and_the_same_each_time():
    """Else the measure is noisier than it says, or changes from step to step."""
    rows, classes = random_triples(49, 7)
    assert len(set(zip(rows.tolist(), classes.tolist(), strict=True))) == 100
    assert np.array_equal(rows, random_triples(49, 7)[0])
    assert len(random_triples(4, 2)[0]) == 8
    rows, classes = random_triples(10**6, 720)
    assert len(set(zip(rows.tolist(), classes.tolist(), strict=True))) == 100
    assert rows.max() < 10**6
    assert classes.max() < 720


@pytest.mark.parametrize("case", ["addition", "multiplication"])
def test_what_is_left_without_the_key(case):
    """Else the accuracy without the circuit is of other functions, or of other rows."""
    snap = random_snapshot(**CASES[case])
    task, logits = snap.task, snap.answer_logits.numpy()
    labels, found = snap.labels.numpy(), value(snap, "key_functions")
    everything = brute_force.group_rows(task, np.arange(task.n_inputs))
    for i, name in enumerate(("train", "test", "test_twin_free", "all")):
        rows = brute_force.group_rows(task, snap.rows(name))
        part = brute_force.fit(logits, brute_force.directions(task, snap.key), everything, rows)
        left = logits[rows] - part
        assert found["accuracy_without_key"][i] == np.mean(left.argmax(1) == labels[rows])
        alone = brute_force.fit(
            logits, brute_force.directions(task, snap.key, constant=True), everything, rows
        )
        assert found["accuracy_of_key"][i] == np.mean(alone.argmax(1) == labels[rows])
        loss = brute_force.cross_entropy(left, labels[rows]).mean()
        assert found["loss_without_key"][i] == pytest.approx(loss, abs=1e-9)
    rows = brute_force.group_rows(task, snap.rows("test_twin_free"))
    alone = brute_force.fit(
        logits, brute_force.directions(task, snap.key, constant=True), rows, rows
    )
    assert found["accuracy_of_key_held_out"] == np.mean(alone.argmax(1) == labels[rows])


def test_without_others_there_is_no_null():
    """Else the control takes key frequencies away and calls them random."""
    snap = random_snapshot(p=7, key=(1, 2, 3))
    assert np.isnan(value(snap, "key_functions")["accuracy_without_null"]).all()
    snap = random_snapshot(p=7, key=())
    assert all(np.isnan(array).all() for array in value(snap, "key_functions").values())
