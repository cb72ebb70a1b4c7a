"""The dataset: its names, dimensions and attributes are what other programs rely on."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch
import xarray

import grokscope as gs
from grokscope.analysis import read_dataset, write_dataset
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError, UnsoundError
from grokscope.measures import catalogue, forget
from grokscope.models.initialise import initialise
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import create_run
from grokscope.tasks import ROWS
from grokscope.training.loop import train_run

PROMISED = {
    "loss": ("rows", "step"),
    "accuracy": ("rows", "step"),
    "restricted_loss": ("rows", "step"),
    "restricted_loss_held_out": ("step",),
    "restricted_loss_null": ("step", "draw"),
    "excluded_loss": ("step",),
    "excluded_loss_each": ("freq", "step"),
    "key_frequency": ("key",),
    "embedding_spectrum": ("freq", "step"),
    "logit_trig_share": ("freq", "step"),
    "neuron_frequency": ("neuron", "step"),
    "neuron_fraction_explained": ("neuron", "step"),
    "gini_embedding": ("step",),
    "gini_neuron_logit_map": ("step",),
    "weight_norm_squared": ("param", "step"),
}

# A cyclic group of prime order has no subgroups to take cosets of.
NOT_FOR_A_PRIME = {"coset_concentration", "coset_concentration_null"}

SMALL = dict(d_model=16, d_head=4, d_mlp=24, steps=30, checkpoint_steps=(7, 20), eval_every=5)


def config(**fields):
    return override(RunConfig(), **(dict(p=7, frac_train=0.5) | SMALL | fields))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_run(config(), tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="module")
def ds(run):
    return gs.analyze(run)


def by_hand(path, steps=(0,), **fields):
    """Write a run with random weights at `steps`, without training."""
    info = {k: fields.pop(k) for k in ("split_known",) if k in fields}
    p = fields.get("p", 7)
    whole = config(d_vocab=p + 1, d_vocab_out=p + 1, **fields)
    made = create_run(path, whole, **info)
    for step in steps:
        shape = dataclasses.replace(whole.model, init_seed=step)
        write_tensors(
            checkpoint_path(made.checkpoints, step), initialise(shape), step, made.config_hash
        )
    return made


def test_promised_names_and_dimensions(ds):
    for name, dims in PROMISED.items():
        assert ds[name].dims == dims, name
    assert ds.step.values.tolist() == [0, 7, 20, 30]
    assert ds.rows.values.tolist() == list(ROWS)
    assert ds.freq.values.tolist() == [1, 2, 3]
    assert ds.sizes["draw"] == 20
    assert ds.param.values[-1] == "all"
    assert "rule" in ds.key_frequency.attrs


def test_every_dimension_is_of_the_common_vocabulary(ds):
    from grokscope.measures.registry import DIMENSIONS

    assert set(ds.sizes) <= {*DIMENSIONS, "metric_step"}


def test_every_variable_says_what_it_is(ds):
    for name, variable in ds.data_vars.items():
        for attribute in ("long_name", "units", "source", "formula"):
            assert variable.attrs.get(attribute), (name, attribute)


def test_every_built_in_measure_is_in_the_dataset_or_says_why_not(ds):
    skipped = json.loads(ds.attrs["skipped"])
    for measure in catalogue():
        if measure.builtin and measure.default and not measure.instead_of:
            assert measure.name in skipped or all(v in ds for v in measure.outputs), measure.name
    assert set(skipped) == NOT_FOR_A_PRIME


def test_attributes_of_the_run(ds, run):
    assert ds.attrs["task"] == "mod_add"
    assert ds.attrs["p"] == 7
    assert ds.attrs["chance_loss"] == pytest.approx(np.log(7))
    assert ds.attrs["n_train"] + ds.attrs["n_test"] == 49
    assert (
        json.loads(ds.attrs["config"])["config"]
        == json.loads((run.path / "config.json").read_text())["config"]
    )


def test_each_step_is_measured_on_its_own_weights(ds, run):
    for step in run.steps:
        snap = run.snapshot(step)
        np.testing.assert_allclose(ds.loss.sel(step=step), snap.loss.array(), rtol=1e-12)
        squares = [float(w.double().square().sum()) for w in snap.weights.values()]
        found = ds.weight_norm_squared.sel(step=step)
        np.testing.assert_allclose(found[:-1], squares, rtol=1e-12)
        np.testing.assert_allclose(found.sel(param="all"), sum(squares), rtol=1e-12)


def test_norms_against_the_beginning_and_the_step_before(ds, run):
    weights = {s: {k: w.double() for k, w in run.weights(s).items()} for s in run.steps}

    def flat(step, name):
        names = weights[step] if name == "all" else [name]
        return torch.cat([weights[step][n].reshape(-1) for n in names])

    for name in ("embed.W_E", "blocks.0.mlp.W_in", "all"):
        for before, step in zip((None, *run.steps), run.steps, strict=False):
            here = ds.sel(param=name, step=step)
            now, start = flat(step, name), flat(0, name)
            ratio = float(now.norm() / start.norm())
            np.testing.assert_allclose(here.weight_norm_ratio, ratio, rtol=1e-10)
            moved = float((now - start).norm())
            np.testing.assert_allclose(here.weight_distance, moved, rtol=1e-5, atol=1e-6)
            if before is None:
                assert np.isnan(here.weight_cosine_previous)
            else:
                old = flat(before, name)
                cosine = float(now @ old / (now.norm() * old.norm()))
                np.testing.assert_allclose(here.weight_cosine_previous, cosine, rtol=1e-10)


def test_recorded_metrics_stand_beside_the_measured(ds):
    assert ds.metric_loss.dims == ("rows", "metric_step")
    assert {0, 5, 30} <= set(ds.metric_step.values.tolist())
    recorded = ds.metric_loss.sel(metric_step=20, rows="train")
    np.testing.assert_allclose(recorded, ds.loss.sel(step=20, rows="train"), rtol=1e-5)


def test_some_steps_and_some_measures(run, ds):
    some = gs.analyze(run, ["gini_embedding", "key_frequency_by_rule"], steps=[20, 0])
    assert some.step.values.tolist() == [0, 20]
    assert "gini_neuron_logit_map" in some
    assert "loss" not in some
    np.testing.assert_array_equal(some.gini_embedding, ds.gini_embedding.sel(step=[0, 20]))
    np.testing.assert_array_equal(some.key_frequency, ds.key_frequency)


def test_cosine_with_the_step_before_is_of_the_run_not_of_the_choice(run, ds):
    some = gs.analyze(run, ["weight_norms"], steps=[30])
    np.testing.assert_allclose(
        some.weight_cosine_previous.isel(step=0), ds.weight_cosine_previous.sel(step=30)
    )


def test_progress_is_told(run):
    seen = []
    gs.analyze(run, ["loss"], on_step=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_unknown_measure_and_step(run):
    with pytest.raises(RequestError, match="did you mean 'restricted_loss'"):
        gs.analyze(run, ["restrictd_loss"])
    with pytest.raises(RequestError, match="8"):
        gs.analyze(run, ["loss"], steps=[8])
    with pytest.raises(RequestError, match="no checkpoint"):
        gs.analyze(run, ["loss"], steps=[])


def test_a_users_own_measure_in_five_lines(run):
    @gs.measure(source="this test", dims=("freq",))
    def largest_wave(snap):
        """The largest coefficient of each frequency."""
        return np.abs(np.fft.rfft(snap.W_E, axis=0))[1:].max(1)

    try:
        found = gs.analyze(run)
        assert found.largest_wave.dims == ("freq", "step")
        assert found.largest_wave.attrs["source"] == "this test"
        assert found.largest_wave.attrs["long_name"] == "The largest coefficient of each frequency"
        assert largest_wave(run.snapshot()).shape == (3,)
        assert [m.name for m in catalogue()][-1] == "largest_wave"
        assert list(gs.analyze(run, ["largest_wave"]).largest_wave.dims) == ["freq", "step"]
    finally:
        forget("largest_wave")
    assert "largest_wave" not in [m.name for m in catalogue()]


def test_a_users_measure_may_be_replaced_but_not_a_built_in_one():
    try:
        for _ in range(2):

            @gs.measure
            def mine(snap):
                return 1.0

        for name in ("excluded_loss", "loss", "restricted_loss_null"):

            def clash(snap):
                return 1.0

            clash.__name__ = name
            with pytest.raises(RequestError, match="built-in"):
                gs.measure(clash)
    finally:
        forget("mine")
    with pytest.raises(RequestError, match="not a measure of your own"):
        forget("loss")


def test_a_users_measure_of_another_shape_than_it_says(run):
    @gs.measure(dims=("freq",))
    def scalar(snap):
        return 1.0

    @gs.measure(dims=("freq",))
    def too_long(snap):
        return np.ones(99)

    try:
        with pytest.raises(RequestError, match=r"gave 'scalar' of shape \(\)"):
            gs.analyze(run, ["scalar"])
        with pytest.raises(RequestError, match="99"):
            gs.analyze(run, ["embedding_spectrum", "too_long"])
    finally:
        forget("scalar")
        forget("too_long")


def test_unknown_split(tmp_path):
    found = gs.analyze(by_hand(tmp_path / "foreign", steps=(0, 5), split_known=False))
    skipped = json.loads(found.attrs["skipped"])
    assert set(skipped) == {
        "excluded_loss",
        "restricted_loss_held_out",
        "restricted_loss_held_out_current",
        *NOT_FOR_A_PRIME,
    }
    known = {reason for name, reason in skipped.items() if name not in NOT_FOR_A_PRIME}
    assert known == {"the split is not known"}
    assert np.isnan(found.loss.sel(rows=["train", "test", "test_twin_free"])).all()
    assert np.isfinite(found.loss.sel(rows="all")).all()
    assert "n_train" not in found.attrs


@pytest.mark.parametrize("p", [8, 15])
def test_a_task_without_a_cyclic_group(tmp_path, p):
    found = gs.analyze(by_hand(tmp_path / "run", task="mod_mul", p=p))
    skipped = json.loads(found.attrs["skipped"])
    assert "no cyclic group" in skipped["restricted_loss"]
    assert "key_frequency" not in found
    for name in ("loss", "weight_norm_squared", "commutativity", "ablation_loss"):
        assert np.isfinite(
            found[name].isel(rows=-1) if "rows" in found[name].dims else found[name]
        ).any()


@pytest.mark.parametrize("task", ["mod_sub", "mod_mul", "mod_div"])
def test_the_other_cyclic_tasks(tmp_path, task):
    found = gs.analyze(by_hand(tmp_path / "run", task=task, p=7))
    assert found.sizes["freq"] == 3
    assert set(PROMISED) <= set(found.data_vars)


def test_a_model_without_neurons(tmp_path):
    found = gs.analyze(by_hand(tmp_path / "run", attn_only=True))
    skipped = json.loads(found.attrs["skipped"])
    assert skipped["neuron_clusters"] == "the model has no neurons"
    assert np.isnan(found.gini_neuron_logit_map).all()
    assert np.isfinite(found.gini_embedding).all()
    assert "neuron" not in found.sizes


def test_one_step_only_and_no_step_zero(tmp_path):
    found = gs.analyze(by_hand(tmp_path / "run", steps=(12,)))
    assert found.step.values.tolist() == [12]
    for name in ("weight_norm_ratio", "weight_distance", "weight_cosine_previous"):
        assert np.isnan(found[name]).all()
    assert set(PROMISED) <= set(found.data_vars)


def test_labels_in_the_dataset_are_those_trained_on(tmp_path):
    shuffled = by_hand(tmp_path / "run", label_shuffle=True)
    found = gs.analyze(shuffled, ["neuron_activation"])
    assert (found.answer.values == shuffled.split.labels).all()
    assert (found.answer.values != (found.a + found.b) % 7).any()


def test_weights_whose_logits_overflow(tmp_path):
    made = by_hand(tmp_path / "run")
    weights = {k: w * 1e30 for k, w in made.weights(0).items()}
    write_tensors(checkpoint_path(made.checkpoints, 0), weights, 0, made.config_hash)
    with pytest.raises(UnsoundError, match="not finite"):
        gs.analyze(made)


@pytest.mark.parametrize("size", [0.0, 1e-20])
def test_a_model_that_decayed_to_nothing(tmp_path, size):
    made = by_hand(tmp_path / "run", steps=(0, 5))
    weights = {k: w * size for k, w in made.weights(0).items()}
    write_tensors(checkpoint_path(made.checkpoints, 5), weights, 5, made.config_hash)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gs.analyze(made)
    assert float(found.loss.sel(step=5, rows="all")) == pytest.approx(np.log(8))


def test_netcdf_and_back(ds, tmp_path):
    path = tmp_path / "analysis.nc"
    write_dataset(ds, path)
    back = read_dataset(path)
    xarray.testing.assert_equal(back, ds)
    for name in ds.data_vars:
        assert back[name].attrs["formula"] == ds[name].attrs["formula"]
        assert back[name].dims == ds[name].dims
    assert back.attrs["config"] == ds.attrs["config"]
    assert [f.name for f in tmp_path.iterdir()] == ["analysis.nc"]


def test_a_damaged_or_missing_file(ds, tmp_path):
    path = tmp_path / "analysis.nc"
    with pytest.raises(RequestError, match="run grokscope analyze first"):
        read_dataset(path)
    write_dataset(ds, path)
    whole = path.read_bytes()
    for damage in (whole[: len(whole) // 2], b"", b"not a file of ours", whole[:100]):
        path.write_bytes(damage)
        with pytest.raises(UnsoundError, match="damaged"):
            read_dataset(path)
