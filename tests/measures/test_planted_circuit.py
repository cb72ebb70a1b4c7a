"""A circuit that was written down: every number that grokscope reads off it is known before.

If these fail, what grokscope says about a trained model is not what its definitions say.
"""

import brute_force
import numpy as np
import pytest
from planted import ALPHA, Planted, changed, write_series
from random_models import value

import grokscope as gs
from grokscope.harmonics.fourier import gini
from grokscope.harmonics.sum_projection import random_frequency_sets
from grokscope.measures import catalogue
from grokscope.tasks import ROWS

EXACT = dict(rtol=1e-8, atol=1e-8)

CASES = {
    "pure": Planted(),
    "with memory": Planted(memory=4.0),
    "memory, bias, row constant": Planted(memory=6.0, beta=0.7, row_constant=5.0),
    "strong": Planted(amplitude={1: 9.0, 4: 7.0, 6: 5.0}, memory=30.0, row_constant=-40.0),
    "tokens as classes": Planted(memory=2.0, output_vocabulary="tokens"),
    "subtraction": Planted("mod_sub", memory=3.0, beta=0.3),
    "multiplication": Planted("mod_mul", amplitude={2: 2.0, 5: 1.0}, memory=3.0, beta=0.3),
    "multiplication, Nyquist": Planted("mod_mul", amplitude={2: 2.0, 6: 1.0}, memory=3.0, beta=0.2),
    "division, Nyquist": Planted("mod_div", amplitude={3: 2.0, 6: 2.0}, memory=1.0, beta=0.5),
    "composite modulus": Planted("mod_mul", p=18, amplitude={1: 2.0, 2: 3.0}, memory=3.0, beta=0.2),
    "shuffled labels": Planted(memory=8.0, label_shuffle=True),
}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """Return {case: (planted, its dataset, its table of logits)}, by way of a run directory and gs.analyze."""
    found = {}
    for name, planted in CASES.items():
        run = write_series(tmp_path_factory.mktemp("planted") / "run", {0: planted})
        found[name] = planted, analysed_whole(run).isel(step=0), planted.logits()
    return found


def analysed_whole(run):
    """Return gs.analyze with what is measured by default, without ablations: they have a file of their own."""
    names = [m.name for m in catalogue() if m.builtin and m.default and m.name != "ablations"]
    return gs.analyze(run, names)


@pytest.fixture(params=list(CASES))
def case(request, analysed):
    return analysed[request.param]


def rows_of(planted, name):
    return brute_force.group_rows(planted.make_task(), planted.make_split().rows(name))


def test_the_model_is_the_formula(case):
    planted, _, table = case
    snap = planted.snapshot()
    np.testing.assert_allclose(snap.answer_logits.numpy(), table, **EXACT)
    hooked = snap.model(snap.tokens)[:, -1, : planted.p].detach().numpy()
    np.testing.assert_allclose(hooked, table, **EXACT)


def test_key_frequencies_are_the_planted_ones(case):
    planted, ds, _ = case
    planted_keys = sorted(planted.amplitude)
    assert ds.key_frequency.values.tolist() == planted_keys
    by_neurons = ds.key_frequency_by_rule.sel(rule="neuron")
    assert ds.freq.values[by_neurons.values == 1].tolist() == planted_keys
    if 2 * len(planted_keys) < ds.sizes["freq"]:  # fewer than half, as the rule for logits expects
        by_logits = ds.key_frequency_by_rule.sel(rule="logit")
        assert ds.freq.values[by_logits.values == 1].tolist() == planted_keys
    assert ds.freq.values[ds.key_frequency_current.values == 1].tolist() == planted_keys


def test_trig_shares(case):
    planted, ds, table = case
    shares = brute_force.trig_shares(planted.make_task(), table)
    np.testing.assert_allclose(ds.logit_trig_share, shares, **EXACT)
    of_key = sum(shares[k - 1] for k in planted.amplitude)
    np.testing.assert_allclose(ds.logit_trig_share_key, of_key, **EXACT)


def test_restricted_loss(case):
    planted, ds, table = case
    task, labels = planted.make_task(), planted.make_split().labels
    everything = rows_of(planted, "all")
    for name in ROWS:
        expected = brute_force.restricted(
            task, table, labels, planted.amplitude, everything, rows_of(planted, name)
        )
        np.testing.assert_allclose(ds.restricted_loss.sel(rows=name), expected.mean(), **EXACT)


def test_held_out_restricted_loss_and_its_standard_error(case):
    planted, ds, table = case
    task, labels = planted.make_task(), planted.make_split().labels
    rows = rows_of(planted, "test_twin_free")
    each = brute_force.restricted(task, table, labels, planted.amplitude, rows, rows)
    np.testing.assert_allclose(ds.restricted_loss_held_out, each.mean(), **EXACT)
    np.testing.assert_allclose(ds.restricted_loss_held_out_current, each.mean(), **EXACT)
    np.testing.assert_allclose(
        ds.restricted_loss_held_out_se, each.std() / np.sqrt(len(each)), **EXACT
    )


