"""Packed runs whose members lead elsewhere, are links, or are larger than they say."""

import json
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.errors import UnsoundError
from grokscope.runs.packed_form import is_safe, manifest_of


def pack_of(path: Path, members: dict[str, bytes], manifest: object = None) -> Path:
    """Write a zip file of these members, with a manifest that lists them truly where none is given."""
    from grokscope.runs.packed_form import Member, sha256

    if manifest is None:
        manifest = manifest_of(
            [Member(name, len(data), sha256(data)) for name, data in members.items()]
        )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
        file.writestr("manifest.json", json.dumps(manifest))
    return path


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/etc/passwd", "checkpoints/../../out", "a/b", "checkpoints/a/b", ".hidden", "a\nb", "a\x1bb",
     "a\u202eb", "C:x", "con", "NUL.txt", "x" * 201, "trailing.", "manifest.json", "Manifest.JSON", "",
     "checkpoints/", "\ud800"],
)  # fmt: skip
def test_names_that_lead_elsewhere(name, tmp_path):
    """Else unpacking writes outside of its folder, or names that a system cannot bear."""
    assert not is_safe(name)
    if name and "\ud800" not in name and name != "manifest.json":
        path = pack_of(tmp_path / "a.zip", {"config.json": b"{}", name: b"x"})
        with pytest.raises(UnsoundError):
            gs.unpack(path, tmp_path / "out" / "run")
    assert {p.name for p in tmp_path.iterdir()} <= {"a.zip", "out"}
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_names_that_are_one_to_some_systems(tmp_path):
    """Else one member takes the place of another where letters' case or accents do not count."""
    for one, other in (("Notes.txt", "notes.TXT"), ("é", "e\u0301")):
        path = pack_of(tmp_path / "a.zip", {"config.json": b"{}", one: b"x", other: b"y"})
        with pytest.raises(UnsoundError, match="twice"):
            gs.unpack(path, tmp_path / "out")


def test_members_that_are_links(tmp_path):
    """Else a member is made a link, through which the next one is written."""
    path = pack_of(tmp_path / "a.zip", {"config.json": b"{}"})
    with zipfile.ZipFile(path, "a") as file:
        info = zipfile.ZipInfo("checkpoints")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/tmp")
    with pytest.raises(UnsoundError, match="link"):
        gs.unpack(path, tmp_path / "out")


def test_bombs(tmp_path):
    """Else a small pack fills memory or disk: a member larger than it says, or of more bytes than are put together."""
    data = bytes(1 << 22)
    from grokscope.runs.packed_form import Member, sha256

    short = manifest_of([Member("config.json", 10, sha256(b""))])
    with pytest.raises(UnsoundError, match="bytes"):
        gs.unpack(pack_of(tmp_path / "a.zip", {"config.json": data}, short), tmp_path / "out")
    large = manifest_of([Member("config.json", 1 << 31, sha256(b""), "planes")])
    with pytest.raises(UnsoundError, match="bytes"):
        gs.unpack(pack_of(tmp_path / "b.zip", {"config.json": data}, large), tmp_path / "out")
    huge = manifest_of([Member(f"f{i}", 4 << 30, sha256(b"")) for i in range(20)])
    with pytest.raises(UnsoundError, match="unpacks to"):
        gs.unpack(pack_of(tmp_path / "c.zip", {"config.json": data}, huge), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_directory_of_millions(tmp_path):
    """Else Python makes an object of 1 kB for each entry of 46 bytes: of 60 MB, more than a gigabyte."""
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    )
    directory = entry * 1_300_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)
    path = tmp_path / "a.zip"
    path.write_bytes(directory + end)
    tracemalloc.start()
    with pytest.raises(UnsoundError, match="directory of"):
        gs.unpack(path, tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
