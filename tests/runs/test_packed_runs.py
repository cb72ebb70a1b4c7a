"""A packed run is the run, byte for byte; a file that is not what it says leaves nothing behind."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grokscope as gs
from grokscope.cli import main
from grokscope.errors import RequestError, UnsoundError
from grokscope.runs import packed_form
from grokscope.runs import unpack as unpack_module
from grokscope.runs.byte_planes import from_planes, to_planes
from grokscope.runs.packed_form import MANIFEST


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def packed(copy, tmp_path) -> Path:
    (copy.path / "cache").mkdir()
    (copy.path / "cache" / "outputs.json").write_text("{}")
    (copy.path / ".lock").write_text("1")
    (copy.path / "figures").mkdir()
    (copy.path / "figures" / "Größe 1.svg").write_text("<svg/>")
    return gs.pack(copy, tmp_path / "packed.zip")


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def rewrite(path: Path, members: dict[str, bytes], **changes) -> None:
    """Write a zip of these members; `manifest` changes the manifest's content."""
    members = dict(members)
    if "manifest" in changes:
        manifest = json.loads(members[MANIFEST])
        changes["manifest"](manifest)
        members[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", changes.get("method", zipfile.ZIP_DEFLATED)) as file:
        for name, data in members.items():
            file.writestr(name, data)


def refused(path: Path, out: Path, match: str, kind=UnsoundError) -> None:
    """Unpack; it must be refused in one line, and leave nothing."""
    before = sorted(p.name for p in out.parent.iterdir())
    with pytest.raises(kind, match=match) as caught:
        gs.unpack(path, out)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in out.parent.iterdir()) == before


def test_there_and_back(copy, packed, tmp_path):
    """Else what is shared is not what was measured."""
    restored = gs.unpack(packed, tmp_path / "deep" / "back")
    expected = {
        name: data
        for name, data in tree(copy.path).items()
        if not name.startswith(("cache/", ".lock", "state/"))
    }
    assert tree(restored.path) == expected
    assert restored.steps == copy.steps
    assert "figures/Größe 1.svg" in expected


def test_with_state_training_goes_on(copy, tmp_path):
    """Else `--state` packs something else than what training goes on from."""
    restored = gs.unpack(gs.pack(copy, tmp_path / "p.zip", state=True), tmp_path / "back")
    assert tree(restored.state) == tree(copy.state)
    assert tree(copy.state)


def test_the_same_run_gives_the_same_bytes(copy, packed, tmp_path):
    """Else nobody can tell whether two packed files hold the same run."""
    assert gs.pack(copy, tmp_path / "again.zip").read_bytes() == packed.read_bytes()


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_planes_lose_nothing(data, other):
    """Else a weight comes back with another last bit."""
    assert from_planes(to_planes(data)) == data
    before = (other + bytes(len(data)))[: len(data)]
    assert from_planes(to_planes(data, before), before) == data
    assert len(to_planes(data, before)) == len(data)


def test_planes_by_hand():
    """Else the folding of signs, or the order of the planes, is another than the format says."""
    now, before = (np.array(words, "<u4").tobytes() for words in ([5, 1, 2**32 - 1], [5, 2, 0]))
    assert to_planes(now) == bytes([5, 1, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255])
    assert to_planes(now, before) == bytes([0, 1, 1]) + bytes(9)
    assert to_planes(b"\x01\x02") == b"\x01\x02"
    with pytest.raises(ValueError, match="bytes before"):
        to_planes(now, before[:-4])