def test_the_null_is_the_same_with_other_frequencies(case):
    planted, ds, table = case
    task, labels = planted.make_task(), planted.make_split().labels
    key, n_freq = sorted(planted.amplitude), task.cyclic.n_freq
    sets = random_frequency_sets(n_freq, key, len(key), 20, seed=0)
    rows, train = rows_of(planted, "test_twin_free"), rows_of(planted, "train")
    for draw, chosen in enumerate(sets):
        if n_freq >= 2 * len(key):
            assert not set(chosen) & set(key)
        held_out = brute_force.restricted(task, table, labels, chosen, rows, rows).mean()
        np.testing.assert_allclose(ds.restricted_loss_null.sel(draw=draw), held_out, **EXACT)
        np.testing.assert_allclose(
            ds.restricted_loss_null_current.sel(draw=draw), held_out, **EXACT
        )
        without = brute_force.excluded(task, table, labels, chosen, train).mean()
        np.testing.assert_allclose(ds.excluded_loss_null.sel(draw=draw), without, **EXACT)


def test_excluded_loss_all_at_once_and_one_at_a_time(case):
    planted, ds, table = case
    task, labels = planted.make_task(), planted.make_split().labels
    train = rows_of(planted, "train")
    expected = brute_force.excluded(task, table, labels, planted.amplitude, train).mean()
    np.testing.assert_allclose(ds.excluded_loss, expected, **EXACT)
    for k in ds.freq.values:
        expected = brute_force.excluded(task, table, labels, [k], train).mean()
        np.testing.assert_allclose(ds.excluded_loss_each.sel(freq=k), expected, **EXACT)


def test_loss_and_accuracy(case):
    planted, ds, table = case
    split = planted.make_split()
    classes = table
    if planted.output_vocabulary == "tokens":
        classes = np.concatenate([table, np.zeros((len(table), 1))], axis=1)
    each = brute_force.cross_entropy(classes, split.labels)
    right = classes.argmax(1) == split.labels
    for name in ROWS:
        rows = split.rows(name)
        np.testing.assert_allclose(ds.loss.sel(rows=name), each[rows].mean(), **EXACT)
        np.testing.assert_allclose(ds.accuracy.sel(rows=name), right[rows].mean(), **EXACT)


def test_every_neuron_has_the_fraction_that_was_planted(case):
    planted, ds, _ = case
    n = planted.make_task().cyclic.n
    best, fraction = ds.neuron_frequency.values, ds.neuron_fraction_explained.values
    for i, k in enumerate(planted.amplitude):
        if 3 * k % n == 0 or 4 * k % n == 0:
            continue  # twice the frequency is the frequency itself, or Nyquist, or nothing
        block = slice(16 * i, 16 * (i + 1))
        assert (best[block] == k).all()
        expected = (4 * ALPHA**2 + 1) / (4 * ALPHA**2 + 1.25)
        np.testing.assert_allclose(fraction[block], expected, **EXACT)


