"""Runs over groups, from the run directory to events: a planted run whose events are known, and a trained one."""

import contextlib
import io
import json

import numpy as np
import pytest
import xarray as xr
from planted_group import PlantedGroup, like, write_group_series

import grokscope as gs
from grokscope.analysis import read_dataset, write_dataset
from grokscope.cli import main
from grokscope.errors import RequestError
from grokscope.figures import FIGURES
from grokscope.measures import catalogue
from grokscope.runs.key import GROUP_RULES
from grokscope.tasks import make_group
from grokscope.tasks.group_irreps import group_irreps
from grokscope.transitions import learning_order

STEPS = np.arange(0, 2001, 100)
CIRCUIT = ("circuit_onset", "circuit_10", "circuit_half", "circuit_formed")
MEASURES = ["loss", "accuracy", "restricted_loss_held_out", "restricted_loss_held_out_current", "excluded_loss",
            "logit_trig_share", "key_irrep_current", "weight_norms"]  # fmt: skip


def sizes(step):
    """Return the planted amplitudes: the sign from step 500 on, the standard representation from step 1000 on."""
    sign = 0.0 if step < 500 else min(1.0, 0.2 + (step - 500) / 600)
    standard = 0.0 if step < 1000 else min(2.2, 0.3 + (step - 1000) / 400)
    return {"sign": sign, "standard": standard}


def memory(step):
    """Return the planted memory: all at once at step 300, fading from step 1400 on."""
    return 0.0 if step < 300 else 14.0 if step < 1400 else 14.0 - (step - 1400) / 50


def series(grows, room=("sign", "standard")):
    base = PlantedGroup("S4", {}, room=room, beta=0.05)
    return {
        int(step): like(base, memory=memory(step), amplitude=sizes(step) if grows else {})
        for step in STEPS
    }


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """Return (planted models, dataset) of a run of S4 that learns the sign, then the standard representation."""
    models = series(grows=True)
    path = tmp_path_factory.mktemp("grown") / "run"
    return models, gs.analyze(write_group_series(path, models), MEASURES)


def held(steps, holds):
    """Return the first of three in a row."""
    runs = [i for i in range(len(steps) - 2) if holds[i : i + 3].all()]
    return int(steps[runs[0]])


def test_circuit_events_of_a_planted_run(grown):
    """Else onset and formation on a group are not where the written-down logits put them."""
    models, ds = grown
    assert ds.key_irrep.values.tolist() == ["sign", "standard"]
    table, irreps = make_group("S4").table, group_irreps("S4")
    losses, errors = [], []
    for model in models.values():
        rows = model.make_split().rows("test_twin_free")
        logits = model.logits()[rows]
        # Test rows hold no memory: their logits are characters and a bias, which the projection keeps whole.
        ce = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(rows)), table.reshape(-1)[rows]]
        losses.append(ce.mean())
        errors.append(ce.std() / np.sqrt(len(rows)))
    np.testing.assert_allclose(ds.restricted_loss_held_out, losses, rtol=1e-8)
    losses, errors = np.array(losses), np.array(errors)
    below = (losses < np.log(24) - 5 * errors) & (
        losses < ds.restricted_loss_null.min("draw").values
    )
    found = gs.transitions(ds)
    onset = found["circuit_onset"]
    assert (onset.low, onset.high) == (held(STEPS, below) - 100, held(STEPS, below))
    assert "relabellings of the group's elements" in onset.definition
    assert "frequenc" not in onset.definition
    assert (found["memorised"].low, found["memorised"].high) == (200, 300)
    logs = np.log(losses[3:])
    progress = (logs[0] - logs) / (logs[0] - logs[-1])
    for name, share in zip(CIRCUIT[1:], (0.1, 0.5, 0.9), strict=True):
        at = held(STEPS[3:], progress >= share)
        assert (found[name].low, found[name].high) == (at - 100, at), name
    assert not found["grokked_99"].censored
    assert found["circuit_onset"].high < found["grokked_99"].high
    assert irreps.names[0] == "trivial"


