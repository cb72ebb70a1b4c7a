"""Measures of groups on models that were not planted: random, cyclic, relabelled, of other architectures."""

import dataclasses

import numpy as np
import pytest
import torch
from planted_group import PlantedGroup
from random_models import one, random_snapshot, random_weights, value

from grokscope.config import ModelConfig, SplitConfig
from grokscope.errors import RequestError
from grokscope.harmonics.subgroups import cosets, subgroups
from grokscope.measures import catalogue, choose
from grokscope.runs.context import Context
from grokscope.runs.key import GROUP_RULES, key_frequencies
from grokscope.runs.key_irreps import key_irreps
from grokscope.runs.products import key_irreps_of, sum_form
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_group, make_split, make_task
from grokscope.tasks.group_irreps import group_irreps

EXACT = dict(rtol=1e-8, atol=1e-8)


def group_snapshot(
    group="S3", seed=0, key=None, task="group_mul", split=True, weights=None, **fields
):
    table = make_task(task, group=group, layout=fields.pop("layout", "a b ="))
    n = table.p
    vocabulary = dict(n_ctx=table.n_ctx, d_vocab=table.d_vocab, d_vocab_out=n)
    shape = dict(n_heads=2, d_model=12, d_head=5, d_mlp=16, output_vocabulary="answers")
    config = ModelConfig(**(shape | vocabulary | fields))
    drawn = make_split(table, SplitConfig(frac_train=0.5, split_seed=seed)) if split else None
    context = None if key is None else Context(table, drawn, config, lambda: tuple(key))
    weights = random_weights(config, seed) if weights is None else weights
    return Snapshot(table, drawn, config, weights, given_context=context)


def test_a_random_model_is_no_better_than_relabelled_elements():
    """Else the null does not hold what it promises: on 20 random models the key is the lowest of 21 about once."""
    lower = 0
    for seed in range(20):
        snap = group_snapshot("D5", seed, key=(1, 3))
        found = value(snap, "restricted_loss_held_out")
        lower += bool(found["restricted_loss_held_out"] < found["restricted_loss_null"].min())
        chance = np.log(10) - 5 * found["restricted_loss_held_out_se"]
        assert not (
            found["restricted_loss_held_out"] < chance
            and found["restricted_loss_held_out"] < found["restricted_loss_null"].min()
        )
    assert lower <= 5


def test_a_random_model_has_no_key_representation_by_default():
    """Else the default rule sees circuits in noise: 10 random models of S4."""
    assert [group_snapshot("S4", seed, d_mlp=40).key for seed in range(10)] == [()] * 10


def test_nothing_key_is_not_a_number():
    """Else losses without key representations look like losses."""
    snap = group_snapshot("S3", key=())
    for name in ("restricted_loss", "restricted_loss_held_out", "excluded_loss", "logit_trig_share_key",
                 "embedding_share_key", "neuron_share_key", "restricted_loss_neuron"):  # fmt: skip
        assert np.isnan(one(snap, name)).all(), name
    assert np.isfinite(one(snap, "excluded_loss_each")).all()


@pytest.mark.parametrize("group", ["S3", "D4", "A4"])
def test_an_automorphism_permutes_the_representations(group):
    """Else renaming the elements by an inner automorphism, which changes no character, changes a measure."""
    table, inverse = make_group(group).table, make_group(group).inverse
    n, g = len(table), 2
    new_name = table[table[inverse[g]], g]  # x -> g^-1 . x . g
    snap = group_snapshot(group, key=(1, 2))
    W_E, W_U = snap.weights["embed.W_E"].clone(), snap.weights["unembed.W_U"].clone()
    W_E[new_name] = snap.weights["embed.W_E"][:n]
    W_U[:, new_name] = snap.weights["unembed.W_U"][:, :n]
    renamed = group_snapshot(
        group, key=(1, 2), weights=dict(snap.weights) | {"embed.W_E": W_E, "unembed.W_U": W_U}
    )
    # The same rows train only where the split is renamed too: measures of all rows.
    for name in ("embedding_spectrum", "neuron_logit_spectrum", "logit_similarity", "logit_trig_share",
                 "restricted_loss_each", "embedding_share", "unembedding_share", "neuron_share",
                 "neuron_share_xy", "neuron_fraction_explained", "neurons_per_irrep",
                 "coset_concentration_first", "coset_order_second", "commutativity_same_answer"):  # fmt: skip
        np.testing.assert_allclose(one(renamed, name), one(snap, name), err_msg=name, **EXACT)
    np.testing.assert_allclose(
        one(renamed, "restricted_loss")[3], one(snap, "restricted_loss")[3], **EXACT
    )