def test_differences_make_a_series_smaller(tmp_path):
    """Else the transform costs time and saves nothing: smooth weights pack to less than half of plain deflate."""
    import zlib

    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(20_000).astype("<f4")]
    for _ in range(5):
        weights.append(weights[-1] + 1e-4 * rng.standard_normal(20_000).astype("<f4"))
    plain = sum(len(zlib.compress(w.tobytes())) for w in weights[1:])
    coded = sum(
        len(zlib.compress(to_planes(b.tobytes(), a.tobytes())))
        for a, b in zip(weights, weights[1:], strict=False)
    )
    assert coded < 0.6 * plain


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "checkpoints/../../evil", "a\\b", "C:evil", ".hidden", "cache/x", "x/y/z",
     "checkpoints/", "", "manifest.json", "nul\x00byte", "line\nbreak"],
)  # fmt: skip
def test_names_that_lead_elsewhere(packed, tmp_path, name):
    """Else a file from a stranger writes outside of the run's directory."""
    members = content(packed)
    members.setdefault(name or "empty", b"x")

    def add(manifest):
        manifest["members"].append(
            {
                "name": name,
                "size": 1,
                "sha256": packed_form.sha256(b"x"),
                "coding": "plain",
                "before": "",
            }
        )

    rewrite(tmp_path / "bad.zip", members, manifest=add)
    refused(tmp_path / "bad.zip", tmp_path / "out", "has a member|twice|no plain file")


def test_a_link(packed, tmp_path):
    """Else a link in the file leads what is written after it outside."""
    members, bad = content(packed), tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            if name == "metrics.jsonl":
                info.external_attr = 0o120777 << 16
            file.writestr(info, data)
    refused(bad, tmp_path / "out", "is a link")


def test_members_twice(packed, tmp_path):
    """Else the file that is checked is not the one that is kept."""
    members, bad = content(packed), tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("config.json", b"{}")
    refused(bad, tmp_path / "out", "twice")

    def listed_twice(manifest):
        manifest["members"].append(dict(manifest["members"][0]))

    rewrite(bad, members, manifest=listed_twice)
    refused(bad, tmp_path / "out", "twice")

    def other_case(manifest):
        manifest["members"].append(dict(manifest["members"][0], name="CONFIG.json"))

    rewrite(bad, members | {"CONFIG.json": members["config.json"]}, manifest=other_case)
    refused(bad, tmp_path / "out", "twice")


def test_missing_and_additional_members(packed, tmp_path):
    """Else a run with holes, or with something that nobody listed, passes for the run."""
    members, bad = content(packed), tmp_path / "bad.zip"
    for name in ("metrics.jsonl", "checkpoints/step-00000000.safetensors"):
        rewrite(bad, {n: d for n, d in members.items() if n != name})
        refused(bad, tmp_path / "out", "lacks")
    rewrite(bad, members | {"notes.txt": b"hello"})
    refused(bad, tmp_path / "out", "does not list")
    rewrite(bad, {n: d for n, d in members.items() if n != MANIFEST})
    refused(bad, tmp_path / "out", f"has no {MANIFEST}")

    def no_config(manifest):
        manifest["members"] = [m for m in manifest["members"] if m["name"] != "config.json"]

    rewrite(bad, {n: d for n, d in members.items() if n != "config.json"}, manifest=no_config)
    refused(bad, tmp_path / "out", "has no config.json")


def test_changed_members(packed, tmp_path):
    """Else a flipped bit in a weight is analysed."""
    members, bad = content(packed), tmp_path / "bad.zip"
    for name, data in members.items():
        if name != MANIFEST:
            at = len(data) // 2
            rewrite(bad, members | {name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]})
            refused(bad, tmp_path / "out", "another SHA-256")


def test_sizes_that_are_not_so(packed, tmp_path, monkeypatch):
    """Else a small file fills the disk."""
    members, bad = content(packed), tmp_path / "bad.zip"

    def resize(size):
        def change(manifest):
            manifest["members"][0]["size"] = size

        return change

    for size, match in ((5, "as listed"), (-1, "0 to"), (1 << 50, "0 to")):
        rewrite(bad, members, manifest=resize(size))
        refused(bad, tmp_path / "out", match)
    monkeypatch.setattr(packed_form, "MAX_TOTAL", 1000)
    refused(packed, tmp_path / "out", "up to 1000")
    monkeypatch.undo()
    monkeypatch.setattr(unpack_module, "MAX_MANIFEST", 100)
    refused(packed, tmp_path / "out", "holds more than 100 bytes")
    monkeypatch.undo()
    monkeypatch.setattr(
        unpack_module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 9)
    )
    refused(packed, tmp_path / "out", "that are free", RequestError)


