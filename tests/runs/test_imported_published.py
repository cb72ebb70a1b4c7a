"""Published models become runs whose losses, accuracies and measures are their authors' numbers."""

import json
import os
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.cli import main as command
from grokscope.runs.imported import import_foreign
from grokscope.runs.run import open_run

EXTERNAL = Path(os.environ.get("GROKSCOPE_EXTERNAL", Path(__file__).parents[3] / "shared/external"))
pytestmark = pytest.mark.external

GROUPS = {
    "S5_MLP_seed1": "S5",
    "S5_MLP_hidden_dim_32_seed1": "S5",
    "D59_T_seed1": "D59",
    "C113_T_seed1": None,
    "C113_MLP_seed1": None,
}
PIZZA = {  # gradient symmetricity, distance irrelevance, circularity, parameter norm
    "p99zdpze5l": (0.0, 0.9937, 0.1717, 0.9978, 22.854),
    "l8k1hzciux": (1.0, 0.3336, 0.8483, 0.9989, 24.814),
}
FILES = [
    "nanda/low_precision_mod_addition.pth",
    "kaushik/baseline.pt",
    *(f"pizza/model_{name}.pt" for name in PIZZA),
    *(f"rep_theory/{name}" for name in GROUPS),
]


def external(name: str) -> Path:
    if not (EXTERNAL / name).exists():
        pytest.skip(f"{name} is not in {EXTERNAL} (set GROKSCOPE_EXTERNAL)")
    return EXTERNAL / name


@pytest.mark.parametrize("name", list(GROUPS))
def test_losses_and_accuracies_are_those_that_its_authors_recorded(name, tmp_path):
    """Else the model, the order of the elements or the split is another one than theirs."""
    folder = external(f"rep_theory/{name}")
    recorded = json.loads((folder / "summary_metrics.json").read_text())
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    snap = run.snapshot()
    for rows in ("train", "test", "all"):
        assert getattr(snap.loss, rows) == pytest.approx(recorded[f"{rows}_loss"], rel=1e-5), rows
    assert snap.accuracy.test == pytest.approx(recorded["test_acc"], abs=5e-5)
    assert snap.accuracy.train == recorded["train_acc"]
    task = ("group_mul", GROUPS[name]) if GROUPS[name] else ("mod_add", run.config.task.group)
    assert (run.config.task.task, run.config.task.group) == task
    origin = run.info["origin"]
    assert origin["recorded"]["test_loss"] == recorded["test_loss"]
    assert (origin["layout"], origin["assumed"]) == ("rep_theory", [])
    assert not any("another order" in note for note in origin["notes"])


@pytest.mark.parametrize("name", list(GROUPS))
def test_key_representations_are_those_that_its_authors_list(name, tmp_path):
    """Else a reader of their paper finds other representations here: their rule is the default for their models."""
    folder = external(f"rep_theory/{name}")
    run = open_run(import_foreign(folder, tmp_path / "run").path)
    ds = gs.analyze(run, ["loss"])
    if "key_irrep" in ds:
        found = ds["key_irrep"].values.tolist()
    else:
        found = [f"freq_{k}" for k in ds["key_frequency"].values]
    assert sorted(found) == sorted((folder / "key_reps.txt").read_text().split())
    assert ds.attrs["key_rule"] == "similarity"
    assert gs.analyze(run, ["loss"], key_rule="majority").attrs["key_rule"] == "majority"


@pytest.mark.parametrize("name", ["S5_MLP_seed1", "D59_T_seed1", "C113_MLP_seed1"])
def test_the_task_is_told_by_the_weights_alone(name, tmp_path):
    """Else a model without its settings is asked for what its answers tell, or gets another group."""
    file = external(f"rep_theory/{name}/model.pt")
    bare = tmp_path / "bare.pt"
    bare.write_bytes(file.read_bytes())
    run = import_foreign(bare, tmp_path / "run")
    if GROUPS[name]:
        assert (run.config.task.task, run.config.task.group) == ("group_mul", GROUPS[name])
    else:
        assert (run.config.task.task, run.config.task.p) == ("mod_add", 113)
    assert (run.split, run.info["step_known"]) == (None, False)


@pytest.mark.parametrize("name", list(PIZZA))
def test_measures_of_the_clock_and_the_pizza(name, tmp_path):
    """Else a run that was imported has other measures than its authors published for the model."""
    run = import_foreign(external(f"pizza/model_{name}.pt"), tmp_path / "run")
    alpha, symmetricity, irrelevance, circle, norm = PIZZA[name]
    assert (run.config.model.attention_rate, run.config.model.attention_mask) == (alpha, "none")
    names = ["gradient_symmetricity", "distance_irrelevance", "circularity", "weight_norms"]
    found = gs.analyze(run, measures=names)
    assert float(found["gradient_symmetricity"][-1]) == pytest.approx(symmetricity, abs=5e-4)
    assert float(found["distance_irrelevance"][-1]) == pytest.approx(irrelevance, abs=5e-5)
    assert float(found["circularity"][-1]) == pytest.approx(circle, abs=5e-5)
    # Their norm is the root of the sum of squares of all parameters.
    squared = found["weight_norm_squared"].isel(step=-1).sel(param="all")
    assert float(squared) ** 0.5 == pytest.approx(norm, abs=5e-4)
    snap = run.snapshot()
    assert snap.accuracy.all == 1.0
    assert snap.loss.all < 2e-7


def test_circles_of_the_pizza(tmp_path):
    """Else the published fractions are not those of the model: clock 75.41 75.62 75.38 %, pizza 99.18 99.18 99.28 %."""
    run = import_foreign(external("pizza/model_p99zdpze5l.pt"), tmp_path / "run")
    ds = gs.analyze(run, ["circle_forms"])
    for form, wanted in (("clock", [75.62, 75.38, 75.41]), ("pizza", [99.18, 99.28, 99.18])):
        found = 100 * ds[f"circle_{form}_explained"].sel(freq=[3, 15, 17]).values
        assert found.tolist() == pytest.approx(wanted, abs=0.006), form


def test_a_rerun_with_its_history_beside_it(tmp_path):
    """Else the curve, the step and the split that stand beside a model are not read."""
    run = import_foreign(external("kaushik/baseline.pt"), tmp_path / "run")
    assert run.snapshot().step == 10_600
    assert (run.config.split.split_seed, run.config.split.frac_train) == (0, 0.3)
    assert run.info["origin"]["split"] == "said by the file"
    metrics = run.metrics()
    assert (metrics[0]["step"], metrics[-1]["step"]) == (0, 10_600)
    assert metrics[-1]["loss_test"] == pytest.approx(run.snapshot().loss.test, rel=1e-3)
    assert metrics[1]["accuracy_test"] == pytest.approx(0.0548, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_import_and_analyze_on_the_command_line(name, tmp_path, capsys):
    """Else a measure, a figure or the report does not cope with a foreign run."""
    run = tmp_path / "run"
    assert command(["import", str(external(name)), "--out", str(run)]) == 0
    capsys.readouterr()
    assert command(["analyze", str(run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["report"]).stat().st_size > 10_000
    grokked = {t["name"]: t for t in said["transitions"]}
    if "hidden_dim_32" in name:
        assert grokked["circuit_formed"]["censored"]
