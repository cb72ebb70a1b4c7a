"""Digests of config.json and of tensors: whatever changes between writing and reading is noticed by the reader."""

import hashlib
import json
import struct

import pytest
import torch
from safetensors.torch import load_file, save

from grokscope.errors import GrokscopeError, UnsoundError
from grokscope.runs.checkpoints import HEADER, checkpoint_path, read_tensors, write_tensors
from grokscope.runs.run import open_run, write_config
from grokscope.runs.seal import object_digest, tensor_digest, text_sum

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.float64)}


def header_of(path) -> dict:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"][HEADER])


def test_digests_by_hand():
    """Else a digest is of something else than what is written about it, and no other program can verify one."""
    data = b"a\ntorch.float32\n(2, 3)\n" + struct.pack("<6f", *range(6))
    assert tensor_digest("a", WEIGHTS["a"]) == hashlib.sha256(data).hexdigest()[:32]
    whole = b'{"a":[1,2],"b":{"3":0.1}}'
    assert object_digest({"b": {3: 0.1}, "a": (1, 2)}) == hashlib.sha256(whole).hexdigest()[:32]
    assert text_sum("ä") == hashlib.sha256(b"\xc3\xa4").hexdigest()[:16]


@pytest.mark.parametrize(
    "tensor", [torch.tensor(3.0), torch.empty(0), torch.tensor([True]), torch.ones(2).bfloat16(),
               torch.arange(12).reshape(3, 4).T, torch.zeros(3, dtype=torch.uint8)],
)  # fmt: skip
def test_any_tensor_is_written_and_read(tmp_path, tensor):
    """Else a key frame with a number, an empty batch or a generator's bytes cannot be written."""
    write_tensors(tmp_path / "x", {"t": tensor}, 3, "hash")
    back = read_tensors(tmp_path / "x", "hash")[0]["t"]
    assert back.dtype == tensor.dtype
    assert torch.equal(back, tensor)


def forged(tensors, header) -> bytes:
    return save({k: t.contiguous() for k, t in tensors.items()}, {HEADER: json.dumps(header)})


CHANGES = {
    "a value": lambda w, h: (w | {"a": w["a"] + 1}, h),
    "one bit": lambda w, h: (w | {"a": torch.nextafter(w["a"], torch.tensor(9.0))}, h),
    "names exchanged": lambda w, h: ({"a": w["b"], "b": w["a"]}, h),
    "a tensor renamed": lambda w, h: ({"a": w["a"], "c": w["b"]}, h),
    "a tensor removed": lambda w, h: ({"a": w["a"]}, h),
    "a tensor added": lambda w, h: (w | {"c": w["a"] + 1}, h),
    "another shape": lambda w, h: (w | {"a": w["a"].reshape(3, 2)}, h),
    "another precision": lambda w, h: (w | {"b": w["b"].view(torch.int64)}, h),
    "another step": lambda w, h: (w, h | {"step": "4"}),
    "another note": lambda w, h: (w, h | {"note": "y"}),
    "a field more": lambda w, h: (w, h | {"more": "y"}),
    "an older schema": lambda w, h: (w, h | {"schema": "1"}),
    "no digests": lambda w, h: (w, {k: h[k] for k in ("step", "config", "schema", "note")}),
    "no digest of the header": lambda w, h: (w, {k: v for k, v in h.items() if k != "digest"}),
    "no digests of tensors": lambda w, h: (w, {k: v for k, v in h.items() if k != "tensors"}),
    "digests of another kind": lambda w, h: (w, h | {"tensors": 3}),
    "a schema that is no number": lambda w, h: (w, h | {"schema": "9" * 5000}),
    "no header": lambda w, h: (w, {}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(tmp_path, change):
    """Else a bad disk, a wrong copy or an edited header is taken for the run's own weights."""
    path = tmp_path / "x"
    write_tensors(path, WEIGHTS, 3, "hash", note="x")
    path.write_bytes(forged(WEIGHTS, header_of(path)))
    assert read_tensors(path, "hash")[0].keys() == WEIGHTS.keys()
    path.write_bytes(forged(*CHANGES[change](WEIGHTS, header_of(path))))
    with pytest.raises(UnsoundError) as caught:
        read_tensors(path, "hash")
    assert "\n" not in str(caught.value)


def test_a_partial_read_verifies_what_it_reads(tmp_path):
    """Else one weight of many steps is read without a look, or a damaged other weight forbids it."""
    path = tmp_path / "x"
    write_tensors(path, WEIGHTS, 3, "hash")
    path.write_bytes(forged(WEIGHTS | {"a": WEIGHTS["a"] + 1}, header_of(path)))
    assert torch.equal(read_tensors(path, "hash", ["b"])[0]["b"], WEIGHTS["b"])
    with pytest.raises(UnsoundError, match="a was changed"):
        read_tensors(path, "hash", ["a"])


def test_files_of_the_first_schema_are_read_as_they_are(copy):
    """Else all runs of yesterday are unreadable."""
    path = checkpoint_path(copy.checkpoints, 10)
    header = {"step": "10", "config": copy.config_hash, "schema": "1"}
    path.write_bytes(save(load_file(path), {HEADER: json.dumps(header)}))
    assert set(read_tensors(path)[1]) == {"step", "config", "schema"}
    assert copy.weights(10).keys() == copy.weights(20).keys()


def test_a_file_that_is_larger_than_the_model(copy):
    """Else a stranger's checkpoint of 4 GB is read before anybody looks at its shapes."""
    path = checkpoint_path(copy.checkpoints, 10)
    with path.open("ab") as file:
        file.truncate(1 << 30)
    with pytest.raises(UnsoundError, match="at most"):
        copy.weights(10)


def test_every_byte_of_config_json_counts(copy):
    """Else an edited seed, number of threads or origin goes unseen: the configuration's hash covers a part of it."""
    file = copy.path / "config.json"
    before = file.read_bytes()
    info, noticed, same = copy.info, 0, 0
    for at in range(0, len(before), 7):
        changed = bytearray(before)
        changed[at] ^= 1 << at % 8
        file.write_bytes(changed)
        try:
            found = open_run(copy.path).info
        except GrokscopeError:
            noticed += 1
        else:
            assert found == info, at  # a space became another white space
            same += 1
    assert noticed > 5 * same


@pytest.mark.parametrize(
    "change",
    [
        lambda i: i.update(threads=7),
        lambda i: i["versions"].update(torch="1"),
        lambda i: i.pop("info_hash"),
        lambda i: i.update(info_hash=3),
        lambda i: i.update(more=None),
        lambda i: i.pop("declared_checkpoints"),
    ],
)
def test_a_changed_record_is_refused(copy, change):
    """Else what a repetition needs is not what the run was made with."""
    file = copy.path / "config.json"
    info = json.loads(file.read_text())
    change(info)
    file.write_text(json.dumps(info))
    with pytest.raises(UnsoundError, match="was changed"):
        open_run(copy.path)


def test_a_record_is_sealed_anew(copy):
    """Else a run whose engine is known only after its folder was made cannot be opened."""
    copy.info["threads"] = 7
    write_config(copy)
    found = open_run(copy.path)
    assert found.info == copy.info
    assert found.info["threads"] == 7
    write_config(found)
    assert open_run(copy.path).info == copy.info


def test_key_frames(copy):
    """Else nobody finds the key frames, or a run without any ends in a traceback."""
    assert copy.keyframes[-1] == 20
    for path in copy.state.iterdir():
        path.unlink()
    assert copy.keyframes == ()
    copy.state.rmdir()
    assert copy.keyframes == ()