def test_a_bomb_that_lies_about_its_size(packed, tmp_path):
    """Else a member that says it has a hundred bytes unpacks to millions."""
    members, bad = content(packed), tmp_path / "bad.zip"
    rewrite(bad, members | {"metrics.jsonl": bytes(10_000_000)})
    raw = bytearray(bad.read_bytes())
    size = next(
        m["size"] for m in json.loads(members[MANIFEST])["members"] if m["name"] == "metrics.jsonl"
    )
    real = (10_000_000).to_bytes(4, "little")
    assert raw.count(real) == 2  # in the member's own header and in the directory
    bad.write_bytes(bytes(raw.replace(real, size.to_bytes(4, "little"))))
    refused(bad, tmp_path / "out", "damaged|more than|SHA-256")


def test_other_files(packed, tmp_path):
    """Else anything that is no packed run is a traceback."""
    bad, good = tmp_path / "bad.zip", packed.read_bytes()
    damaged = [b"", b"PK", good[: len(good) // 2], b"\x00" * 1000, good[100:]]
    for data in damaged:
        bad.write_bytes(data)
        refused(bad, tmp_path / "out", "damaged|no manifest")
    rewrite(bad, content(packed), method=zipfile.ZIP_LZMA)
    refused(bad, tmp_path / "out", "compressed by method")
    for text in (b"[]", b"{}", b"{", b"\xff", b"[" * 100_000):
        rewrite(bad, content(packed) | {MANIFEST: text})
        refused(bad, tmp_path / "out", "no packed run|damaged")

    def newer(manifest):
        manifest["schema"] = 99

    def other_coding(manifest):
        manifest["members"][0]["coding"] = "zstd"

    def from_nothing(manifest):
        manifest["members"][0] |= {"coding": "difference", "before": "later"}

    def not_described(manifest):
        manifest["members"][0].pop("sha256")

    for change, match in (
        (newer, "newer grokscope"),
        (other_coding, "coded as 'zstd'"),
        (from_nothing, "earlier member"),
        (not_described, "not described"),
    ):
        rewrite(bad, content(packed), manifest=change)
        refused(bad, tmp_path / "out", match)
    refused(tmp_path / "nowhere.zip", tmp_path / "out", "not a file", RequestError)


def test_places_that_are_taken(copy, packed, tmp_path):
    """Else somebody's files are overwritten, or a run is packed into itself."""
    (tmp_path / "out").mkdir()
    refused(packed, tmp_path / "out", "is there already", RequestError)
    with pytest.raises(RequestError, match="is there already"):
        gs.pack(copy, packed)
    with pytest.raises(RequestError, match="in the run itself"):
        gs.pack(copy, copy.path / "p.zip")


def test_runs_that_cannot_be_packed(copy, tmp_path):
    """Else a link in a run sends a file from elsewhere to others."""
    (copy.path / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(RequestError, match="no plain file"):
        gs.pack(copy, tmp_path / "p.zip")
    (copy.path / "link.txt").unlink()
    (copy.path / "what?.txt").write_text("")
    with pytest.raises(RequestError, match="not every system"):
        gs.pack(copy, tmp_path / "p.zip")
    assert not (tmp_path / "p.zip").exists()


def test_the_commands(copy, tmp_path, capsys):
    """Else the command line packs, or restores, something else than the library."""
    file = tmp_path / "p.zip"
    assert main(["pack", str(copy.path), "--out", str(file), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "bytes": file.stat().st_size}
    back = tmp_path / "back"
    assert main(["unpack", str(file), "--out", str(back), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": str(back), "steps": [0, 10, 20]}
    assert main(["unpack", str(file), "--out", str(back)]) == 2
    file.write_bytes(b"no zip")
    assert main(["unpack", str(file), "--out", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err.count("\n") == 2
    assert main(["pack", str(copy.path)]) == 0
    assert copy.path.with_suffix(".zip").is_file()
