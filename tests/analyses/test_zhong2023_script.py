"""The script on clocks and pizzas: who enters which mean, the tables, the figures, from training to the page."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_study import cells, tiny_study

from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification

ANALYSES = Path(__file__).parents[2] / "analyses"
SWEEPS = ANALYSES / "sweeps" / "zhong2023"
TINY = """
task = "mod_add"
preset = "zhong2023_clock"
seeds = [0]

[set]
p = 11
d_model = 16
d_head = 4
d_mlp = 16
steps = 40
eval_every = 20
checkpoint_every = 20
checkpoint_log = 0

[grid]
attention_rate = [0.0, 1.0]
"""


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))


def network(rate, circularity=0.999, accuracy=1.0, symmetricity=0.9, irrelevance=0.3, seed=0):
    from zhong2023_parts.networks import Network

    values = {
        "gradient_symmetricity": symmetricity,
        "distance_irrelevance": irrelevance,
        "circularity": circularity,
        "norm": 20.0,
    }
    return Network(
        f"rate {rate}", seed, rate, accuracy, values, {3: (75.0, 99.0)}, {3: (81.0, 99.5)}
    )


def test_who_enters_the_published_means():
    """Else a run that is not circular, did not grok, or lies on the other side of .8 moves a mean."""
    from zhong2023_parts.tables import band_table

    found = band_table(
        [
            network(0.0, symmetricity=1.0),
            network(0.2, symmetricity=0.8, seed=1),
            network(0.1, circularity=0.9, symmetricity=0.1),
            network(0.1, accuracy=0.5, symmetricity=0.0),
            network(0.8, irrelevance=0.1),
            network(0.9, irrelevance=0.7),
        ]
    ).rows
    rows = {(row[0], row[1], row[2]): row[3:] for row in found}
    circular, every = "circularity > 0.995", "all that grokked"
    assert rows["rate ≤ 0.2", circular, "gradient symmetricity"] == ("0.993", "0.9 [0.8, 1] (2)")
    assert rows["rate ≤ 0.2", every, "gradient symmetricity"] == ("-", "0.633 [0.1, 1] (3)")
    assert rows["rate > 0.8", circular, "distance irrelevance"] == ("0.797", "0.7 (1)")


def test_phases_and_linear_models():
    """Else runs are counted at another rate, or a quantity that is not defined is shown as a number."""
    from zhong2023_parts.tables import linear_table, phase_table

    rows = phase_table([network(0.5), network(0.5, accuracy=0.2), network(0.0, 0.9)]).rows
    assert [row[:3] for row in rows] == [("0", "1 of 1", "0"), ("0.5", "1 of 2", "1")]
    (row,) = linear_table([network(1.0, symmetricity=float("nan"))]).rows
    assert row[2] == "-"
    assert row[5:] == ("81 (1)", "99.5 (1)", "-")


def test_a_shifted_pizza_is_found():
    """Else a pizza whose dead distance lies elsewhere has no form, or a clock passes for one."""
    import numpy as np

    from grokscope.harmonics.circle_forms import circle_form, form_shares
    from zhong2023_parts.shifted import best_shift, shifted_pizza

    n, k, delta = 13, 4, np.pi * 50 / 180
    planted = shifted_pizza(n, k, delta) * 3.0 + np.arange(n) + 7.0
    share, at = best_shift(planted, k)
    assert share == pytest.approx(1.0)
    assert at == pytest.approx(delta)
    assert form_shares(planted, k, "pizza").share < 0.8
    np.testing.assert_allclose(shifted_pizza(n, k, 0.0), circle_form(n, k, "pizza"), atol=1e-12)
    assert best_shift(circle_form(n, k, "clock"), k)[0] < 0.85
    assert np.isnan(best_shift(np.ones((n, n, n)), k)[0])


def test_models_beside_what_was_published():
    """Else a number stands beside that of the other model."""
    import dataclasses

    from zhong2023_parts.tables import models_table

    model = dataclasses.replace(network(0.0), label="A (pizza)")
    rows = {row[1]: row[2:] for row in models_table([model]).rows}
    assert rows["gradient symmetricity"] == ("0.9937", "0.9")
    assert rows["circle of frequency 3: clock | pizza form, %"] == (
        "75.62 | 99.18",
        "75.00 | 99.00",
    )


def test_figures_hold_the_runs_that_grokked():
    """Else a run is drawn as circular that is not, or one that never grokked is drawn at all."""
    from zhong2023_parts.figures import over_rates, plane

    networks = [network(0.0), network(1.0, 0.9), network(1.0, accuracy=0.1)]
    drawn = {(t.name, t.yaxis): t for t in over_rates(networks).data}
    assert drawn["circularity > 0.995", "y"].x == (0.0,)
    assert drawn["other run", "y2"].x == (1.0,)
    assert len(plane(networks, []).data[0].x) == 2


@pytest.mark.parametrize("name", ["attention", "linear"])
def test_sweeps_can_be_planned(name):
    """Else training ends in an error before it begins."""
    small, paper = (
        make_plan(read_specification(SWEEPS / scale / f"{name}.toml"))
        for scale in ("small", "paper")
    )
    assert len(small.runs) <= len(paper.runs) <= 300
    assert {run.config.task.p for run in (*small.runs, *paper.runs)} == {59}
    assert {run.config.optimiser.weight_decay for run in paper.runs} == {2.0}


def script(*words, **environment):
    command = [sys.executable, str(ANALYSES / "zhong2023.py"), *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=os.environ | environment
    )  # fmt: skip


def test_dry_run_trains_nothing(tmp_path):
    """Else it is not seen beforehand what was scaled; an unknown scale is refused in words."""
    done = script("--dry-run", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("scaled") > 4
    assert not list(tmp_path.iterdir())
    assert script("--scale", "large").returncode == 2


def test_from_training_to_the_page(tmp_path, monkeypatch, capsys):
    """Else the parts do not fit: every table is written, and a missing sweep is called partial."""
    import zhong2023
    from published.study import Study

    monkeypatch.setenv("GROKSCOPE_EXTERNAL", str(tmp_path / "nowhere"))
    monkeypatch.setattr(zhong2023, "ATTENTION", tiny_study(tmp_path, "tiny", TINY))
    assert zhong2023.main(zhong2023.Arguments(out=tmp_path / "out", workers=0, train=False)) == 0
    folder = tmp_path / "out" / "zhong2023-small"
    page = (folder / "published-vs-measured.md").read_text()
    assert page.count("Not compared:") == 2
    assert "Partial: not every sweep was trained here yet." in page
    trained = zhong2023.ATTENTION.runs(zhong2023.Arguments(out=tmp_path / "out", workers=0))
    assert trained is not None
    assert zhong2023.main(zhong2023.Arguments(out=tmp_path / "out", train=False)) == 0
    assert [row[0] for row in cells(folder, "phases")] == ["0", "1"]
    assert len(cells(folder, "verdicts")) == 2
    assert isinstance(zhong2023.LINEAR, Study)
    capsys.readouterr()