@pytest.mark.parametrize("room", [("sign", "standard"), ()])
def test_memory_alone_has_no_circuit(tmp_path, room):
    """Else a run that only memorises a group has a circuit, if only because its neurons and embedding are of one."""
    models = dict(list(series(grows=False, room=room).items())[::2])
    models[2000] = like(models[2000], memory=14.0)
    ds = gs.analyze(write_group_series(tmp_path / "run", models), MEASURES)
    assert ds.key_irrep.values.tolist() == (["standard"] if room else [])
    found = gs.transitions(ds)
    assert not found["memorised"].censored
    for name in (*CIRCUIT, *(f"{name}_current" for name in CIRCUIT), "grokked_50"):
        assert found[name].censored, name
        assert found[name].low == 2000
    if not room:
        assert found["circuit_onset"].note == "there are no key representations"
        assert len(learning_order(ds)) == 0


def test_learning_order_by_share(grown):
    """Else the order in which representations were learned is another one than they were planted in."""
    models, ds = grown
    group, irreps, shares = make_group("S4"), group_irreps("S4"), []
    for model in models.values():
        rows = model.make_split().rows("test_twin_free")
        logits = model.logits()[rows]
        centred = logits - logits.mean(1, keepdims=True)
        quotient = group.table[group.table.reshape(-1)[rows][:, None], group.inverse]
        waves = [irreps[name].character[quotient] for name in ("sign", "standard")]
        cosines = [(centred * wave).sum() / np.linalg.norm(wave) for wave in waves]
        shares.append(np.square(np.maximum(cosines, 0.0)) / np.square(centred).sum())
    shares = np.array(shares)
    found = learning_order(ds)
    measured = ds.logit_similarity_held_out.sel(irrep=["sign", "standard"]).values.T
    np.testing.assert_allclose(np.square(np.maximum(measured, 0)), shares, rtol=1e-8, atol=1e-12)
    assert found.names == ("learned_sign", "learned_standard")
    for event, share in zip(found, shares.T, strict=True):
        at = held(STEPS, share >= 0.5 * share[-1])
        assert (event.low, event.high) == (at - 100, at), event.name
        assert event.rows == "test_twin_free"


def test_learning_order_by_excluded_loss_and_by_similarity(grown):
    """Else the sign without test labels is not the rule of online_onset, or the published one is taken to be sound."""
    _, ds = grown
    for event in learning_order(ds, by="excluded_loss"):
        values = ds.excluded_loss_each.sel(irrep=event.name.removeprefix("learned_")).values[3:]
        lowest = np.maximum(np.minimum.accumulate(values), 1e-7)
        at = held(STEPS[3:], values >= 1.5 * lowest)
        assert event.high == at
        assert event.rows == "train"
    by_similarity = learning_order(ds, by="similarity")
    # Memorised answers reach it: at step 300, where neither is planted yet.
    assert [event.high for event in by_similarity] == [300, 300]
    assert "not resolved" in by_similarity[1].note
    with pytest.raises(RequestError, match="share"):
        learning_order(ds, by="shares")
    with pytest.raises(RequestError, match="what is key"):
        learning_order(xr.Dataset())


