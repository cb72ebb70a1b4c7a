"""Two processes at one directory: the second writer is refused at once, the first is unharmed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interrupting import files_below, start

from grokscope.cli import main
from grokscope.errors import RequestError
from grokscope.runs.lock import FILE, no_writer, only_writer, refuse_if_written
from grokscope.runs.metrics import FILE as METRICS_FILE

SIZE = (
    "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 16 --steps 1000000 "
    "--checkpoint-every 100000 --eval-every 50 --quiet"
).split()
SHORT = [word if word != "1000000" else "100" for word in SIZE]
AT_ONCE = 1.0
"""Seconds of computing that a refusal may take, more than a command's help takes."""


@pytest.fixture
def trainer(tmp_path: Path):
    """A process that trains into tmp_path/run until it is killed."""
    process, _ = start(["train", "mod_add", *SIZE, "--out", "run"], tmp_path)
    metrics, end = tmp_path / "run" / METRICS_FILE, time.monotonic() + 60
    while not (metrics.is_file() and metrics.stat().st_size > 1000):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must be refused in one line; return the line."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    return said


def goes_on(trainer: subprocess.Popen, run: Path) -> bool:
    """Return whether the trainer still evaluates."""
    before, end = (run / METRICS_FILE).stat().st_size, time.monotonic() + 20
    while time.monotonic() < end and trainer.poll() is None:
        if (run / METRICS_FILE).stat().st_size > before:
            return True
        time.sleep(0.02)
    return False


def test_the_second_writer_is_refused(trainer, tmp_path, capsys):
    """Else two trainers mix their checkpoints in one directory."""
    run, link = tmp_path / "run", tmp_path / "link"
    link.symlink_to(run)
    for path in (run, link):
        assert "being written by another process" in refused(capsys, "resume", path, "--quiet")
    said = refused(capsys, "densify", run, "--between", 10, 60, "--every", 10, "--quiet")
    assert "being written by another process" in said
    assert "being written" in refused(capsys, "train", "mod_add", *SHORT, "--out", run)
    assert "being written" in refused(capsys, "demo", "--out", run, "--quiet")
    assert "being written" in refused(capsys, "pack", run, "--out", tmp_path / "p.zip", "--quiet")
    assert not (tmp_path / "p.zip").exists()
    (tmp_path / "any.zip").write_bytes(b"")
    assert "there already" in refused(capsys, "unpack", tmp_path / "any.zip", "--out", run)
    assert goes_on(trainer, run)


@pytest.mark.parametrize("words", [["resume", "run"], ["train", "mod_add", "--out", "run"]])
def test_a_refusal_is_quick(words, trainer, tmp_path):
    """Else the second trainer loads torch for seconds before it says that it may not."""
    code = (
        "import sys, time\n"
        "from grokscope.cli import main\n"
        f"code = main({words})\n"
        "print(code, time.process_time(), 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    code, seconds, with_torch = done.stdout.split()
    assert (code, with_torch) == ("2", "False")
    assert float(seconds) < AT_ONCE


def test_the_lock_of_a_killed_writer_does_not_block(trainer, tmp_path, capsys):
    """Else a run that was killed can never be gone on with."""
    with pytest.raises(RequestError):
        refuse_if_written(tmp_path / "run")
    trainer.send_signal(signal.SIGKILL)
    trainer.communicate()
    assert (tmp_path / "run" / FILE).exists()
    with only_writer(tmp_path / "run"):
        pass


@pytest.mark.slow
def test_resume_while_resumed(tmp_path, capsys):
    """Else a run that goes on is gone on with once more, from an older state."""
    process, _ = start(["train", "mod_add", *SIZE, "--out", "run"], tmp_path)
    try:
        _wait_for(tmp_path / "run" / METRICS_FILE, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        size = (tmp_path / "run" / METRICS_FILE).stat().st_size
        process, _ = start(["resume", "run", "--quiet"], tmp_path)
        _wait_for(tmp_path / "run" / METRICS_FILE, process, size + 500)
        assert "being written" in refused(capsys, "resume", tmp_path / "run", "--quiet")
        assert goes_on(process, tmp_path / "run")
    finally:
        process.kill()
        process.communicate()


def test_two_sweeps_at_one_folder(tmp_path, capsys):
    """Else two sweeps train the same runs at once."""
    words = ["train", "mod_add", *SIZE, "--seeds", "0..1", "--workers", "0"]
    process, _ = start([*words, "--out", "many"], tmp_path)
    try:
        _wait_for(tmp_path / "many" / "sweep.json", process)
        assert "being written" in refused(capsys, *words, "--out", tmp_path / "many")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_two_analyses_at_once(tmp_path):
    """Else two people who look at one run spoil each other's analysis."""
    assert main(["train", "mod_add", *SHORT, "--out", str(tmp_path / "run")]) == 0
    assert main(["analyze", str(tmp_path / "run"), "--quiet", "--no-cache"]) == 0
    outputs = ("analysis.nc", "transitions.json", "report.html")
    alone = {name: (tmp_path / "run" / name).read_bytes() for name in outputs}
    for name in outputs:
        (tmp_path / "run" / name).unlink()
    both = [start(["analyze", "run", "--quiet"], tmp_path)[0] for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    found = files_below(tmp_path / "run")
    assert {name: found[name] for name in outputs} == alone
    assert not [name for name in found if name.endswith(".part")]


def test_readers_keep_writers_out_and_not_each_other(tmp_path):
    """Else two people cannot pack one run, or a trainer starts while it is packed."""
    with only_writer(tmp_path):
        pass
    with no_writer(tmp_path), no_writer(tmp_path):
        with pytest.raises(RequestError, match="another process"), only_writer(tmp_path):
            pass
    with only_writer(tmp_path):
        with pytest.raises(RequestError, match="another process"), no_writer(tmp_path):
            pass
    with no_writer(tmp_path / "nowhere"):
        pass


@pytest.mark.parametrize("kind", ["a folder", "a link", "a pipe"])
def test_a_lock_that_is_no_file(tmp_path, kind):
    """Else a lock file that a stranger made hangs a trainer, or writes elsewhere."""
    file = tmp_path / FILE
    if kind == "a folder":
        file.mkdir()
    elif kind == "a link":
        file.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(file)
    if kind == "a pipe":
        with only_writer(tmp_path), pytest.raises(RequestError), only_writer(tmp_path):
            pass
    else:
        with pytest.raises(RequestError, match="delete it"), only_writer(tmp_path):
            pass
    assert not (tmp_path / "elsewhere").exists()
    refuse_if_written(tmp_path)


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    """Else it is said that another process writes the run, and nobody finds it."""

    def flock(handle, operation):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(RequestError, match="local disk"), only_writer(tmp_path):
        pass
    refuse_if_written(tmp_path)


def _wait_for(file: Path, process: subprocess.Popen, size: int = 1) -> None:
    end = time.monotonic() + 60
    while not (file.is_file() and file.stat().st_size >= size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
