"""Processes of contenders: they talk, they end, and what they leave is nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.bench.case import NotMeasuredError
from grokscope.bench.machine import Machine, cpu_model
from grokscope.bench.memory import begin_watching, peak_memory
from grokscope.bench.process import ContenderProcess, environment
from grokscope.bench.rounds import run_case
from grokscope.bench.serve import pack, unpack
from grokscope.bench.settings import Settings
from grokscope.errors import UnsoundError

TINY = Settings(quick=True, tiny=True, threads=1)


def test_settings_reach_the_process_as_they_are():
    """Else a process measures something else than was asked for."""
    for settings in (Settings(), TINY, Settings(quick=True, threads=3, run=Path("a b/c"))):
        assert unpack(pack(settings)) == settings


def test_rounds_of_a_case_from_start_to_lines():
    """Else what the processes measure does not arrive: every contender, every round, with its facts."""
    turns = []
    found = run_case("share", TINY, turns.append)
    labels = {line.label: line for line in found.lines}
    assert labels["update"].value.n == found.case.quick_rounds == 3
    assert 0 < labels["update: share, nominal work"].value.median < 1
    assert found.facts["update"]["threads"] == 1
    assert found.facts["update"]["nominal"] > found.facts["update"]["done"] / 2 > 0
    assert found.same is None
    order = [turn.split(":")[0] for turn in turns]
    assert order == ["update", "update, repeating the reference run", "matrix products"] * 4, (
        "in turn: A B A B"
    )


def test_what_fails_is_one_line_and_leaves_nothing():
    """Else a failing contender hangs the measurement, or leaves processes and files."""
    broken = Settings(quick=True, tiny=True, run=Path("not/there"))
    process = ContenderProcess("analysis", "measures", broken)
    folder = Path(process.folder.name)
    assert folder.is_dir()
    said = "case analysis, measures.*not/there is not a directory"
    with process, pytest.raises(UnsoundError, match=said):
        process.ready()
    assert process.process.returncode == 1
    assert not folder.exists()


def test_an_interrupt_ends_the_process_and_its_children():
    """Else Ctrl-C leaves processes that go on measuring."""
    process = ContenderProcess("gpu", "gpu", TINY)
    assert os.getpgid(process.process.pid) == process.process.pid, "a group of its own"
    with pytest.raises(KeyboardInterrupt):
        with process:
            raise KeyboardInterrupt
    assert process.process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(process.process.pid, 0)


def test_a_contender_that_cannot_run_says_why():
    """Else a machine without GPU is told of a broken process."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with ContenderProcess("gpu", "gpu", TINY) as process, pytest.raises(NotMeasuredError):
        process.ready()


def test_environment_is_the_same_for_all(tmp_path, monkeypatch):
    """Else one contender's threads spin and the other's sleep, or code compiled before is found again."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    found = environment(TINY, tmp_path)
    assert found["GOMP_SPINCOUNT"] == "3000"
    assert "OMP_WAIT_POLICY" not in found
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "1"
    assert found["TORCHINDUCTOR_CACHE_DIR"].startswith(str(tmp_path))
    own = environment(Settings(), tmp_path)
    assert own.get("OMP_NUM_THREADS") == os.environ.get("OMP_NUM_THREADS")


MEMORY = """
import numpy as np
from grokscope.bench.memory import begin_watching, peak_memory
size = 200 << 20
before_that = np.ones(size, dtype=np.uint8)
del before_that
start = begin_watching()
quiet = peak_memory() - start
held = np.ones(size // 2, dtype=np.uint8)
del held
print(quiet / size, (peak_memory() - start) / size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak cannot be forgotten")
def test_peak_memory_is_of_the_work_alone():
    """Else the memory of what came before counts, or what was freed again does not."""
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    quiet, after = map(float, done.stdout.split())
    assert quiet < 0.25
    assert 0.45 < after < 0.75


def test_memory_where_the_system_does_not_say(tmp_path):
    """Else another system than Linux gets an error in place of a number."""
    nowhere = tmp_path / "none"
    assert begin_watching(nowhere, tmp_path) > 1 << 20
    assert peak_memory(nowhere) > 1 << 20


def test_the_processor_by_name(tmp_path):
    """Else the head of the table does not say what the numbers depend on."""
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: A Chip 3000\nmodel name\t: A Chip 3000\n")
    assert cpu_model(file) == "A Chip 3000"
    assert cpu_model(tmp_path / "none")


@pytest.mark.parametrize(("load", "busy"), [(None, False), (0.5, False), (0.51, True)])
def test_a_busy_machine(load, busy):
    """Else numbers of a busy machine stand there without a warning."""
    assert Machine("a", 2, "b", "3", "2", 2, load).busy is busy
