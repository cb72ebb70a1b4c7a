"""Checkpoints with code in them, or that are made to take all memory: nothing runs, and the line says why."""

import io
import os
import pickle
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.errors import GrokscopeError, RequestError
from grokscope.models.foreign import read_foreign


class Calls:
    """Pickled, this is a call."""

    def __init__(self, function, *arguments):
        self.told = function, arguments

    def __reduce__(self):
        return self.told


def rogues(mark: Path) -> dict[str, tuple[object, str]]:
    """Return what would run code, and the name that the message gives."""
    return {
        "system": (Calls(os.system, f"touch '{mark}'"), "os.system"),
        "exec": (Calls(exec, f"open({str(mark)!r}, 'w')"), "builtins.exec"),
        "eval": (Calls(eval, f"open({str(mark)!r}, 'w')"), "builtins.eval"),
        "open": (Calls(open, str(mark), "w"), "io.open"),
        "popen": (Calls(subprocess.Popen, ["touch", str(mark)]), "subprocess.Popen"),
        "import": (Calls(__import__, "antigravity"), "builtins.__import__"),
        "load": (Calls(torch.load, str(mark)), "torch.serialization.load"),
        "array": (np.array([Calls(os.system, f"touch '{mark}'")], dtype=object), "numpy"),
        "memory": (Calls(bytearray, 1 << 33), "builtins.bytearray"),
        "inner pickle": (
            Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch '{mark}'"))),
            "pickle.loads",
        ),
    }


def save_zip(content: object, path: Path) -> None:
    torch.save({"model": content}, path)


def save_old(content: object, path: Path) -> None:
    torch.save({"model": content}, path, _use_new_zipfile_serialization=False)


def save_plain(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=4))


def save_nested(content: object, path: Path) -> None:
    """A zip in a zip, under the names of torch's."""
    inner = io.BytesIO()
    torch.save(content, inner)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        file.writestr("archive/inner.pt", inner.getvalue())


@pytest.mark.parametrize("save", [save_zip, save_old, save_plain, save_nested])
@pytest.mark.parametrize("name", rogues(Path("mark")))
def test_code_in_a_pickle_is_named_and_not_run(name, save, tmp_path):
    """Else a checkpoint of a stranger is a program of his."""
    mark, path = tmp_path / "mark", tmp_path / "model.pt"
    content, said = rogues(mark)[name]
    save(content, path)
    with pytest.raises(RequestError, match="would run code") as caught:
        read_foreign(path)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert not mark.exists()


def test_the_pickles_here_would_run(tmp_path):
    """Else the test above passes for pickles that do nothing."""
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(rogues(mark)["system"][0]))
    assert mark.exists()


def test_other_files_under_a_checkpoints_name(tmp_path):
    """Else tar files of old torch, numpy's files and programs of TorchScript are read as pickles, or not named."""
    path = tmp_path / "model.pt"
    path.write_bytes(b"././@LongLink" + bytes(600))
    with pytest.raises(RequestError, match="not a checkpoint"):
        read_foreign(path)
    np.savez(tmp_path / "a.npz", a=np.array([Calls(print, "ran")], dtype=object))
    os.replace(tmp_path / "a.npz", path)
    with pytest.raises(GrokscopeError):
        read_foreign(path)


def test_lists_that_hold_themselves_a_thousand_times(tmp_path):
    """Else a file of 100 kB, whose lists are referred to again and again, is walked through for ever."""
    inner: list[object] = [torch.zeros(1)]
    for _ in range(6):
        inner = [inner] * 1000
    torch.save({"model": inner}, tmp_path / "model.pt")
    with pytest.raises(RequestError, match="too many"):
        read_foreign(tmp_path / "model.pt")


def test_a_compressed_checkpoint_is_refused(tmp_path):
    """Else a file of a megabyte unpacks to a gigabyte within torch."""
    with zipfile.ZipFile(tmp_path / "model.pt", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        file.writestr("archive/data/0", bytes(1 << 24))
    with pytest.raises(RequestError, match="compressed"):
        read_foreign(tmp_path / "model.pt")
