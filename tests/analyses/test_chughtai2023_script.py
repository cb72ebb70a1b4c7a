"""The script on finite groups: its losses at the neurons against explicit matrices, its rank, its tables."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_study import cells, tiny_study

from grokscope.config import ModelConfig, SplitConfig
from grokscope.models.shapes import weight_shapes
from grokscope.runs.context import Context
from grokscope.runs.products import product_form_of
from grokscope.runs.snapshot import Snapshot
from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification
from grokscope.tasks import make_split, make_task

ANALYSES = Path(__file__).parents[2] / "analyses"
SWEEPS = ANALYSES / "sweeps" / "chughtai2023"


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))


def random_mlp(group, key, n):
    """Return a snapshot of a random MLP on a group, with the places of what is taken for key."""
    task = make_task("group_mul", group=group, layout="a b")
    config = ModelConfig(
        architecture="mlp", d_model=5, d_mlp=7, n_ctx=2, d_vocab=n, d_vocab_out=n,
        output_vocabulary="answers",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(*shape, generator=generator, dtype=torch.float64)
        for name, shape in weight_shapes(config).items()
    }
    split = make_split(task, SplitConfig(frac_train=0.5))
    context = Context(task, split, config, lambda: key)
    return Snapshot(task, split, config, weights, given_context=context)


def by_matrices(snap, names):
    """Return (restricted, excluded) with an orthonormal basis, by SVD, of all entries of rho(x . y) over all rows."""
    form = product_form_of(snap)
    entries = np.concatenate(
        [form.irreps[name].matrices[form.row_sum].reshape(len(form.row_sum), -1) for name in names], axis=1
    )  # fmt: skip
    u, sigma, _ = np.linalg.svd(entries, full_matrices=False)
    basis = u[:, sigma > 1e-9 * sigma[0]]
    hidden = snap.neurons.numpy()
    kept = basis @ (basis.T @ hidden)
    answers, to_class = snap.task.answers, snap.weights["unembed.W_U"].numpy()

    def loss(neurons, rows):
        logits = (neurons @ to_class)[rows]
        return np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(rows)), answers[rows]])  # fmt: skip

    return loss(kept, np.arange(len(answers))), loss(hidden - kept, snap.rows("train"))


@pytest.mark.parametrize(
    ("group", "key", "names"),
    [("D4", (1, 4), None), ("A4", (2,), None), ("C7", (1, 3), ("freq_1", "freq_3"))],
)
def test_losses_at_the_neurons(group, key, names):
    """Else restricted and excluded loss are of other functions, rows or neurons than the definition says.

    A4 has a representation of complex type, C7 two: there the entries are linearly dependent.
    """
    from chughtai2023_parts.neuron_losses import neuron_losses

    snap = random_mlp(group, key, {"D4": 8, "A4": 12, "C7": 7}[group])
    if names is None:
        names = [product_form_of(snap).irreps.names[i] for i in key]
    found = neuron_losses(snap)
    restricted, excluded = by_matrices(snap, names)
    assert found["restricted"] == pytest.approx(restricted, rel=1e-10)
    assert found["excluded"] == pytest.approx(excluded, rel=1e-10)


def test_only_the_rank_makes_the_difference():
    """Else the check of the rank compares things that differ in more: with two of the four columns it is the same."""
    from chughtai2023_parts.neuron_losses import deficient_losses, neuron_losses

    snap = random_mlp("C7", (1, 3), 7)
    right = neuron_losses(snap)
    independent = deficient_losses(snap, (0, 2), torch.float64)
    for name, value in right.items():
        assert independent[name] == pytest.approx(value, rel=1e-5)
    orders = ((0, 1, 2, 3), (2, 0, 3, 1))
    wrong = [deficient_losses(snap, order, torch.float32)["restricted"] for order in orders]
    assert all(abs(w / right["restricted"] - 1) > 1e-3 for w in wrong)
    assert wrong[0] != pytest.approx(wrong[1], rel=1e-6)


def test_nothing_key_gives_no_loss():
    """Else a network without key representations gets a number, or a traceback."""
    from chughtai2023_parts.neuron_losses import neuron_losses

    assert all(np.isnan(v) for v in neuron_losses(random_mlp("D4", (), 8)).values())


def test_the_table_has_each_number_in_its_place():
    """Else published and measured numbers are of other groups, or runs that did not grok enter the means."""
    from chughtai2023_parts.table import Model, main_table

    values = dict(unembedding=94.0, neurons=88.0, test=1e-5, excluded=11.0, restricted=2e-7)
    one = Model("S5", "mlp", True, values, ["sign"])
    two = dataclasses.replace(one, values=values | {"test": 3e-5})
    failed = dataclasses.replace(one, grokked=False, values=values | {"test": 9.0})
    table = main_table([], [one, two, failed, dataclasses.replace(one, group="C59")])
    rows = {(row[0], row[2]): row for row in table.rows}
    assert rows["S5", "W_U explained, %"][3:] == ("94.14", "-", "-", "94 [94, 94] (2)")
    assert rows["S5", "test loss"][6] == "2e-05 [1e-05, 3e-05] (2)"
    assert rows["C59", "restricted loss"][3] == "0.00688(*) (C113)"
    assert "1 of 4 runs did not grok" in table.note
    assert "(†)" not in rows["S5", "test loss"][3]


def test_what_the_authors_recorded_is_read(tmp_path):
    """Else a recorded share stands beside percents, or a model without a record ends in a traceback."""
    from chughtai2023_parts.table import recorded

    assert recorded(tmp_path) == {}
    (tmp_path / "summary_metrics.json").write_text(
        '{"percent_unembed_explained": 0.5, "test_loss": 2.0}'
    )
    assert recorded(tmp_path) == {"unembedding": 50.0, "test": 2.0}


@pytest.mark.parametrize("scale", ["small", "paper"])
def test_sweeps_can_be_planned(scale):
    """Else training ends in an error before it begins."""
    plan = make_plan(read_specification(SWEEPS / scale / "mlp.toml"))
    assert {run.seed for run in plan.runs} == ({0, 1, 2, 3} if scale == "small" else {1, 2, 3, 4})


def test_without_models_and_runs_it_says_so(tmp_path, monkeypatch, capsys):
    """Else what is missing ends in a traceback, or partial results look like whole ones."""
    import chughtai2023

    monkeypatch.setenv("GROKSCOPE_EXTERNAL", str(tmp_path / "nowhere"))
    assert chughtai2023.main(chughtai2023.Arguments(out=tmp_path, train=False)) == 0
    page = (tmp_path / "chughtai2023-small" / "published-vs-measured.md").read_text()
    assert page.count("Not compared:") == 4
    assert "Partial: nothing was trained here yet." in page
    assert "nowhere" in capsys.readouterr().out


def test_dry_run_trains_nothing(tmp_path, capsys):
    """Else it is not seen beforehand what was scaled."""
    import chughtai2023

    assert chughtai2023.main(chughtai2023.Arguments(out=tmp_path, dry_run=True)) == 0
    assert "scaled" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_from_training_to_the_page(tmp_path, monkeypatch, capsys):
    """Else the parts do not fit: tables are written, runs that never grok are counted, a second call trains none."""
    import chughtai2023

    monkeypatch.setenv("GROKSCOPE_EXTERNAL", str(tmp_path / "nowhere"))
    monkeypatch.setattr(chughtai2023, "MLP", tiny_study(tmp_path, "tiny"))
    options = chughtai2023.Arguments(out=tmp_path / "out", workers=0)
    assert chughtai2023.main(options) == 0
    folder = tmp_path / "out" / "chughtai2023-small"
    assert len(cells(folder, "key-representations")) == 2
    assert [row[0] for row in cells(folder, "verdicts")] == ["S3"]
    assert cells(folder, "settings-tiny")
    assert (folder / "figures" / "learned-S3.html").is_file()
    assert "of 2 runs did not grok" in (folder / "published-vs-measured.md").read_text()
    kept = sorted(p.stat().st_mtime_ns for p in (tmp_path / "out" / "tiny-small").rglob("*.nc"))
    assert chughtai2023.main(dataclasses.replace(options, train=False)) == 0
    again = sorted(p.stat().st_mtime_ns for p in (tmp_path / "out" / "tiny-small").rglob("*.nc"))
    assert kept == again
    capsys.readouterr()


@pytest.mark.external
@pytest.mark.parametrize("name", ["S5_MLP_seed1", "D59_T_seed1"])
def test_published_models(name, tmp_path):
    """Else the losses at the neurons are not those that the authors recorded for their own models, to five digits."""
    from chughtai2023_parts.neuron_losses import KEY_RULE, neuron_losses
    from chughtai2023_parts.table import recorded
    from published.external import external_folder, external_run

    path = f"rep_theory/{name}"
    if not (external_folder() / path).exists():
        pytest.skip(f"{external_folder() / path} is not there (set GROKSCOPE_EXTERNAL)")
    run = external_run(name, path, tmp_path).run
    assert run is not None
    found = neuron_losses(run.snapshot(context=run.new_context(KEY_RULE)))
    theirs = recorded(external_folder() / path)
    for quantity, value in found.items():
        assert value == pytest.approx(theirs[quantity], rel=1e-5), quantity
