"""A circuit of representations that was written down: every number that grokscope reads off it is known before.

If these fail, what grokscope says about a model of a group is not what its definitions say. References are closed
forms, and least squares on all rows with all d^2 entries of each representation, dependent ones too.
"""

import numpy as np
import pytest
from planted_group import ALPHA, PlantedGroup, like
from random_models import one, value

from grokscope.runs.key import GROUP_RULES, key_frequencies
from grokscope.runs.products import key_irreps_of
from grokscope.runs.sums import N_DRAWS, Relabelled, null_spans
from grokscope.tasks import ROWS, make_group

EXACT = dict(rtol=1e-8, atol=1e-8)

CASES = {
    "S3": PlantedGroup("S3", {"standard": 2.0}),
    "S3 with memory": PlantedGroup("S3", {"standard": 1.5}, memory=4.0, beta=0.4),
    "D5": PlantedGroup("D5", {"sign": 1.5, "freq_2": 2.0}, memory=3.0, beta=0.5),
    "D4, two signs": PlantedGroup("D4", {"sign_r": 1.0, "freq_1": 1.5}, memory=2.0),
    "A4, complex type": PlantedGroup("A4", {"a4_2d": 2.0}, memory=2.0, beta=0.3),
    "A4, real type": PlantedGroup("A4", {"standard": 1.2}, memory=5.0),
    "S4": PlantedGroup("S4", {"sign": 1.0, "standard": 1.1}, memory=3.0, beta=0.2),
    "C4xC2, no cyclic group": PlantedGroup("C4xC2", {"freq_1 x sign": 1.5}, memory=2.0),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request):
    """Return (planted, snapshot, table of logits)."""
    planted = CASES[request.param]
    return planted, planted.snapshot(), planted.logits()


def products(planted):
    a, b = planted.make_task().inputs.T
    return make_group(planted.group).table[a, b]


def entries(planted, places, element):
    """Return rho(element)_ij of the representations at `places`, all d^2 of each, [row, entry]."""
    found = [
        planted.irreps.representations[i].matrices[element].reshape(len(element), -1)
        for i in places
    ]
    return np.concatenate(found, axis=1)


def fitted(design, table):
    return design @ np.linalg.lstsq(design, table, rcond=None)[0]


def loss(table, labels):
    top = table.max(1)
    return np.log(np.exp(table - top[:, None]).sum(1)) + top - table[np.arange(len(table)), labels]


def test_the_model_is_the_formula(case):
    """Else the tests below judge another model than the one written down."""
    _, snap, table = case
    np.testing.assert_allclose(snap.answer_logits.numpy(), table, **EXACT)


