"""Files appear whole or not at all."""

import os
import stat
import subprocess
import sys

import pytest

from grokscope import files
from grokscope.errors import RequestError
from grokscope.files import (
    clear_leftovers,
    leftovers,
    make_folder,
    read_json,
    replacing,
    write_bytes,
    write_json,
    write_text,
)


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    """Else a write adds to the old file, needs its folder, or leaves a file that only its owner can read."""
    path = tmp_path / "new" / "file"
    write_text(path, "one")
    write_text(path, "two ä")
    assert path.read_text(encoding="utf-8") == "two ä"
    assert names(path.parent) == ["file"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("x"), KeyboardInterrupt()]
)
def test_a_write_that_fails_leaves_the_old_file(tmp_path, error):
    """Else a full disk or Ctrl-C costs the file that was there, and litter stays."""
    path = tmp_path / "file"
    write_text(path, "old")
    expected = RequestError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught, replacing(path) as aside:  # noqa: PT012
        aside.write_text("half of the ne")
        raise error
    if expected is RequestError:
        assert "No space left on device" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_rename_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    """Else the last moment of a write is not safe."""
    path = tmp_path / "file"
    write_text(path, "old")

    def fail(*args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RequestError, match="Input/output error"):
        write_bytes(path, b"new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_places_that_cannot_be_written(tmp_path):
    """Else an unwritable output ends in a traceback."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for ask in (
        lambda: write_text(tmp_path / "file" / "inside", ""),
        lambda: write_text(tmp_path / "folder", ""),
        lambda: make_folder(tmp_path / "file" / "inside"),
        lambda: make_folder(tmp_path / "file"),
    ):
        with pytest.raises(RequestError) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


def test_json(tmp_path):
    """Else NaN gets into a JSON file, or a wrong one ends in a traceback."""
    path = tmp_path / "x.json"
    write_json(path, {"a": [1, 0.1]})
    assert read_json(path) == {"a": [1, 0.1]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == {"a": [1, 0.1]}
    with pytest.raises(RequestError, match="at most 3"):
        read_json(path, limit=3)
    for text in (b"{", b"\xff", b"[" * 100_000):
        path.write_bytes(text)
        with pytest.raises(RequestError, match="is not JSON") as caught:
            read_json(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(RequestError, match="cannot read"):
        read_json(tmp_path / "none")


def test_what_killed_writers_leave_is_removed(tmp_path):
    """Else each kill leaves a file for ever; or one that is being written now is taken from its writer."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [
        f".a.json.{dead.pid}-0a1b2c3d.part",
        ".b.x_1y2z3_.part",
        f".c.{os.getpid()}-00000000.part",
    ]
    others = [f".d.{os.getppid()}-0a1b2c3d.part", ".hidden", "file.part", ".e.part", "step-1"]
    for name in left + others:
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / left[0]).write_text("")
    with replacing(tmp_path / "mine") as aside:
        assert aside in leftovers(tmp_path)
        assert names(tmp_path) != (found := clear_leftovers(tmp_path))
        assert sorted(path.name for path in found) == sorted(left)
        aside.write_text("whole")
    assert names(tmp_path) == sorted([*others, "folder", "mine"])
    assert names(tmp_path / "folder") == left[:1]
    assert leftovers(tmp_path / "none") == []


def test_the_rename_is_on_the_disk_too(tmp_path, monkeypatch):
    """Else a power cut after a write brings back the file from before it."""
    flushed = []
    monkeypatch.setattr(files.os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    write_text(tmp_path / "file", "x")
    assert flushed == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]
