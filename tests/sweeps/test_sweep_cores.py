"""How many cores a sweep takes: affinity, quotas of control groups of both versions, and the sharing out."""

import os

import pytest

from grokscope.machine import usable_cores
from grokscope.sweeps.cores import share_out


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def groups(tmp_path, own: str, files: dict[str, str]):
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(text)
    (tmp_path / "own").write_text(own)
    return tmp_path / "fs", tmp_path / "own"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "300000 100000\n"}, 3),
        ("0::/a/b\n", {"cpu.max": "max 100000", "a/cpu.max": "250000 100000", "a/b/cpu.max": "max 100000"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000"}, 1),
        ("0::/not/here\n", {"cpu.max": "400000 100000"}, 4),
        ("0::/\n", {"cpu.max": "nonsense"}, 8),
        ("0::/\n", {"cpu.max": "9900000 100000"}, 8),
        ("4:memory:/x\n1:cpu,cpuacct:/x\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "600000\n",
                                             "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"}, 6),
        ("1:cpu:/x\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("5:cpuset:/x\n", {"cpuset/x/cpu.cfs_quota_us": "100000", "cpuset/x/cpu.cfs_period_us": "100000"}, 8),
    ],
)  # fmt: skip
def test_quotas(tmp_path, own, files, cores):
    """Else a container with two cores of sixty-four gets sixty-four processes."""
    assert usable_cores(*groups(tmp_path, own, files)) == cores


def test_without_control_groups(tmp_path, monkeypatch):
    """Else a system without /proc cannot run a sweep."""
    assert usable_cores(tmp_path, tmp_path / "none") == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores(tmp_path, tmp_path / "none") == 1


@pytest.mark.parametrize(
    ("cores", "n_runs", "n_left", "asked", "shared"),
    [
        (8, 100, 100, None, (8, 1)),
        (8, 100, 3, None, (3, 1)),
        (8, 3, 3, None, (3, 2)),
        (8, 3, 1, None, (1, 2)),
        (8, 1, 1, None, (1, 8)),
        (8, 100, 100, 20, (20, 1)),
        (8, 100, 5, 20, (5, 1)),
        (2, 4, 4, None, (2, 1)),
    ],
)
def test_sharing_out(monkeypatch, cores, n_runs, n_left, asked, shared):
    """Else cores idle, or a sweep that goes on computes with other threads than without a break."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert share_out(cores, n_runs, n_left, asked) == shared


def test_threads_that_were_asked_for(monkeypatch):
    """Else OMP_NUM_THREADS=1 is not heeded."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert share_out(8, 1, 1) == (1, 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert share_out(8, 2, 2) == (2, 4)