def test_key_representations_are_the_planted_ones(case):
    """Else a circuit is overlooked, or one is seen that is not there."""
    planted, snap, _ = case
    assert snap.key == planted.key
    assert set(key_irreps_of(snap)) == set(planted.amplitude)
    for rule in ("embedding", "logit"):
        assert key_frequencies(snap, rule) == planted.key, rule
    # A sign has four neurons, one too few where a twentieth of all are more.
    enough = max(2, min(5, planted.config.d_mlp // 20))
    many = [i for i in planted.key if 4 * planted.irreps.representations[i].degree ** 3 >= enough]
    assert key_frequencies(snap, "neuron") == tuple(many)
    names = list(planted.irreps.names)
    by_rule = one(snap, "key_irrep_by_rule")
    assert by_rule.shape == (len(GROUP_RULES), len(names))
    assert [names[i] for i in np.flatnonzero(by_rule[2])] == [names[i] for i in planted.key]
    assert np.flatnonzero(one(snap, "key_irrep_current")).tolist() == list(planted.key)


def test_memory_takes_in_the_published_rule_but_not_the_held_out_one():
    """Else a network that only memorised has key representations by default."""
    snap = PlantedGroup("S4", {"sign": 0.0}, memory=8.0, beta=0.1).snapshot()
    assert key_frequencies(snap, "similarity") == (1, 2, 3, 4)
    assert key_frequencies(snap, "logit") == ()
    assert np.abs(one(snap, "logit_similarity_held_out")).max() < 0.05


def test_restricted_and_excluded_loss_in_closed_form():
    """Else the losses of a pure circuit are not those of its characters: with the key kept, and with it taken away."""
    planted = PlantedGroup("S4", {"sign": 0.7, "standard": 0.5}, beta=0.0)
    snap, labels = planted.snapshot(), planted.make_task().answers
    whole = loss(planted.logits(), labels)
    np.testing.assert_allclose(one(snap, "restricted_loss")[3], whole.mean(), **EXACT)
    np.testing.assert_allclose(one(snap, "restricted_loss_held_out"), whole.mean(), **EXACT)
    assert float(one(snap, "excluded_loss")) == pytest.approx(np.log(24), abs=1e-9)
    train = planted.make_split().rows("train")
    names = planted.irreps.names
    for name, each, kept in zip(
        names, one(snap, "excluded_loss_each"), one(snap, "restricted_loss_each"), strict=True
    ):
        without = like(planted, amplitude={k: a for k, a in planted.amplitude.items() if k != name})
        alone = like(planted, amplitude={k: a for k, a in planted.amplitude.items() if k == name})
        np.testing.assert_allclose(each, loss(without.logits(), labels)[train].mean(), **EXACT)
        np.testing.assert_allclose(kept, loss(alone.logits(), labels).mean(), **EXACT)


def test_restricted_loss_by_least_squares(case):
    """Else the projection leaves out a direction of the key representations, or takes in others."""
    planted, snap, table = case
    kept = table.mean(0) + fitted(entries(planted, planted.key, products(planted)), table)
    losses = loss(kept, snap.labels.numpy())
    for name, found in zip(ROWS, one(snap, "restricted_loss"), strict=True):
        np.testing.assert_allclose(found, losses[snap.rows(name)].mean(), err_msg=name, **EXACT)
    for i, found in enumerate(one(snap, "restricted_loss_each")):
        kept = table.mean(0) + fitted(entries(planted, (i,), products(planted)), table)
        expected = loss(kept, snap.labels.numpy()).mean()
        np.testing.assert_allclose(found, expected, err_msg=planted.irreps.names[i], **EXACT)


def test_held_out_restricted_loss_by_least_squares(case):
    """Else training rows leak into the fit, or dependent entries make it another one."""
    planted, snap, table = case
    rows = snap.rows("test_twin_free")
    labels = snap.labels.numpy()[rows]
    found = value(snap, "restricted_loss_held_out")

    def held_out(element):
        design = entries(planted, planted.key, element[rows])
        return loss(fitted(np.column_stack([np.ones(len(rows)), design]), table[rows]), labels)

    expected = held_out(products(planted))
    np.testing.assert_allclose(found["restricted_loss_held_out"], expected.mean(), **EXACT)
    error = expected.std() / np.sqrt(len(rows))
    np.testing.assert_allclose(found["restricted_loss_held_out_se"], error, **EXACT)
    nulls = null_spans(snap, snap.key)
    assert len(nulls) == N_DRAWS
    for null, drawn in zip(nulls, found["restricted_loss_null"], strict=True):
        assert isinstance(null, Relabelled)
        moved = np.array(null.permutation)
        assert sorted(null.permutation) == list(range(planted.n))
        np.testing.assert_allclose(held_out(moved[products(planted)]).mean(), drawn, **EXACT)


def test_excluded_loss_by_least_squares(case):
    """Else more, or less, than the key representations is taken away from the training rows."""
    planted, snap, table = case
    train, found = snap.rows("train"), value(snap, "excluded_loss")
    labels = snap.labels.numpy()

    def without(places, element):
        rest = table - fitted(entries(planted, places, element), table)
        return loss(rest, labels)[train].mean()

    element = products(planted)
    np.testing.assert_allclose(found["excluded_loss"], without(planted.key, element), **EXACT)
    for i, each in enumerate(found["excluded_loss_each"]):
        np.testing.assert_allclose(each, without((i,), element), **EXACT)
    for null, drawn in zip(null_spans(snap, snap.key), found["excluded_loss_null"], strict=True):
        moved = np.array(null.permutation)[element]
        np.testing.assert_allclose(drawn, without(planted.key, moved), **EXACT)


def test_losses_at_the_neurons(case):
    """Else what is kept of the neurons is not their means and their part in the key: by least squares on all rows."""
    planted, snap, _ = case
    h = snap.neurons.numpy()
    w_out = snap.weights["blocks.0.mlp.W_out"].numpy()
    to_class = w_out @ snap.weights["unembed.W_U"].numpy()
    part = fitted(entries(planted, planted.key, products(planted)), h)
    labels, found = snap.labels.numpy(), value(snap, "neuron_projection")
    kept = loss((h.mean(0) + part) @ to_class + planted.betas, labels)
    rest = loss((h - part) @ to_class + planted.betas, labels)
    np.testing.assert_allclose(found["restricted_loss_neuron"][3], kept.mean(), **EXACT)
    train = snap.rows("train")
    np.testing.assert_allclose(found["excluded_loss_neuron"], rest[train].mean(), **EXACT)


def test_shares_of_the_logits(case):
    """Else energies of characters are not A^2 c, c the commutant's dimension, or memory counts as similarity."""
    planted, _, _ = case
    pure = like(planted, memory=0.0, beta=0.0)
    found = value(pure.snapshot(), "logit_trig_share")
    sizes = {k: a**2 * len(pure.irreps[k].commutant) for k, a in pure.amplitude.items()}
    expected = [sizes.get(name, 0.0) / sum(sizes.values()) for name in pure.irreps.names]
    np.testing.assert_allclose(found["logit_trig_share"], expected, **EXACT)
    np.testing.assert_allclose(found["logit_trig_share_key"], 1.0, **EXACT)
    np.testing.assert_allclose(found["logit_similarity"], np.sqrt(expected), **EXACT)
    held_out = found["logit_similarity_held_out"]
    np.testing.assert_allclose(held_out[list(pure.key)] ** 2, np.array(expected)[list(pure.key)],
                               atol=0.2)  # fmt: skip


def test_shares_of_memorised_logits():
    """Else what memory gives each representation is not its rank over n, times the share of rows that train."""
    snap = PlantedGroup("A4", {"standard": 0.0}, memory=5.0).snapshot()
    ranks = np.array([rep.rank for rep in PlantedGroup("A4").irreps])
    share = len(snap.rows("train")) / 144
    # Row-centring takes 1/12 of each unit of memory away.
    expected = share * ranks / 12 / (1 - 1 / 12)
    np.testing.assert_allclose(one(snap, "logit_trig_share")[1:], expected[1:], **EXACT)


def test_shares_of_the_weights(case):
    """Else powers do not add up: one-hot vectors give each representation its rank, its own entries n d."""
    planted, snap, _ = case
    irreps, n = planted.irreps, planted.n
    power = np.array(
        [rep.rank + n * rep.degree * (rep.name in planted.amplitude) for rep in irreps]
    )
    found = value(snap, "irrep_weight_shares")
    np.testing.assert_allclose(found["embedding_share"], power / power.sum(), **EXACT)
    np.testing.assert_allclose(found["embedding_share_second"], power / power.sum(), **EXACT)
    np.testing.assert_allclose(
        found["embedding_share_key"], power[list(planted.key)].sum() / power.sum(), **EXACT
    )
    np.testing.assert_allclose(one(snap, "embedding_spectrum"), np.sqrt(power), **EXACT)
    pure = value(like(planted, memory=0.0).snapshot(), "irrep_weight_shares")
    np.testing.assert_allclose(pure["unembedding_share_key"], 1.0, **EXACT)
    sizes = {k: a**2 * irreps[k].degree ** 2 for k, a in planted.amplitude.items()}
    expected = [sizes.get(name, 0.0) / sum(sizes.values()) for name in irreps.names]
    # 4 neurons for each (i, k, j), each reading A rho_ij / 8: energy 4 d A^2 n d / 64 for each representation.
    np.testing.assert_allclose(pure["unembedding_share"], expected, **EXACT)
    spectrum = one(like(planted, memory=0.0).snapshot(), "neuron_logit_spectrum")
    np.testing.assert_allclose(
        np.square(spectrum), [n * sizes.get(name, 0.0) / 16 for name in irreps.names], **EXACT
    )


def test_shares_of_the_neurons(case):
    """Else a neuron's energy is put down to another representation: against explicit functions of x, y and x . y."""
    planted, snap, _ = case
    h = snap.neurons.numpy()
    centred = h - h.mean(0)
    a, b = planted.make_task().inputs.T
    found = value(snap, "irrep_neuron_shares")
    for part, element in (("x", a), ("y", b), ("xy", products(planted))):
        for i in range(1, len(planted.irreps)):
            energy = np.square(fitted(entries(planted, (i,), element), centred)).sum()
            expected = energy / np.square(centred).sum()
            np.testing.assert_allclose(found[f"neuron_share_{part}"][i], expected, **EXACT)
        assert found[f"neuron_share_{part}"][0] == 0
    together = sum(found[f"neuron_share_{part}"] for part in ("x", "y", "xy"))
    np.testing.assert_allclose(found["neuron_share"], together, **EXACT)
    np.testing.assert_allclose(
        found["neuron_share_key"], together[list(planted.key)].sum(), **EXACT
    )


def test_each_neuron_belongs_to_its_representation(case):
    """Else neurons are put down to another representation than the one that they were made of."""
    planted, snap, _ = case
    found = value(snap, "neuron_irreps")
    circuit = np.concatenate(
        [
            np.full(4 * planted.irreps[name].degree ** 3, planted.irreps.index([name])[0])
            for name in planted.names
        ]
    )
    live = found["neuron_irrep"][: len(circuit)] > 0
    assert (found["neuron_irrep"][: len(circuit)][live] == circuit[live]).all()
    assert found["neurons_dead"] == (found["neuron_irrep"] == 0).sum()
    a, b = planted.make_task().inputs.T
    h = snap.neurons.numpy()[:, : len(circuit)]
    for neuron in np.flatnonzero(live)[:: max(1, live.sum() // 5)]:
        x, y = (
            np.column_stack([np.ones(len(a)), entries(planted, (circuit[neuron],), e)])
            for e in (a, b)
        )
        products_ = np.einsum("ri,rj->rij", x, y).reshape(len(a), -1)
        column = h[:, [neuron]] - h[:, neuron].mean()
        explained = np.square(fitted(products_, column)).sum() / np.square(column).sum()
        np.testing.assert_allclose(found["neuron_fraction_explained"][neuron], explained, rtol=1e-7)


def test_a_product_of_signs_has_everything_in_its_block():
    """Else the share of (alpha + u + v)^2, u and v signs, is not 1: u^2 = v^2 = 1 add a constant only."""
    snap = PlantedGroup("D5", {"sign": 1.0}).snapshot()
    found = value(snap, "neuron_irreps")
    assert ALPHA == 1.0
    np.testing.assert_allclose(found["neuron_fraction_explained"][:4], 1.0, **EXACT)
    assert found["neurons_per_irrep"][1] >= 4


def test_pairs_that_commute_and_pairs_that_do_not(case):
    """Else the defect of commutativity counts pairs whose answers must differ."""
    planted, _, _ = case
    snap = like(planted, memory=0.0, beta=0.0).snapshot()
    found, table = value(snap, "commutativity"), make_group(planted.group).table
    n = len(table)
    p = np.exp(planted_log_p(snap)).reshape(n, n, n)
    same, other = [], []
    for a in range(n):
        for b in range(n):
            if a != b:
                divergence = (p[a, b] * np.log(p[a, b] / p[b, a])).sum()
                (same if table[a, b] == table[b, a] else other).append(divergence)
    np.testing.assert_allclose(found["commutativity_same_answer"], np.mean(same), **EXACT)
    np.testing.assert_allclose(found["commutativity_same_answer"], 0.0, atol=1e-9)
    if other:
        np.testing.assert_allclose(found["commutativity_other_answer"], np.mean(other), **EXACT)
        # Representations of abelian quotients see no order.
        sees = any(
            planted.irreps[k].name in ("standard", "freq_1", "freq_2") for k in planted.amplitude
        )
        assert (found["commutativity_other_answer"] > 0.01) == sees
    else:
        assert np.isnan(found["commutativity_other_answer"])


def planted_log_p(snap):
    logits = snap.answer_logits.numpy()
    top = logits.max(1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))


def test_when_everything_is_key_there_is_no_null():
    """Else the losses of relabellings that change nothing stand there as a null."""
    snap = PlantedGroup("S3", {"sign": 1.0, "standard": 1.0}).snapshot()
    assert snap.key == (1, 2)
    assert null_spans(snap, snap.key) == ()
    assert np.isnan(value(snap, "restricted_loss_held_out")["restricted_loss_null"]).all()
    assert np.isnan(value(snap, "excluded_loss")["excluded_loss_null"]).all()
    assert np.isfinite(one(snap, "restricted_loss_held_out"))
