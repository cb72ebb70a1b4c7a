"""The dataset of a sweep against metrics.jsonl read by hand, for made-up runs whose events are known."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from tiny_sweep import TINY, only

import grokscope as gs
from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.metrics import write_metrics
from grokscope.sweeps import dataset as dataset_module
from grokscope.sweeps import load_sweep_dataset, open_sweep, sweep
from grokscope.sweeps.dataset import EVENTS, build_dataset
from grokscope.transitions.events import transitions

ROWS = ("train", "test", "test_twin_free")


def lines_of(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def write_lines(path, lines):
    write_metrics(
        path / "metrics.jsonl", [{k: v for k, v in line.items() if k != "sum"} for line in lines]
    )


def test_every_number_is_that_of_metrics_jsonl(trained_sweep):
    """Else a figure shows another run, another seed, or a step at which nothing was evaluated."""
    found = open_sweep(trained_sweep)
    ds = found.dataset()
    assert dict(ds.sizes) == {"rows": 3, "run": 4, "seed": 2, "step": 6, "event": 7}
    assert ds["step"].values.tolist() == [0, 1, 3, 4, 6, 8], "the runs that diverged did so at 1"
    assert ds["seed"].values.tolist() == [0, 3]
    assert ds["rows"].values.tolist() == list(ROWS)
    assert ds["event"].values.tolist() == list(EVENTS)
    for run in found.runs:
        lines = lines_of(found.path / run.folder)
        cell = ds.sel(run=run.label, seed=run.seed)
        by_step = {line["step"]: line for line in lines}
        for kind in ("loss", "accuracy"):
            for name in ROWS:
                by_hand = [by_step.get(s, {}).get(f"{kind}_{name}") for s in ds["step"].values]
                by_hand = [np.nan if v is None else v for v in by_hand]
                np.testing.assert_array_equal(cell[kind].sel(rows=name), by_hand)
        for name in ROWS:
            known = [line[f"accuracy_{name}"] for line in lines if f"accuracy_{name}" in line]
            assert cell["best_accuracy"].sel(rows=name) == max(known)
            assert cell["final_accuracy"].sel(rows=name) == known[-1]
        assert cell["last_step"] == lines[-1]["step"]
        assert cell["status"] == run.status == ("diverged" if "fast" in run.label else "done")
        assert cell["folder"] == run.folder
        assert cell["n_train"] == found.run(run.label, run.seed).split.train.sum()
        located = transitions(
            gs.analyze(found.run(run.label, run.seed), measures=["gini"], cache=False)
        )
        for event in EVENTS:
            low, high = (cell[f"event_{end}"].sel(event=event).item() for end in ("low", "high"))
            wanted = located[event]
            assert (None if np.isnan(high) else high) == wanted.high
            assert (None if np.isnan(low) else low) == wanted.low


def test_coordinates_and_attributes(trained_sweep):
    """Else what varies has to be read from labels, and no variable says what it is."""
    ds = open_sweep(trained_sweep).dataset()
    assert ds["run"].values.tolist() == [
        "AdamW, to zero, frac_train 0.6",
        "AdamW, to zero, frac_train 0.8",
        "too fast, frac_train 0.6",
        "too fast, frac_train 0.8",
    ]
    assert ds["case"].values.tolist() == ["AdamW, to zero"] * 2 + ["too fast"] * 2
    assert ds["frac_train"].values.tolist() == [0.6, 0.8] * 2
    assert ds["lr"].values.tolist() == [0.02, 0.02, 1e30, 1e30]
    assert {ds[c].dims for c in ("case", "frac_train", "lr")} == {("run",)}
    assert ds["lr"].attrs["long_name"] == "Learning rate."
    for name, variable in ds.variables.items():
        assert {"long_name", "units", "formula", "source"} <= set(variable.attrs), name
        assert all(isinstance(v, str) and v for v in variable.attrs.values()), name
    assert ds.attrs["name"] == "tiny"
    assert ds.attrs["kind"] == "sweep"
    assert json.loads(ds.attrs["specification"]) == TINY
    definitions = json.loads(ds.attrs["event_definitions"])
    assert tuple(definitions) == EVENTS
    assert all(
        "n twin-free test rows" in text for n, text in definitions.items() if n == "off_chance"
    )
    assert (ds.attrs["task"], ds.attrs["task_formula"]) == ("mod_add", "a + b mod p")
    assert ds.attrs["n_classes"] == 5


def test_values_that_are_no_numbers_become_words(tmp_path):
    """Else a field that is sometimes a word, or a list, cannot be kept in a file."""
    spec = only(steps=2, checkpoint_every=0, p=7)
    spec["grid"] = {
        "batch_size": [0, "power2022"],
        "attn_only": [False, True],
        "checkpoint_steps": [[1, 2]],
    }
    ds = sweep(spec, tmp_path / "sweep", workers=0).dataset()
    assert ds["batch_size"].values.tolist() == ["0", "0", "power2022", "power2022"]
    assert ds["attn_only"].values.tolist() == ["false", "true"] * 2
    assert ds["checkpoint_steps"].values.tolist() == ["1 2"] * 4
    assert "case" not in ds.coords
    assert "batch_size 0, attn_only true, checkpoint_steps 1 2" in ds["run"].values


def test_the_file_holds_what_is_built(trained_sweep):
    """Else what other programs read from sweep.nc is not what Python gives."""
    found = open_sweep(trained_sweep)
    with xr.open_dataset(found.dataset_path, engine="h5netcdf") as on_disk:
        xr.testing.assert_identical(on_disk.load(), build_dataset(found))
    xr.testing.assert_identical(load_sweep_dataset(trained_sweep), build_dataset(found))
    assert gs.load_sweep_dataset is load_sweep_dataset
    assert gs.open_sweep is open_sweep


def test_the_kept_dataset_is_used_until_a_run_changes(sweep_copy, monkeypatch):
    """Else every figure reads all metrics again, or shows the sweep as it was an hour ago."""
    built = []

    def build(found):
        built.append(found)
        return build_dataset(found)

    monkeypatch.setattr(dataset_module, "build_dataset", build)
    sweep_copy.dataset()
    assert not built
    path = sweep_copy.path / sweep_copy.runs[0].folder
    write_lines(path, [*lines_of(path), lines_of(path)[-1] | {"step": 11, "accuracy_test": 1.0}])
    ds = sweep_copy.dataset()
    assert len(built) == 1
    assert ds["step"].values[-1] == 11
    assert ds["best_accuracy"].sel(rows="test").isel(run=0, seed=0) == 1.0


def test_a_dataset_without_its_runs(sweep_copy):
    """Else a published sweep needs all its checkpoints to draw one figure."""
    ds = sweep_copy.dataset()
    shutil.rmtree(sweep_copy.path / "runs")
    xr.testing.assert_identical(sweep_copy.dataset(), ds)
    sweep_copy.dataset_path.write_bytes(sweep_copy.dataset_path.read_bytes()[:2000])
    with pytest.raises(UnsoundError, match=r"sweep.nc is damaged.*restore it"):
        sweep_copy.dataset()


def test_a_damaged_dataset_is_built_again(sweep_copy):
    """Else a crash while copying makes a sweep unreadable whose runs are all there."""
    ds = sweep_copy.dataset()
    sweep_copy.dataset_path.write_bytes(b"no HDF5")
    xr.testing.assert_identical(sweep_copy.dataset(), ds)


def test_an_unfinished_sweep(sweep_copy):
    """Else a sweep in training cannot be looked at, or what is not there yet looks like zero."""
    runs = sweep_copy.runs
    shutil.rmtree(sweep_copy.path / runs[0].folder)
    cut = sweep_copy.path / runs[1].folder
    whole = lines_of(cut)
    (cut / "metrics.jsonl").write_text(json.dumps(whole[0]) + "\n" + json.dumps(whole[1])[:-9])
    damaged = sweep_copy.path / runs[4].folder
    (damaged / "metrics.jsonl").write_text("no JSON\n{}\n")
    ds = open_sweep(sweep_copy.path).dataset()
    status = ds["status"].values
    assert status[:, 0].tolist() == ["not started", "interrupted", "diverged", "diverged"]
    assert status[0, 1] == "failed"
    for label, seed in ((0, 0), (0, 1)):
        cell = ds.isel(run=label, seed=seed)
        for name in ("loss", "accuracy", "best_accuracy", "final_accuracy", "event_low", "event_high"):  # fmt: skip
            assert np.isnan(cell[name]).all()
        assert np.isnan(cell["last_step"])
        assert cell["n_train"] == int(0.6 * 25), "it is known before the run starts"
    cell = ds.isel(run=1, seed=0)
    assert (cell["last_step"], cell["accuracy"].notnull().sum()) == (0, 3)
    assert cell["best_accuracy"].sel(rows="train") == whole[0]["accuracy_train"]
    assert ds.attrs["task"] == "mod_add"


def test_nothing_has_started(sweep_copy):
    """Else a sweep that was interrupted at once cannot be opened."""
    for run in sweep_copy.runs:
        shutil.rmtree(sweep_copy.path / run.folder)
    ds = sweep_copy.dataset()
    assert ds.sizes["step"] == 0
    assert set(ds["status"].values.flat) == {"not started"}
    assert "task" not in ds.attrs


def accuracies(steps, train, test):
    return [
        {
            "step": int(s), "loss_train": 1.0, "loss_test": 2.0, "accuracy_train": float(s >= train),
            "accuracy_test": float(s >= test), "accuracy_test_twin_free": float(s >= test),
        }
        for s in steps
    ]  # fmt: skip


def test_events_of_made_up_runs(sweep_copy):
    """Else the interval of an event is one evaluation off, or a run that never groks is given its last step."""
    steps = np.arange(0, 200, 10)
    runs = [run for run in sweep_copy.runs if run.seed == 0]
    paths = [sweep_copy.path / run.folder for run in runs]
    (paths[2] / "checkpoints/step-00000190.safetensors").write_bytes(b"")
    write_lines(paths[0], accuracies(steps, 30, 120))
    write_lines(paths[1], accuracies(steps[:12], 0, 10**9))
    write_lines(paths[2], accuracies(steps, 10**9, 10**9))
    write_lines(
        paths[3], [*accuracies(steps[:4], 20, 999), {"step": 40, "loss_train": None, "diverged": True}]
    )  # fmt: skip
    ds = sweep_copy.dataset().sel(seed=0)
    wanted = {
        "memorised": [(20, 30), (np.nan, 0), (190, np.nan), (30, np.nan)],
        "grokked_99": [(110, 120), (110, np.nan), (190, np.nan), (30, np.nan)],
        "diverged": [(190, np.nan), (110, np.nan), (190, np.nan), (30, 40)],
    }
    for event, intervals in wanted.items():
        cell = ds.sel(event=event)
        got = list(zip(cell["event_low"].values, cell["event_high"].values, strict=True))
        np.testing.assert_array_equal(got, intervals, err_msg=event)
    assert ds["status"].values.tolist() == ["interrupted", "interrupted", "done", "diverged"]
    assert np.isnan(ds["loss"].sel(step=40, rows="train").values).tolist() == [
        False,
        False,
        False,
        True,
    ]
    assert ds["final_accuracy"].sel(rows="train").values.tolist() == [1, 1, 0, 1]
    assert ds["best_accuracy"].sel(rows="test").values.tolist() == [1, 0, 0, 0]


def test_runs_without_test_rows(tmp_path):
    """Else a sweep up to all rows, as of a training fraction, ends in an empty maximum."""
    found = sweep(only(frac_train=1.0, steps=3), tmp_path / "sweep", workers=0)
    ds = found.dataset()
    assert np.isnan(ds["best_accuracy"].sel(rows=["test", "test_twin_free"])).all()
    assert ds["best_accuracy"].sel(rows="train") >= 0
    assert ds["n_train"] == 25


def test_too_many_numbers_are_refused(sweep_copy, monkeypatch):
    """Else a sweep of a million evaluations fills the memory."""
    monkeypatch.setattr(dataset_module, "MAX_VALUES", 3 * 2 * 4 * 2 * 6 - 1)
    with pytest.raises(RequestError, match="are 288 numbers; accepted: at most 287"):
        build_dataset(sweep_copy)


def test_only_what_all_runs_agree_in_is_an_attribute(tmp_path):
    """Else a sweep over tasks says that all its runs are of the first."""
    spec = only(steps=1) | {"grid": {"task": ["mod_add", "mod_sub"]}}
    ds = sweep(spec, tmp_path / "sweep", workers=0).dataset()
    assert "task" not in ds.attrs
    assert "task_formula" not in ds.attrs
    assert ds.attrs["p"] == 5
    assert ds["task"].values.tolist() == ["mod_add", "mod_sub"]
