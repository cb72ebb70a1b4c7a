"""Where an event lies, for densify: by name and short name, from metrics or from the analysis."""

import pytest

import grokscope as gs
from grokscope.analysis import write_dataset
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.located import around, locate
from grokscope.runs.metrics import write_metrics
from grokscope.runs.run import Run
from grokscope.training.loop import train_run

CONFIG = override(
    RunConfig(), p=13, frac_train=0.5, d_model=8, n_heads=2, d_head=4, d_mlp=12, steps=100,
    eval_every=10, checkpoint_every=20,
)  # fmt: skip


def with_accuracy(run: Run, test: dict[int, float], train_from: int = 30) -> Run:
    """Give a run the metrics of one whose accuracies are known; zero before the first step of `test`."""
    lines = run.metrics()
    for line in lines:
        level = max((s for s in test if s <= line["step"]), default=None)
        line["accuracy_test"] = line["accuracy_test_twin_free"] = (
            0.0 if level is None else test[level]
        )
        line["accuracy_train"] = float(line["step"] >= train_from)
    write_metrics(run.path / "metrics.jsonl", lines)
    return run


@pytest.fixture
def run(tmp_path):
    return train_run(CONFIG, tmp_path / "run")


@pytest.mark.parametrize(
    ("test", "name", "wanted"),
    [
        ({60: 1.0}, "grokked", ("grokked_99", 50, 60)),
        ({60: 1.0}, "grokked_50", ("grokked_50", 50, 60)),
        ({40: 0.7, 60: 0.96}, "grokked", ("grokked_95", 50, 60)),
        ({40: 0.7}, "grokked", ("grokked_50", 30, 40)),
        ({40: 0.7}, "memorised", ("memorised", 20, 30)),
    ],
)
def test_an_event_by_its_name(run, test, name, wanted):
    """Else `--around grokked` goes to another event than the one that happened."""
    found = locate(with_accuracy(run, test), name)
    assert (found.name, found.low, found.high) == wanted
    assert around(run, name) == wanted[1:]


def test_a_margin_stays_within_the_run(run):
    """Else a margin asks for steps that there are not."""
    with_accuracy(run, {60: 1.0})
    assert around(run, "grokked", 15) == (35, 75)
    assert around(run, "grokked", 1000) == (0, 100)
    with pytest.raises(RequestError, match="margin = -1"):
        around(run, "grokked", -1)


def test_an_event_that_was_not_seen_or_was_there_at_once(run):
    """Else a censored event is given an interval."""
    with_accuracy(run, {60: 0.7}, train_from=0)
    with pytest.raises(
        RequestError, match=r"grokked_99 was not seen in .*, which was looked at until step 100"
    ):
        locate(run, "grokked_99")
    with pytest.raises(RequestError, match="memorised was there at the first evaluation, step 0"):
        around(run, "memorised")


def test_names(run):
    """Else a slip of the hand is a traceback."""
    with pytest.raises(RequestError, match=r"no event 'groked'.*did you mean 'grokked'"):
        locate(run, "groked")


def test_the_circuit_is_located_by_the_analysis_of_now(run):
    """Else an old analysis, or none, tells where the circuit is."""
    with pytest.raises(RequestError, match="located by an analysis.*grokscope analyze"):
        locate(run, "circuit_onset")
    ds = gs.analyze(run, ["performance", "restricted_loss"])
    file = run.path / "analysis.nc"
    write_dataset(ds.isel(step=slice(0, -1)), file)
    with pytest.raises(RequestError, match="older than the run"):
        locate(run, "circuit_onset")
    write_dataset(ds, file)
    expected = gs.transitions(ds)["circuit_onset"]
    assert expected.censored, "a tiny run has no circuit"
    with pytest.raises(RequestError, match="circuit_onset was not seen"):
        locate(run, "circuit_onset")
