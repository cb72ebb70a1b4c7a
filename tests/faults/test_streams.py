"""The command line in poor surroundings: closed or full streams, no home, no UTF-8, a folder that is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.cli import main

SIZE = (
    "--p 7 --frac-train 0.6 --d-model 16 --n-heads 2 --d-head 8 --d-mlp 16 --steps 20 "
    "--checkpoint-every 10"
).split()


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small analysed run of a name that ASCII lacks."""
    path = tmp_path_factory.mktemp("streams") / "Läufe √2"
    assert main(["train", "mod_add", *SIZE, "--out", str(path), "--quiet"]) == 0
    assert main(["analyze", str(path), "--quiet"]) == 0
    return path


def shell(script: str, folder: Path, **environment: str | None) -> subprocess.CompletedProcess:
    """Run a script of the shell in which $G is grokscope; a variable of None is not set."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "G": f"{sys.executable} -m grokscope"}
    for name, value in environment.items():
        env.pop(name, None)
        env |= {} if value is None else {name: value}
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=env, capture_output=True, timeout=120
    )


def one_line(said: bytes) -> str:
    """Return what was said on standard error, which must be one line of ours."""
    text = said.decode().strip()
    assert text.startswith("grokscope: "), text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("command", ["tasks", "measures --json", "--help", "analyze run --quiet"])
def test_a_reader_that_leaves(run_dir, command):
    """Else `grokscope measures | head -1` ends in a traceback."""
    command = command.replace("run", "'Läufe √2'")
    done = shell(f"$G {command} | head -1 > /dev/null; echo ${{PIPESTATUS[0]}}", run_dir.parent)
    assert done.stderr == b""
    assert done.stdout.strip() in (b"0", b"1")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["presets", "tasks --json"])
def test_a_full_disk_behind_standard_output(run_dir, command):
    """Else what was asked for is cut off, and the exit code says that all is well."""
    done = shell(f"$G {command} > /dev/full", run_dir.parent)
    assert done.returncode == 2
    said = one_line(done.stderr)
    assert "standard output" in said
    assert "No space left on device" in said


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams(run_dir, tmp_path, closed):
    """Else a file that is opened takes the place of a stream, and gets what is printed."""
    done = shell(f"$G train mod_add {' '.join(SIZE)} --out run {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert main(["check", str(tmp_path / "run"), "--quiet"]) == 0


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        ("report", {"LC_ALL": "C"}),
        ("figure", {"PYTHONIOENCODING": "ascii"}),
        ("analyze --quiet", {"PYTHONIOENCODING": "ascii", "HOME": None}),
        ("figure", {"TERM": "dumb"}),
    ],
)
def test_poor_surroundings(run_dir, command, setting):
    """Else a name with an umlaut, or a machine without a home folder, ends a command."""
    name, *rest = command.split()
    done = shell(f"$G {name} 'Läufe √2' {' '.join(rest)}", run_dir.parent, **setting)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_a_current_folder_that_is_gone(run_dir, tmp_path):
    """Else a deleted folder is a traceback."""
    (tmp_path / "gone").mkdir()
    for command in ("tasks", f"report '{run_dir}'", "train mod_add --steps 1"):
        done = shell(f"cd gone && rmdir ../gone && $G {command}", tmp_path)
        assert done.returncode == 2
        assert "current folder is gone" in one_line(done.stderr)
        (tmp_path / "gone").mkdir()


def test_our_own_mistakes_are_one_line(monkeypatch, capsys):
    """Else a mistake of ours looks like one of the user's, or hides where it is."""

    def wrong(argv):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("grokscope.cli.presets.main", wrong)
    monkeypatch.delenv("GROKSCOPE_TRACEBACK", raising=False)
    assert main(["presets"]) == 3
    said = capsys.readouterr().err
    assert "ZeroDivisionError: of ours" in said
    assert said.count("\n") == 1
    monkeypatch.setenv("GROKSCOPE_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["presets"])


def test_too_little_memory_is_one_line(monkeypatch, capsys):
    """Else a model too large for the machine is a traceback."""

    def large(argv):
        raise MemoryError

    monkeypatch.setattr("grokscope.cli.presets.main", large)
    assert main(["presets"]) == 2
    assert "not enough memory" in capsys.readouterr().err
