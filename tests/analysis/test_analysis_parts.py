"""The parts of an analysis: threads and memory, the table of steps, jobs, hashes of code."""

import os
import time

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from grokscope.analysis import digests, threads
from grokscope.analysis.jobs import BATCH, BATCH_BYTES, plan_jobs
from grokscope.analysis.table import StepTable
from grokscope.errors import RequestError
from grokscope.measures import choose
from grokscope.tasks import make_task


def test_threads_for_cores_memory_and_jobs(monkeypatch):
    """Else an analysis takes all memory, or one core of many."""
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    monkeypatch.setattr(threads, "free_memory", lambda: 1000)
    assert threads.how_many(None, 100, bytes_each=50) == 8
    assert threads.how_many(None, 100, bytes_each=200) == 2
    assert threads.how_many(None, 100, bytes_each=10**9) == 1
    assert threads.how_many(None, 3, bytes_each=1) == 3
    assert threads.how_many(20, 100, bytes_each=10**9) == 20
    monkeypatch.setattr(threads, "free_memory", lambda: None)
    assert threads.how_many(None, 100, bytes_each=10**9) == 8
    with pytest.raises(RequestError, match="-1 threads"):
        threads.how_many(-1, 100, 1)


def test_free_memory(tmp_path):
    """Else the unit of the table, or a machine without one, is taken wrongly."""
    table = tmp_path / "meminfo"
    table.write_text("MemTotal:  999 kB\nMemAvailable:    12 kB\n")
    assert threads.free_memory(table) == 12 * 1024
    table.write_text("MemAvailable: much kB\n")
    assert threads.free_memory(table) is None
    assert threads.free_memory(tmp_path / "none") is None
    if os.path.exists("/proc/meminfo"):
        assert 1 << 20 < threads.free_memory() < 1 << 50


def test_memory_of_a_snapshot():
    """Else a large table is given to as many threads as a small one: the reference takes a third of a gigabyte."""
    assert 2e8 < threads.snapshot_bytes(make_task("mod_add", 113), 114, 512, 128) < 6e8


def test_one_core_and_as_it_was():
    """Else the numbers depend on the cores of the machine, or torch stays slow after an analysis."""
    torch.set_num_threads(2)
    try:
        with threads.one_core_each():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError), threads.one_core_each():
            _ = 1 / 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_a_table_filled_in_any_order():
    """Else steps change places, or a number loses its precision to the first step's kind."""
    table = StepTable(3)
    for place in (2, 0, 1):
        table.put("a", place, np.array([place, 10.0 * place]))
        table.put("b", place, np.array(place if place else 0.5))
    found = table.arrays()
    np.testing.assert_array_equal(found["a"], [[0, 1, 2], [0, 10, 20]])
    np.testing.assert_array_equal(found["b"], [0.5, 1, 2])
    with pytest.raises(RequestError, match=r"\(3,\) at one step"):
        table.put("a", 0, np.zeros(3))
    half = StepTable(2)
    half.put("a", 0, np.zeros(1))
    with pytest.raises(AssertionError):
        half.arrays()


def test_jobs_cover_what_is_missing_once():
    """Else a measure is missing at a step, or taken twice; or all weights of a long run are in memory at once."""
    every = [m for m in choose(None) if m.at == "every"]
    final = [m for m in choose(None) if m.at == "final"]
    steps = range(0, 700, 10)
    missing = {s: every if s else every[:3] for s in steps} | {20: []}
    jobs = list(plan_jobs(missing, final, checkpoint_bytes=1))
    found = sorted((s, m.name) for job in jobs for s in job.steps for m in job.measures)
    wanted = [(s, m.name) for s, ms in missing.items() for m in ms]
    assert found == sorted(wanted + [(690, m.name) for m in final])
    assert jobs[0].steps == (690,)
    assert all(
        (m.cost == "weights") == job.of_weights
        for job in jobs
        for m in job.measures
        if m.at == "every"
    )
    assert max(len(job.steps) for job in jobs) == BATCH
    large = plan_jobs(missing, final, checkpoint_bytes=BATCH_BYTES)
    assert max(len(job.steps) for job in large) == 1
    assert list(plan_jobs(dict.fromkeys(steps, ()), [], 1)) == []


def test_hashes_of_parts_and_arrays():
    """Else two lists of parts, or two arrays, that differ have one hash."""
    assert digests.digest("ab", "c") != digests.digest("a", "bc") != digests.digest("abc")
    assert digests.digest("a") == digests.digest(b"a")
    zeros = [
        np.zeros(4),
        np.zeros((2, 2)),
        np.zeros(4, dtype=np.float32),
        np.zeros(4, dtype=np.int64),
    ]
    assert len({digests.array_digest(a) for a in zeros}) == 4
    assert digests.array_digest(np.array(1.0)) != digests.array_digest(np.array([1.0]))
    assert digests.array_digest(np.eye(3)[:, ::2]) == digests.array_digest(np.eye(3)[:, ::2].copy())


def test_code_that_was_edited(tmp_path):
    """Else an edited formula, a new file, or code that is newer than what runs, goes unnoticed."""
    (tmp_path / "part" / "__pycache__").mkdir(parents=True)
    (tmp_path / "part" / "a.py").write_text("x = 1")
    (tmp_path / "config.py").write_text("")
    first = digests.files_digest(tmp_path, ("part", "config.py"))
    (tmp_path / "part" / "__pycache__" / "a.pyc").write_text("compiled")
    (tmp_path / "other.py").write_text("")
    assert digests.files_digest(tmp_path, ("part", "config.py")) == first
    assert digests.files_digest(tmp_path, ()) != first
    now = time.time()
    assert not digests.is_edited(tmp_path, now + 10)
    (tmp_path / "part" / "a.py").write_text("x = 2")
    assert digests.files_digest(tmp_path, ("part", "config.py")) != first
    assert digests.is_edited(tmp_path, now - 10)


def test_the_parts_are_those_of_the_package():
    """Else a part that was renamed is in no key any more."""
    assert all((digests.PACKAGE / part).exists() for part in digests.VALUES_DEPEND_ON)


def test_a_file_is_hashed_again_where_it_was_replaced(tmp_path):
    """Else a checkpoint that is replaced in a long session keeps its old hash."""
    path, of = tmp_path / "file", digests.FileDigests()
    assert of(path) is None
    path.write_bytes(b"one")
    first = of(path)
    assert first == digests.file_digest(path) == of(path)
    aside = tmp_path / "aside"
    aside.write_bytes(b"two")
    os.utime(aside, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    aside.replace(path)
    assert of(path) == digests.file_digest(path) != first
