"""A run that is still in training is looked at, and looked at again."""

import threading

import xarray
from small_run import counted

import grokscope as gs
from grokscope.config import RunConfig, override
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run

CONFIG = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=0,
    steps=40, checkpoint_every=5, eval_every=5,
)  # fmt: skip
same = xarray.testing.assert_identical


def test_in_parts_and_from_scratch(tmp_path, monkeypatch):
    """Else what is kept of a run in training differs from the finished run, or its end is told wrongly."""
    path = tmp_path / "run"
    train_run(CONFIG, path, stop_after=12)
    first = gs.analyze(path)
    assert first.step.values.tolist() == [0, 5, 10]
    assert first.attrs["status"] == "interrupted"
    looks = []

    def look(step, metrics):
        looks.append(gs.analyze(path))
        if step == 25:
            same(looks[-1], gs.analyze(path, cache=False))

    resume_run(path, look)
    assert {found.attrs["status"] for found in looks[:-1]} == {"interrupted"}
    with counted(monkeypatch) as computed:
        last = gs.analyze(path)
    assert ("loss", 5) not in computed
    assert last.attrs["status"] == "done"
    same(last, gs.analyze(path, cache=False, threads=1))


def test_checkpoints_that_appear_meanwhile(tmp_path):
    """Else an analysis of a run in training mixes two states of it, or fails."""
    path = tmp_path / "run"
    train_run(CONFIG, path, stop_after=6)
    going = threading.Event()

    def go_on(done, total):
        if not going.is_set():
            going.set()
            resume_run(path)

    found = gs.analyze(path, on_step=go_on)
    assert found.step.values.tolist() == [0, 5]
    assert len(gs.open_run(path).steps) > 2
    same(gs.analyze(path), gs.analyze(path, cache=False))


def test_a_half_written_line_of_metrics(tmp_path):
    """Else looking at a run at the wrong moment is an error."""
    path = tmp_path / "run"
    train_run(CONFIG, path, stop_after=10)
    whole = gs.analyze(path)
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 15, "loss_tr')
    same(gs.analyze(path), whole)