def test_learning_order_of_frequencies():
    """Else cyclic runs have no such order: by numbers, from the trig share."""
    ds = xr.Dataset(
        {
            "key_frequency": ("key", [3, 5]),
            "logit_trig_share": (("freq", "step"), [[0.0, 0.0, 0.1, 0.4, 0.4, 0.4], [0.0, 0.3, 0.5, 0.5, 0.5, 0.5]]),
        },
        coords={"freq": [3, 5], "step": [0, 10, 20, 30, 40, 50]},
    )  # fmt: skip
    found = learning_order(ds)
    assert [(t.name, t.low, t.high) for t in found] == [
        ("learned_freq_5", 0, 10),
        ("learned_freq_3", 20, 30),
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a run of S3 that was trained for some steps, analysed by the command line, and what that printed."""
    path = tmp_path_factory.mktemp("trained") / "run"
    run = gs.train("group_mul", group="S3", frac_train=0.7, d_model=16, d_head=8, n_heads=2, d_mlp=24, steps=40,
                   checkpoint_every=10, eval_every=10, out=path)  # fmt: skip
    said = []
    for options in (["--json"], []):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main(["analyze", str(path), "--quiet", *options]) == 0
        said.append(printed.getvalue())
    return run, said, read_dataset(path / "analysis.nc")


def test_what_the_command_line_says(trained):
    """Else a program, or a reader, finds numbers of representations, or nothing, where names were promised."""
    run, (as_json, as_text), ds = trained
    key = json.loads(as_json)["key"]
    assert key == ds.key_irrep.values.tolist()
    assert set(key) <= {"sign", "standard"}
    assert f"key representations: {', '.join(key) or 'none'} (rule: majority" in as_text
    learned = learning_order(ds)
    seen = any(not event.censored for event in learned)
    assert ("learned in the order" in as_text) == seen
    for event in learned if seen else ():
        assert f"{event.name.removeprefix('learned_')} {event.when}" in " ".join(as_text.split())
    assert (run.path / "report.html").is_file()
    assert ds.attrs["n_irrep"] == 3
    assert ds.attrs["key_rule"] == "majority"


def test_the_dataset_of_a_group(trained, tmp_path):
    """Else promised names or dimensions of a group's run are missing, or do not survive the file."""
    _, _, ds = trained
    promised = {
        "restricted_loss": ("rows", "step"),
        "restricted_loss_held_out": ("step",),
        "restricted_loss_null": ("step", "draw"),
        "excluded_loss": ("step",),
        "excluded_loss_each": ("irrep", "step"),
        "restricted_loss_each": ("irrep", "step"),
        "key_irrep": ("key",),
        "key_irrep_by_rule": ("rule", "irrep"),
        "embedding_spectrum": ("irrep", "step"),
        "logit_trig_share": ("irrep", "step"),
        "logit_similarity": ("irrep", "step"),
        "neuron_irrep": ("neuron", "step"),
        "neuron_fraction_explained": ("neuron", "step"),
        "coset_concentration_first": ("neuron", "step"),
        "neuron_share_key": ("step",),
    }
    for name, dims in promised.items():
        assert ds[name].dims == dims, name
        for attribute in ("long_name", "units", "source", "formula"):
            assert ds[name].attrs.get(attribute), (name, attribute)
    assert ds.irrep.values.tolist() == ["trivial", "sign", "standard"]
    assert ds.rule.values.tolist() == list(GROUP_RULES)
    assert ds.key_irrep.attrs["rule"] == "majority"
    assert "key_frequency" not in ds
    skipped = json.loads(ds.attrs["skipped"])
    assert skipped
    stands_in = {m.instead_of for m in catalogue()} - {""}
    assert not stands_in & set(skipped)
    write_dataset(ds, tmp_path / "again.nc")
    xr.testing.assert_equal(read_dataset(tmp_path / "again.nc"), ds)


def test_a_run_without_key_representations_survives_the_file(trained, tmp_path):
    """Else an empty list of names cannot be written, and such a run not analysed."""
    run, _, _ = trained
    ds = gs.analyze(run, ["loss"], steps=[0], key_rule="neuron")
    ds = ds.isel(key=slice(0, 0))
    write_dataset(ds, tmp_path / "none.nc")
    assert read_dataset(tmp_path / "none.nc").key_irrep.size == 0


@pytest.mark.parametrize("name", ["embedding_spectrum", "final_spectrum", "logit_shares", "neuron_clusters",
                                  "restricted_excluded", "progress"])  # fmt: skip
def test_figures_of_a_group(trained, name):
    """Else a group's report fails on a figure of frequencies, or its axis has numbers for names."""
    _, _, ds = trained
    fig = FIGURES[name](ds, gs.transitions(ds))
    if name in ("embedding_spectrum", "final_spectrum"):
        words = json.dumps(fig.to_plotly_json(), default=str)
        assert "standard" in words
        assert "frequency" not in words