def test_gini_and_spectrum_of_the_embedding(case):
    """W_E = [identity, cos w_k, sin w_k]: every component has norm 1 but the planted, sqrt(1 + n/2)."""
    planted, ds, _ = case
    n = planted.make_task().cyclic.n
    squares = {(k, phase): 1.0 for k in range(1, n // 2 + 1) for phase in ("cos", "sin")}
    for k in planted.amplitude:
        for phase in ("cos", "sin"):
            squares[k, phase] += n if 2 * k == n else n / 2
    if n % 2 == 0:
        squares[n // 2, "sin"] = 0.0
    for (k, phase), square in squares.items():
        found = ds.embedding_spectrum_phase.sel(freq=k, phase=phase)
        np.testing.assert_allclose(found, np.sqrt(square), **EXACT)
    both = [np.sqrt(squares[k, "cos"] + squares[k, "sin"]) for k in ds.freq.values]
    np.testing.assert_allclose(ds.embedding_spectrum, both, **EXACT)
    norms = [1.0, *(np.sqrt(s) for name, s in squares.items() if name != (n / 2, "sin"))]
    assert len(norms) == n
    np.testing.assert_allclose(ds.gini_embedding, gini(np.array(norms)), **EXACT)


@pytest.mark.parametrize("amplitude", [{2: 3.0, 5: 1.5}, {1: 0.3}, {1: 2.0, 3: 2.0, 6: -1.0}])
def test_without_memory_everything_has_a_one_line_formula(tmp_path, amplitude):
    planted = Planted(amplitude=amplitude)
    ds = analysed_whole(write_series(tmp_path / "run", {0: planted})).isel(step=0)
    d = 2 * np.pi * np.arange(13) / 13

    def loss(kept):
        waves = sum((a * np.cos(k * d) for k, a in kept.items()), np.zeros(13))
        return np.log(np.exp(waves).sum()) - sum(kept.values())

    total = sum(a**2 for a in amplitude.values())
    for k in range(1, 7):
        share = amplitude.get(k, 0) ** 2 / total
        np.testing.assert_allclose(ds.logit_trig_share.sel(freq=k), share, **EXACT)
        rest = {j: a for j, a in amplitude.items() if j != k}
        np.testing.assert_allclose(ds.excluded_loss_each.sel(freq=k), loss(rest), **EXACT)
    np.testing.assert_allclose(ds.logit_trig_share_key, 1, **EXACT)
    np.testing.assert_allclose(ds.excluded_loss, np.log(13), **EXACT)
    np.testing.assert_allclose(ds.restricted_loss, loss(amplitude), **EXACT)
    np.testing.assert_allclose(ds.restricted_loss_held_out, loss(amplitude), **EXACT)
    np.testing.assert_allclose(ds.excluded_loss_null, loss(amplitude), **EXACT)
    np.testing.assert_allclose(ds.restricted_loss_neuron, loss(amplitude), **EXACT)
    np.testing.assert_allclose(ds.excluded_loss_neuron, np.log(13), **EXACT)
    np.testing.assert_allclose(ds.loss, loss(amplitude), **EXACT)
    np.testing.assert_allclose(ds.commutativity, 0, **EXACT)


def test_the_share_with_memory_in_closed_form(tmp_path):
    """(A_k p^3/2 + m N)^2 / (p^3/2) over sum A^2 p^3/2 + 2 m N sum A + m^2 N (1 - 1/p)."""
    planted = Planted(memory=4.0, row_constant=2.0)
    ds = gs.analyze(write_series(tmp_path / "run", {0: planted}), ["logit_trig_share"])
    n_train, m, a = len(planted.make_split().rows("train")), 4.0, planted.amplitude
    half = 13**3 / 2
    total = sum(v**2 for v in a.values()) * half + 2 * m * n_train * sum(a.values())
    total += m**2 * n_train * (1 - 1 / 13)
    for k in range(1, 7):
        expected = (a.get(k, 0) * half + m * n_train) ** 2 / half / total
        np.testing.assert_allclose(ds.logit_trig_share.sel(freq=k).item(), expected, **EXACT)


def test_the_held_out_loss_does_not_see_the_memory_and_the_published_one_does():
    plain, remembering = Planted(amplitude={2: 0.5}), Planted(amplitude={2: 0.5}, memory=50.0)
    without, with_memory = (
        {
            name: float(np.asarray(value).ravel()[-1])
            for m in ("restricted_loss", "restricted_loss_held_out")
            for name, value in measured(case, m).items()
            if "null" not in name and "se" not in name.split("_")
        }
        for case in (plain, remembering)
    )
    held_out = "restricted_loss_held_out"
    assert with_memory[held_out] == pytest.approx(without[held_out], abs=1e-8)
    assert with_memory["restricted_loss"] < without["restricted_loss"] - 0.1


def measured(planted, name):
    return value(planted.snapshot(), name)


def test_a_circuit_that_grows_while_the_memory_fades(tmp_path):
    """Four checkpoints: at each the losses are those of what was planted there, with the final key frequencies."""
    final = Planted(amplitude={2: 6.0, 5: 4.0}, memory=1.0)
    series = {
        0: changed(final, amplitude={2: 0.0, 5: 0.0}, memory=0.0),
        50: changed(final, amplitude={2: 0.0, 5: 0.0}, memory=9.0),
        120: changed(final, amplitude={2: 2.0, 5: 0.5}, memory=9.0),
        200: final,
    }
    ds = analysed_whole(write_series(tmp_path / "run", series))
    task, labels = final.make_task(), final.make_split().labels
    for step, planted in series.items():
        here, table = ds.sel(step=step), planted.logits()
        rows = rows_of(planted, "test_twin_free")
        expected = brute_force.restricted(task, table, labels, [2, 5], rows, rows).mean()
        np.testing.assert_allclose(here.restricted_loss_held_out, expected, **EXACT)
        expected = brute_force.excluded(task, table, labels, [2, 5], rows_of(final, "train")).mean()
        np.testing.assert_allclose(here.excluded_loss, expected, **EXACT)
    np.testing.assert_allclose(ds.restricted_loss_held_out.sel(step=0), np.log(13), **EXACT)
    assert np.isnan(ds.logit_trig_share.sel(step=0)).all()
    np.testing.assert_allclose(ds.loss.sel(step=0), np.log(13), **EXACT)
