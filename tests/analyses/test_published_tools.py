"""What the scripts share: published models that are not there, kept measures, numbers in words."""

import math
from pathlib import Path

import pytest

import grokscope as gs

ANALYSES = Path(__file__).parents[2] / "analyses"


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))


def test_a_model_that_is_not_there(tmp_path, monkeypatch):
    """Else a missing folder ends in a traceback, or nobody is told which variable names it."""
    from published.external import VARIABLE, external_run

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    found = external_run("model", "family/model", tmp_path / "out")
    assert found.run is None
    assert VARIABLE in found.reason
    assert "\n" not in found.reason
    (tmp_path / "broken.pt").write_bytes(b"no model")
    broken = external_run("broken", "broken.pt", tmp_path / "out")
    assert broken.run is None
    assert broken.reason.startswith("broken: not readable here:")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    return gs.train(
        "mod_add", p=7, d_model=8, d_head=4, n_heads=2, d_mlp=8, steps=4, eval_every=2,
        checkpoint_every=2, out=path,
    )  # fmt: skip


def test_measures_are_kept(run, tmp_path, monkeypatch):
    """Else every call measures anew, or another question gets the kept answer of the first."""
    from published import measured as module
    from published.measured import last, measured

    first = measured(run, ["loss"], tmp_path)
    assert first.sizes["step"] == 1
    assert last(first, "loss", rows="train") == pytest.approx(run.snapshot().loss.train)
    assert math.isnan(last(first, "no such variable"))
    assert measured(run, ["loss"], tmp_path, every_step=True).sizes["step"] == 3
    (kept, *_) = sorted(tmp_path.glob("*.nc"))
    kept.write_bytes(b"damaged")
    assert measured(run, ["loss"], tmp_path).sizes["step"] == 1

    def never(*args, **kwargs):
        raise AssertionError("measured again")

    monkeypatch.setattr(module, "analyze", never)
    assert measured(run, ["loss"], tmp_path).identical(first)
    with pytest.raises(AssertionError, match="again"):
        measured(run, ["gini"], tmp_path)


def test_numbers_over_seeds():
    """Else a seed without a value spoils the mean, or one seed looks like a range."""
    from published.page import number, over_seeds

    assert over_seeds([1.0, float("nan"), 3.0]) == "2 [1, 3] (2)"
    assert over_seeds([0.5], scale=100) == "50 (1)"
    assert over_seeds([]) == over_seeds([float("nan")]) == number(float("nan")) == "-"


def test_the_page_holds_all_tables(tmp_path):
    """Else a cell with a bar or a comma breaks the table, or a note on what is missing is lost."""
    import csv

    from published.page import Table, write_page

    table = Table("t", "Title", ("a", "b"), [("clock | pizza", "1, 2")], "A note.")
    page = write_page(tmp_path, "Heading", [table], ["Partial: 1 of 2."]).read_text()
    assert "clock \\| pizza" in page
    assert "- Partial: 1 of 2." in page
    with open(tmp_path / "published-vs-measured-t.csv", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["clock | pizza", "1, 2"]]


def test_verdicts_are_counted(monkeypatch):
    """Else a verdict is counted for another kind of network, or one that nobody expected is dropped."""
    import types

    import xarray as xr

    from grokscope.transitions import ALGORITHMS
    from published import verdicts

    monkeypatch.setattr(
        verdicts.gs, "identify", lambda ds: types.SimpleNamespace(name=ds.attrs["is"])
    )
    found = [("a", xr.Dataset(attrs={"is": name})) for name in (ALGORITHMS[0], ALGORITHMS[-1])]
    rows = verdicts.verdict_table([*found, ("b", found[1][1])]).rows
    assert rows == [("a", "1", "0", "0", "0", "1"), ("b", "0", "0", "0", "0", "1")]
