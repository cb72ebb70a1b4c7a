"""The script that remakes the figures of Power et al. 2022: each figure has its sweeps, and its options name it."""

import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification

ANALYSES = Path(__file__).parents[2] / "analyses"
SWEEPS = ANALYSES / "sweeps" / "power2022"
SMALL = sorted(path.stem for path in (SWEEPS / "small").glob("*.toml"))


def script(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ANALYSES / "power2022.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_every_sweep_has_both_scales():
    """Else the table of hyper-parameters has nothing published to hold the small setting against."""
    assert SMALL == sorted(path.stem for path in (SWEEPS / "paper").glob("*.toml"))
    assert len(SMALL) > 8


@pytest.mark.parametrize("name", SMALL)
def test_small_sweeps_can_be_planned(name):
    """Else a figure's training ends in an error before it begins."""
    plan = make_plan(read_specification(SWEEPS / "small" / f"{name}.toml"))
    assert 1 <= len(plan.runs) <= 100


def test_settings_are_printed_without_training(tmp_path):
    """Else it is not seen beforehand what was scaled; an unknown figure ends in one line of accepted names."""
    done = script("--figure", "A.5-post", "--dry-run", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "scaled" in done.stdout
    assert "d_model" in done.stdout
    assert not list(tmp_path.iterdir())
    wrong = script("--figure", "9")
    assert wrong.returncode == 2
    assert "A.5-mixed" in wrong.stderr + wrong.stdout


def test_every_figure_is_an_option_and_has_a_sweep(monkeypatch):
    """Else a name of --help ends in a traceback."""
    monkeypatch.syspath_prepend(str(ANALYSES))
    from typing import get_args, get_type_hints

    import power2022
    from power2022_figures import FIGURES

    options = get_args(get_type_hints(power2022.Options)["figure"])
    assert set(options) == {*FIGURES, "all"}
    assert {figure.sweep for figure in FIGURES.values()} == set(SMALL)