@pytest.mark.parametrize(("task", "p"), [("mod_add", 12), ("mod_mul", 13), ("mod_sub", 7)])
def test_on_cyclic_groups_shares_are_those_of_frequencies(task, p):
    """Else the same model has one spectrum by frequency and another by representation."""
    snap = random_snapshot(task, p=p, key=(1, 2))
    n = sum_form(snap).n
    names = ["sign" if 2 * k == n else f"freq_{k}" for k in range(1, n // 2 + 1)]
    places = group_irreps(f"C{n}").index(names)
    assert key_irreps_of(snap) == ("freq_1", "freq_2")
    weights = value(snap, "irrep_weight_shares")
    power = np.square(one(snap, "embedding_spectrum"))
    expected = power / np.square(snap.W_E).sum()
    np.testing.assert_allclose(weights["embedding_share"][places], expected, **EXACT)
    power = np.square(one(snap, "neuron_logit_spectrum"))
    np.testing.assert_allclose(
        weights["unembedding_share"][places], power / np.square(snap.W_L).sum(), **EXACT
    )
    assert weights["embedding_share"].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        weights["embedding_share_key"], weights["embedding_share"][places[:2]].sum(), **EXACT
    )
    neurons = value(snap, "irrep_neuron_shares")
    assert neurons["neuron_share"].sum() <= 1
    assert neurons["neuron_share"][0] == 0


def test_the_cyclic_losses_are_those_of_representations():
    """Else a cyclic group is another case than the general one: losses of C8 by frequency and by representation."""
    cyclic = random_snapshot("mod_add", p=8, key=(1, 4), d_vocab_out=8)
    irreps = group_irreps("C8")
    places = irreps.index(["freq_1", "sign"])
    table, n = cyclic.task.answers, 8
    general = Snapshot(cyclic.task, cyclic.split, cyclic.config, cyclic.weights)
    general.__dict__["context"] = Context(
        cyclic.task, cyclic.split, cyclic.config, lambda: tuple(sorted(places))
    )
    object.__setattr__(general, "task", as_a_group_task(cyclic.task))
    general.context.__dict__["product_form"] = cyclic.context.product_form
    general.context.task = general.task
    assert len(table) == n * n
    for name in (
        "restricted_loss",
        "excluded_loss",
        "restricted_loss_neuron",
        "excluded_loss_neuron",
    ):
        np.testing.assert_allclose(one(general, name), one(cyclic, name), err_msg=name, **EXACT)
    held_out = "restricted_loss_held_out"
    np.testing.assert_allclose(one(general, held_out), one(cyclic, held_out), **EXACT)
    names = [*(f"freq_{k}" for k in (1, 2, 3)), "sign"]
    for name in ("excluded_loss_each", "restricted_loss_each", "logit_trig_share"):
        found = one(general, name)[irreps.index(names)]
        np.testing.assert_allclose(found, one(cyclic, name), err_msg=name, **EXACT)


def as_a_group_task(task):
    """Return a cyclic task with its cyclic form taken away, so that only its product form is left."""
    import dataclasses

    return dataclasses.replace(task, cyclic=None)


@pytest.mark.parametrize("group", ["S3", "C4xC2"])
def test_a_neuron_that_sees_cosets_of_one_subgroup(group):
    """Else left and right cosets, or the operands, are mixed up: neurons H x of x, and y H of y, for each subgroup."""
    table = make_group(group).table
    n = len(table)
    proper = [h for h in subgroups(table) if 1 < h.sum() < n]
    snap = group_snapshot(group, d_mlp=len(proper) + 1)
    rng = np.random.default_rng(0)
    h = np.zeros((n, n, len(proper) + 1))
    for i, members in enumerate(proper):
        of_x = rng.standard_normal(n)[cosets(table, members, "right")]
        of_y = rng.standard_normal(n)[cosets(table, members, "left")]
        h[:, :, i] = of_x[:, None] + of_y[None, :]
    neurons = torch.as_tensor(h.reshape(n * n, -1))
    snap.__dict__["answer"] = dataclasses.replace(snap.answer, neurons=neurons)
    found = value(snap, "coset_concentration")
    for operand in ("first", "second"):
        np.testing.assert_allclose(found[f"coset_concentration_{operand}"][:-1], 0, atol=1e-12)
        orders = [int(members.sum()) for members in proper]
        assert found[f"coset_order_{operand}"].tolist() == [*orders, 1]
        assert np.isnan(found[f"coset_concentration_{operand}"][-1])


def test_a_random_model_is_not_concentrated_on_cosets():
    """Else choosing the best of all subgroups is taken for a circuit: far from all neurons of random models."""
    concentrated = [
        int(one(group_snapshot("S4", seed), "neurons_concentrated")) for seed in range(5)
    ]
    assert sum(concentrated) <= 5 * 16 * 0.1
    null = one(group_snapshot("S4"), "coset_concentration_null")
    assert null.shape == (20,)
    assert (null > 0.2).all()


def test_conjugation_and_products_of_three_have_no_measures_of_representations():
    """Else the answer of a . b . a^-1 is taken for the product, whose circuit it is not."""
    for task in ("group_conjugate", "group_aba"):
        snap = group_snapshot("S3", task=task)
        assert snap.key == ()
        for m in catalogue():
            if {"irreps", "product"} & set(m.needs):
                assert "no product in a group" in m.why_not(snap), m.name
        with pytest.raises(RequestError, match="no product in a group"):
            sum_form(snap)


def test_which_of_two_measures_is_taken():
    """Else a cyclic run has both, or a group's run neither, or a name chooses only one."""
    cyclic, other = random_snapshot(p=7), group_snapshot("S3")
    pairs = [(m, m.instead_of) for m in catalogue() if m.instead_of]
    names = {m.name: m for m in catalogue()}
    assert len(pairs) >= 10
    for m, base in pairs:
        assert "irreps" in m.needs
        assert "cyclic" in names[base].needs
        assert m in choose([base])
        assert names[base] in choose([base])
        assert m.why_not(cyclic)
        assert not names[base].why_not(cyclic)
        assert not m.why_not(other)
        assert names[base].why_not(other)
        shared = set(m.outputs) & set(names[base].outputs)
        for variable in shared:
            dims = tuple("irrep" if d == "freq" else d for d in names[base].outputs[variable].dims)
            assert m.outputs[variable].dims == dims, variable
            assert {m.name, base} <= {c.name for c in choose([variable])}


@pytest.mark.parametrize("rule", ["majority", *GROUP_RULES])
def test_rules(rule):
    """Else a rule of the command line fails on a group, with or without a split or neurons."""
    for snap in (
        group_snapshot("S3"),
        group_snapshot("S3", split=False),
        group_snapshot("S3", attn_only=True),
        PlantedGroup("S3", {"standard": 2.0}).snapshot(),
    ):
        found = key_frequencies(snap, rule)
        assert found == key_irreps(snap, rule)
        assert 0 not in found
        assert all(0 < i < 3 for i in found)
    assert found == ((2,) if rule != "similarity" else found)
    with pytest.raises(RequestError, match="similarity"):
        key_irreps(group_snapshot("S3"), "similarty")


def test_similarity_on_a_cyclic_group():
    """Else the published rule is for other groups only: the cosine is the root of the trig share."""
    snap = random_snapshot(p=13)
    cosines = np.sqrt(one(snap, "logit_trig_share"))
    assert key_frequencies(snap, "similarity") == tuple(np.flatnonzero(cosines > 0.005) + 1)


@pytest.mark.parametrize("architecture", ["mlp", "one_hot_mlp", "linear_alpha"])
def test_feed_forward_models(architecture):
    """Else groups are measured in transformers only, or what an operand adds to the first layer is left out."""
    from grokscope.api import configure
    from grokscope.models.initialise import initialise
    from grokscope.training.resolve import resolve

    config = resolve(
        configure("group_mul", group="D5", layout="a b", architecture=architecture, d_mlp=20, frac_train=0.5)
    )[0]  # fmt: skip
    task = make_task("group_mul", group="D5", layout="a b")
    weights = initialise(config.model, torch.float64)
    snap = Snapshot(task, make_split(task, config.split), config.model, weights)
    for m in catalogue():
        if {"irreps", "product"} & set(m.needs) and not m.why_not(snap):
            for name, found in m(snap).items():
                assert np.isfinite(found).any() or "key" in name or not snap.key, name
    shares = value(snap, "irrep_weight_shares")
    assert shares["embedding_share"].sum() == pytest.approx(1.0)
    assert shares["embedding_share_second"].sum() == pytest.approx(1.0)
