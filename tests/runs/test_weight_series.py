"""One weight of many steps: the numbers, and that the rest of the files is not read."""

import json

import pytest
import torch
from safetensors.torch import save

from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.checkpoints import HEADER, checkpoint_path, write_tensors


def test_one_weight_of_all_steps(copy):
    """Else a trajectory of a weight is another weight's, or of steps in another order."""
    found = copy.weight("embed.W_E")
    assert found.shape == (len(copy.steps), 8, 8)
    for place, step in enumerate(copy.steps):
        assert torch.equal(found[place], copy.weights(step)["embed.W_E"])
    assert torch.equal(copy.weight("embed.W_E", [20, 0]), found[[-1, 0]])


def test_some_weights_and_all(copy):
    """Else stacking weights loses one, or mixes them."""
    some = copy.weights_stacked([0, 10], ["unembed.W_U", "embed.W_E"])
    assert list(some) == ["unembed.W_U", "embed.W_E"]
    whole = copy.weights_stacked()
    assert list(whole) == list(copy.weights(0))
    assert torch.equal(whole["unembed.W_U"][:2], some["unembed.W_U"])


def test_the_rest_of_a_file_is_not_read(copy):
    """Else one weight of a thousand checkpoints costs reading all of them."""
    expected = copy.weight("embed.W_E")
    path = checkpoint_path(copy.checkpoints, 10)
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    offsets = json.loads(data[8 : 8 + length])
    nan = b"\x00\x00\xc0\x7f"
    for name, entry in offsets.items():
        if name not in ("__metadata__", "embed.W_E"):
            start, end = (8 + length + at for at in entry["data_offsets"])
            data[start:end] = nan * ((end - start) // 4)
    path.write_bytes(bytes(data))
    assert torch.equal(copy.weight("embed.W_E"), expected)
    with pytest.raises(UnsoundError, match="was changed since it was written"):
        copy.weights(10)
    with pytest.raises(UnsoundError, match="unembed.W_U was changed"):
        copy.weight("unembed.W_U")


def test_checks_are_those_of_whole_checkpoints(copy):
    """Else a file that `weights` refuses is read one weight at a time."""
    path = checkpoint_path(copy.checkpoints, 10)
    good, weights = path.read_bytes(), copy.weights(10)
    write_tensors(path, weights, 10, "0" * 16)
    with pytest.raises(UnsoundError, match="another run"):
        copy.weight("embed.W_E")
    write_tensors(path, weights, 11, copy.config_hash)
    with pytest.raises(UnsoundError, match="says it is step 11"):
        copy.weight("embed.W_E")
    write_tensors(path, weights | {"embed.W_E": torch.zeros(3)}, 10, copy.config_hash)
    with pytest.raises(UnsoundError, match="shape"):
        copy.weight("embed.W_E")
    rest = {k: w for k, w in weights.items() if k != "embed.W_E"}
    write_tensors(path, rest, 10, copy.config_hash)
    with pytest.raises(UnsoundError, match="missing"):
        copy.weight("embed.W_E")
    header = {"step": "10", "config": copy.config_hash, "schema": "99"}
    path.write_bytes(save(weights, {HEADER: json.dumps(header)}))
    with pytest.raises(UnsoundError, match="schema 99"):
        copy.weight("embed.W_E")
    path.write_bytes(good[:-4])
    with pytest.raises(UnsoundError, match="damaged"):
        copy.weight("embed.W_E")


def test_two_precisions(copy):
    """Else a step in float64 is rounded to the precision of the first."""
    weights = {k: w.double() + 1e-12 for k, w in copy.weights(10).items()}
    write_tensors(checkpoint_path(copy.checkpoints, 10), weights, 10, copy.config_hash)
    found = copy.weight("embed.W_E")
    assert found.dtype == torch.float64
    assert torch.equal(found[1], weights["embed.W_E"])


def test_requests_that_make_no_sense(copy):
    """Else a misspelt weight is a traceback."""
    with pytest.raises(RequestError, match="did you mean 'embed.W_E'"):
        copy.weight("embed.WE")
    with pytest.raises(RequestError, match="no checkpoint at step 7"):
        copy.weight("embed.W_E", [0, 7])
    with pytest.raises(RequestError, match="no step"):
        copy.weight("embed.W_E", [])
