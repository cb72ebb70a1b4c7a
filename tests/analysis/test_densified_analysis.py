"""The analysis of a densified run: old checkpoints from the cache, events narrowed, all of it written down."""

from html import escape

import numpy as np
import pytest
from small_run import counted

import grokscope as gs
from grokscope.analysis import read_dataset
from grokscope.config import RunConfig, override
from grokscope.figures.marks import interval_words
from grokscope.pipeline import analyse_run
from grokscope.runs.metrics_dataset import metrics_dataset
from grokscope.runs.pack import pack
from grokscope.runs.unpack import unpack
from grokscope.training.densify import densify
from grokscope.training.loop import train_run

CONFIG = override(
    RunConfig(), p=7, frac_train=0.7, d_model=32, d_head=8, d_mlp=64, lr=0.01, steps=80,
    weight_decay=0.0, eval_every=20, checkpoint_every=20, keyframe_every=40,
)  # fmt: skip
MEASURES = ["performance", "weight_norms"]


@pytest.fixture(scope="module")
def densified(tmp_path_factory):
    """A run, its analysis before, and what the analysis after computed."""
    run = train_run(CONFIG, tmp_path_factory.mktemp("densified") / "run")
    before = analyse_run(run.path, MEASURES)
    event = before.transitions["memorised"]
    assert event.low is not None
    assert event.high is not None
    densify(run, (event.low, event.high), every=2)
    with pytest.MonkeyPatch.context() as patch, counted(patch) as computed:
        after = analyse_run(run.path, MEASURES)
    return run, before, after, computed


def test_an_event_inside_has_the_new_width(densified):
    """Else a denser look is of no use."""
    run, before, after, _ = densified
    old, new = before.transitions["memorised"], after.transitions["memorised"]
    assert old.high - old.low == 20
    assert new.high - new.low == 2
    assert old.low <= new.low < new.high <= old.high
    assert gs.transitions(metrics_dataset(run))["memorised"] == new


def test_old_checkpoints_are_not_measured_again(densified):
    """Else every densifying costs the whole analysis, or keeps what has another checkpoint before it now."""
    run, before, after, computed = densified
    old = set(before.dataset["step"].values.tolist())
    new = set(run.steps) - old
    assert {step for name, step in computed if name == "performance"} == new
    # It compares with the checkpoint before, which is another one for the first old one after the new ones.
    later = min(step for step in old if step > max(new))
    assert {step for name, step in computed if name == "weight_norms"} == {*new, later}
    assert after.dataset["step"].values.tolist() == list(run.steps)


def test_the_file_says_which_steps_were_added(densified, tmp_path):
    """Else a reader of analysis.nc, or of a packed run, cannot tell which evaluations decide on an event."""
    run, before, after, _ = densified
    again = analyse_run(run.path, MEASURES)
    ds = read_dataset(run.path / "analysis.nc")
    added = np.isin(ds["step"].values, before.dataset["step"].values, invert=True)
    assert ds["densified"].values.tolist() == added.astype(int).tolist()
    assert ds["metric_densified"].values.sum() == added.sum()
    assert (
        again.transitions.to_json() == after.transitions.to_json() == gs.transitions(ds).to_json()
    )
    unpacked = unpack(pack(run, tmp_path / "run.zip"), tmp_path / "again")
    assert gs.transitions(metrics_dataset(unpacked))["memorised"] == after.transitions["memorised"]
    assert "densified" not in before.dataset.coords


def test_the_report_shows_the_narrowed_event(densified):
    """Else the page tells of the interval that was before."""
    run, _, after, _ = densified
    text = (run.path / "report.html").read_text()
    event = after.transitions["memorised"]
    assert escape(interval_words(event)) in text
    assert "by added checkpoints" in text
