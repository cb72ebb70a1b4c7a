"""The cache: the dataset is the same with it and without, and only what is new is computed."""

import dataclasses
import shutil
import threading
import time
import weakref
from concurrent.futures import wait as futures_wait
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray
from small_run import STEPS, add_checkpoint, counted, make_run

import grokscope as gs
from grokscope.analysis import jobs, measuring, orchestrate
from grokscope.analysis.cache import FINAL_FILE
from grokscope.analysis.cache_file import read_kept
from grokscope.errors import RequestError, UnsoundError
from grokscope.measures import registry
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import Run, open_run

same = xarray.testing.assert_identical


def fresh(run: Run, *args, **options) -> xarray.Dataset:
    return gs.analyze(run, *args, cache=False, threads=1, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return a run that was analysed once; not to be written to."""
    run = make_run(tmp_path_factory.mktemp("runs") / "whole")
    gs.analyze(run)
    return run.path


@pytest.fixture
def run(whole, tmp_path) -> Run:
    shutil.copytree(whole, tmp_path / "whole")
    return open_run(tmp_path / "whole")


def files(run: Run) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((run.path / "cache").iterdir())}


def test_cold_warm_and_without(run, monkeypatch):
    """Else the cache changes what a run is said to be, or is never used."""
    expected = fresh(run)
    with counted(monkeypatch) as computed:
        same(gs.analyze(run), expected)
    assert not computed
    shutil.rmtree(run.path / "cache")
    same(gs.analyze(run), expected)
    assert set(files(run)) == {f"step-{s:08d}.safetensors" for s in STEPS} | {FINAL_FILE}


def test_no_cache_reads_and_writes_nothing(run, monkeypatch):
    """Else `--no-cache` trusts what it was told not to trust."""
    before = files(run)
    with counted(monkeypatch) as computed:
        fresh(run)
    assert {step for _, step in computed} == set(STEPS)
    assert files(run) == before


def test_a_new_checkpoint_is_all_that_is_computed(run, monkeypatch):
    """Else a run in training is measured from its beginning at each look."""
    key = tuple(gs.analyze(run).key_frequency.values)
    weights = run.weights(30)
    write_tensors(checkpoint_path(run.checkpoints, 40), weights, 40, run.config_hash)
    with counted(monkeypatch) as computed:
        found = gs.analyze(run)
    assert tuple(found.key_frequency.values) == key
    assert {step for _, step in computed} == {40}
    same(found, fresh(run))
    assert {p.name for p in (run.path / "cache").iterdir()} >= {"step-00000040.safetensors"}


def test_other_final_key_frequencies(run, monkeypatch):
    """Else the restricted loss of early steps is that of frequencies which are no longer the final ones."""
    for step, k in ((40, 2), (50, 3)):
        add_checkpoint(run, step)
        weights = run.weights(step)
        wave = torch.cos(2 * torch.pi * k * torch.arange(7) / 7)
        weights["embed.W_E"][:7] = wave[:, None] * weights["embed.W_E"][:1]
        write_tensors(checkpoint_path(run.checkpoints, step), weights, step, run.config_hash)
        with counted(monkeypatch) as computed:
            found = gs.analyze(run, key_rule="embedding")
        assert found.key_frequency.values.tolist() == [k]
        same(found, fresh(run, key_rule="embedding"))
    assert ("restricted_loss", 0) in computed
    assert ("loss", 0) not in computed


def test_a_checkpoint_between_others(run, monkeypatch):
    """Else the turn since the checkpoint before is that of a checkpoint which is no longer the one before."""
    add_checkpoint(run, 15)
    with counted(monkeypatch) as computed:
        found = gs.analyze(run)
    assert {step for _, step in computed} == {15, 20}
    assert {name for name, step in computed if step == 20} == {"weight_norms"}
    same(found, fresh(run))


def test_a_changed_checkpoint_of_the_same_name(run, monkeypatch):
    """Else a restored or replaced checkpoint keeps the values of the one that was there."""
    add_checkpoint(run, 10, seed=99)
    with counted(monkeypatch) as computed:
        found = gs.analyze(run)
    assert {step for _, step in computed} == {10, 20}
    same(found, fresh(run))


def test_a_changed_first_checkpoint(run, monkeypatch):
    """Else distances from the beginning are those from another beginning."""
    add_checkpoint(run, 0, seed=99)
    with counted(monkeypatch) as computed:
        found = gs.analyze(run)
    assert {name for name, step in computed if step > 0} == {"weight_norms"}
    assert {step for _, step in computed} == set(STEPS)
    same(found, fresh(run))


def test_another_key_rule_and_back(run):
    """Else values by one rule are shown as those by another."""
    for rule in ("embedding", "logit", None):
        same(gs.analyze(run, key_rule=rule), fresh(run, key_rule=rule))


def test_some_steps_and_some_measures(run, monkeypatch):
    """Else the final step's values are those of another final step, or a small request empties the cache."""
    same(gs.analyze(run, steps=[0, 10]), fresh(run, steps=[0, 10]))
    same(gs.analyze(run, ["loss"], steps=[20]), fresh(run, ["loss"], steps=[20]))
    with counted(monkeypatch) as computed:
        same(gs.analyze(run), fresh(run))
    at_final = {m.name for m in registry.catalogue() if m.at == "final"}
    cached = [pair for pair, n in computed.items() if n > 1]
    assert {name for name, _ in cached} <= at_final


def test_a_measure_of_a_new_version(run, monkeypatch):
    """Else a corrected definition is not used for checkpoints that were measured before."""
    old = registry._REGISTRY["gini"]
    monkeypatch.setitem(registry._REGISTRY, "gini", dataclasses.replace(old, version=99))
    with counted(monkeypatch) as computed:
        gs.analyze(run)
    assert {name for name, _ in computed} == {"gini"}
    with counted(monkeypatch) as computed:
        gs.analyze(run)
    assert not computed


def test_other_code(run, monkeypatch):
    """Else values of an older grokscope stand beside those of the present one."""
    from grokscope.analysis import digests

    monkeypatch.setattr(digests, "code_digest", lambda parts=(): "edited")
    with counted(monkeypatch) as computed:
        gs.analyze(run, ["loss"])
    assert {step for _, step in computed} == set(STEPS)


def test_other_answers_of_the_same_task(tmp_path, monkeypatch):
    """Else an operation that is registered anew, under its old name, keeps the losses of the old one."""
    from grokscope.tasks import TASKS

    def register(shift):
        TASKS.pop("shifted", None)

        @gs.operation(formula="a + b + s")
        def shifted(a, b, p):
            return (a + b + shift) % p

    try:
        register(0)
        made = make_run(tmp_path / "run", task="shifted")
        first = gs.analyze(made, ["loss"])
        register(1)
        second = gs.analyze(made, ["loss"])
        same(second, fresh(made, measures=["loss"]))
        assert not np.allclose(first.loss, second.loss, equal_nan=True)
    finally:
        TASKS.pop("shifted", None)


@pytest.mark.parametrize("name", ["step-00000010.safetensors", FINAL_FILE])
def test_damaged_files(run, name, monkeypatch):
    """Else a flipped bit becomes a number in a figure, or a truncated file an error."""
    expected, path = fresh(run), run.path / "cache" / name
    good = path.read_bytes()
    places = np.linspace(0, len(good) - 1, 9).astype(int)
    flipped = [good[:at] + bytes([good[at] ^ 16]) + good[at + 1 :] for at in places]
    for bad in (*flipped, b"", good[: len(good) // 2], good + b"more", b"{}", b"\xff" * 100):
        path.write_bytes(bad)
        assert read_kept(path) == {}
    same(gs.analyze(run), expected)
    assert read_kept(path)
    with counted(monkeypatch) as computed:
        gs.analyze(run)
    assert not computed


def test_a_file_of_another_step_or_run(run, tmp_path):
    """Else a file that was copied to the wrong place is believed."""
    cache, expected = run.path / "cache", fresh(run)
    shutil.copy(cache / "step-00000000.safetensors", cache / "step-00000010.safetensors")
    same(gs.analyze(run), expected)
    other = make_run(tmp_path / "other", split_seed=3)
    shutil.copytree(cache, other.path / "cache")
    same(gs.analyze(other), fresh(other))


def test_the_folder_does_not_grow(run):
    """Else files of steps that were deleted, or of final steps that are none any more, pile up."""
    checkpoint_path(run.checkpoints, 30).unlink()
    same(gs.analyze(run), fresh(run))
    assert set(files(run)) == {f"step-{s:08d}.safetensors" for s in STEPS[:-1]} | {FINAL_FILE}
    sizes = len(files(run)[FINAL_FILE])
    gs.analyze(run, steps=[0, 10])
    assert len(files(run)[FINAL_FILE]) < 1.2 * sizes


def test_a_folder_that_cannot_be_written(run, caplog):
    """Else a run on a read-only disk cannot be looked at, or every checkpoint complains."""
    expected = fresh(run)
    shutil.rmtree(run.path / "cache")
    (run.path / "cache").write_text("in the way")
    same(gs.analyze(run), expected)
    assert len(caplog.records) == 1
    assert "keeps nothing" in caplog.text


def test_interrupted(run, monkeypatch):
    """Else an analysis that was stopped begins again at the first checkpoint."""
    shutil.rmtree(run.path / "cache")

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gs.analyze(run, on_step=stop, threads=1)
    with counted(monkeypatch) as computed:
        found = gs.analyze(run)
    assert 0 < len({step for _, step in computed}) < len(STEPS)
    same(found, fresh(run))


def test_two_interrupts(run, monkeypatch):
    """Else a second Ctrl-C leaves a thread inside torch, and the process ends with an abort."""
    inside, left, calls = threading.Event(), threading.Event(), []
    plain = measuring.Measuring._do

    def do(self, job):
        if inside.is_set():
            return plain(self, job)
        inside.set()
        time.sleep(1)
        left.set()
        return 0

    def waits(running):
        calls.append(left.is_set())
        if len(calls) == 1:
            raise KeyboardInterrupt
        return futures_wait(running)

    def stop(done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring.Measuring, "_do", do)
    monkeypatch.setattr(measuring, "wait", waits)
    with pytest.raises(KeyboardInterrupt):
        gs.analyze(run, cache=False, on_step=stop, threads=2)
    assert len(calls) == 2
    assert left.is_set()
    assert not [t for t in threading.enumerate() if t.name.startswith("analyze")]


def test_threads_do_not_change_a_bit(run):
    """Else a figure depends on the machine that drew it."""
    same(gs.analyze(run, cache=False, threads=4), fresh(run))


def test_errors_are_those_of_the_first_step(run):
    """Else the message depends on which thread was first."""
    for step in (10, 20):
        path = checkpoint_path(run.checkpoints, step)
        path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UnsoundError, match="step-00000010"):
        gs.analyze(run, threads=1)


def test_threads_have_to_be_some(run):
    """Else `--threads 0` waits for ever."""
    with pytest.raises(RequestError, match="0 threads"):
        gs.analyze(run, ["loss"], threads=0, cache=False)


def test_few_snapshots_are_alive(tmp_path, monkeypatch):
    """Else memory grows with the number of checkpoints."""
    made = make_run(tmp_path / "run", steps=range(0, 36, 2))
    alive, most, plain = weakref.WeakSet(), [0], Run.snapshot

    def snapshot(self, *args):
        found = plain(self, *args)
        alive.add(found)
        most[0] = max(most[0], len(alive))
        return found

    monkeypatch.setattr(Run, "snapshot", snapshot)
    monkeypatch.setattr(jobs, "BATCH", 3)
    gs.analyze(made, threads=2)
    assert 2 <= most[0] <= 2 * 3


def test_code_that_is_newer_than_what_runs(run, monkeypatch):
    """Else values of the old code are kept under the hash of the new one."""
    shutil.rmtree(run.path / "cache")
    monkeypatch.setattr(orchestrate, "is_edited", lambda: True)
    gs.analyze(run, ["loss"])
    assert not (run.path / "cache").exists()
