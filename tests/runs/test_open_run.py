"""Opening a run: everything that can be wrong with a directory or a checkpoint, each said in one line."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.runs.checkpoints import checkpoint_path, list_steps, read_tensors, write_tensors
from grokscope.runs.run import open_run


def one_line(caught, *words: str) -> None:
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def edit_config(run, change) -> None:
    file = run.path / "config.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def test_a_run_is_opened_as_it_was_written(trained):
    """Else what is analysed is not what was trained."""
    run = open_run(str(trained))
    assert run.name == "run"
    assert run.steps == (0, 10, 20)
    assert run.config_hash == run.config.hash()
    assert run.snapshot().step == 20
    assert [snap.step for snap in run.snapshots([10, 0])] == [10, 0]
    assert all(w.dtype == torch.float32 for w in run.weights(10).values())


@pytest.mark.parametrize("what", ["nothing", "file", "folder", "folder of runs"])
def test_a_directory_that_is_no_run(trained, tmp_path, what):
    """Else a wrong path ends in a traceback, or in an empty analysis."""
    path = tmp_path / "x"
    if what == "file":
        path.write_text("")
    elif what == "folder":
        path.mkdir()
    elif what == "folder of runs":
        path = trained.parent
    with pytest.raises(RequestError) as caught:
        open_run(path)
    one_line(caught, str(path), "a run directory")
    if what == "folder of runs":
        one_line(caught, "it holds the runs run")


def test_an_empty_run(copy):
    """Else a run without a checkpoint is analysed as if nothing had happened in it."""
    for file in copy.checkpoints.iterdir():
        file.unlink()
    run = open_run(copy.path)
    assert run.steps == ()
    for ask in (run.snapshot, lambda: run.weights(0)):
        with pytest.raises(RequestError) as caught:
            ask()
        one_line(caught, "has no checkpoint", "train it first")
    copy.checkpoints.rmdir()
    with pytest.raises(RequestError) as caught:
        open_run(copy.path)
    one_line(caught, "empty run")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"schema": 1}', '{"config": {}}', "\xff\xfe"]
)
def test_a_config_that_is_none(copy, text):
    """Else a half-written config.json ends in a traceback."""
    (copy.path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RequestError) as caught:
        open_run(copy.path)
    one_line(caught, "config.json")


def test_a_changed_config(copy):
    """Else the checkpoints are read as those of another task."""
    edit_config(copy, lambda record: record["config"]["task"].update(p=11))
    with pytest.raises(UnsoundError) as caught:
        open_run(copy.path)
    one_line(caught, "was changed", copy.config_hash)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["task"].update(p="x"),
        lambda c: c["task"].update(more=1),
        lambda c: c["optimiser"].update(lr=float("nan")),
        lambda c: c.update(task=3),
    ],
)
def test_a_config_with_wrong_fields(copy, change):
    """Else a value of a wrong type is believed."""
    edit_config(copy, lambda record: change(record["config"]))
    with pytest.raises(GrokscopeError) as caught:
        open_run(copy.path)
    one_line(caught)


def test_a_config_of_an_older_grokscope_keeps_its_hash(copy):
    """Else every field that is added later makes all runs of today unreadable."""
    from grokscope.config import config_hash

    def forget_a_field(record):
        del record["config"]["split"]["label_seed"], record["info_hash"]
        record["schema"] = 1
        record["config_hash"] = config_hash(record["config"])

    edit_config(copy, forget_a_field)
    run = open_run(copy.path)
    assert run.config.split.label_seed == 0
    assert run.config_hash != run.config.hash(), "its checkpoints carry the hash of its own file"


def test_a_newer_schema(copy):
    """Else a run of a later grokscope is half understood."""
    edit_config(copy, lambda record: record.update(schema=99))
    with pytest.raises(RequestError) as caught:
        open_run(copy.path)
    one_line(caught, "schema 99", f"grokscope {copy.info['versions']['grokscope']}", "newer one")


def test_a_step_that_is_not_there(copy):
    """Else the nearest checkpoint is taken for the one that was asked for."""
    for ask in (copy.weights, copy.snapshot):
        with pytest.raises(RequestError) as caught:
            ask(11)
        one_line(caught, "no checkpoint at step 11", "[0, 10, 20]")


@pytest.mark.parametrize("keep", [0, 1, 8, 100, 0.5, -1])
def test_a_truncated_checkpoint(copy, keep):
    """Else a file cut off in transit ends in a traceback, or is read as far as it goes."""
    path = checkpoint_path(copy.checkpoints, 10)
    data = path.read_bytes()
    size = int(keep * len(data)) if isinstance(keep, float) else keep
    path.write_bytes(data[:size])
    with pytest.raises(UnsoundError) as caught:
        copy.weights(10)
    one_line(caught, "step-00000010.safetensors")
    assert copy.weights(20), "the others are still readable"


def weights_or_error(run, step: int) -> dict[str, torch.Tensor] | str:
    try:
        return run.weights(step)
    except UnsoundError as error:
        return str(error)


def test_any_flipped_bit_of_the_header(copy):
    """Else a damaged header moves a weight's bytes to another weight, or ends in a traceback."""
    path = checkpoint_path(copy.checkpoints, 10)
    data, before = path.read_bytes(), copy.weights(10)
    length = 8 + int.from_bytes(data[:8], "little")
    refused = 0
    for at in range(length):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        found = weights_or_error(copy, 10)
        if isinstance(found, str):
            refused += 1
            assert "\n" not in found
        else:
            assert found.keys() == before.keys()
            assert all(torch.equal(found[name], before[name]) for name in before), at
    assert refused > 0.8 * length


def test_a_checkpoint_of_another_run(copy):
    """Else two runs are mixed in one folder without a word."""
    path = checkpoint_path(copy.checkpoints, 10)
    write_tensors(path, copy.weights(20), 10, "0" * 16)
    with pytest.raises(UnsoundError) as caught:
        copy.weights(10)
    one_line(caught, "belongs to another run", copy.config_hash)


def test_a_checkpoint_under_another_step(copy):
    """Else a renamed file moves an event."""
    checkpoint_path(copy.checkpoints, 20).rename(checkpoint_path(copy.checkpoints, 15))
    with pytest.raises(UnsoundError) as caught:
        copy.weights(15)
    one_line(caught, "says it is step 20")


def test_a_checkpoint_without_our_header(copy):
    """Else any safetensors file passes for a checkpoint of this run."""
    path = checkpoint_path(copy.checkpoints, 10)
    save_file(load_file(path), path)
    with pytest.raises(UnsoundError) as caught:
        copy.weights(10)
    one_line(caught, "belongs to another run")


def test_a_checkpoint_of_a_newer_schema(copy):
    """Else tensors of a later layout are read as today's."""
    path = checkpoint_path(copy.checkpoints, 10)
    write_tensors(path, copy.weights(20), 10, copy.config_hash, schema="99")
    with pytest.raises(UnsoundError) as caught:
        copy.weights(10)
    one_line(caught, "schema 99")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.update({"blocks.0.mlp.W_in": torch.zeros(12, 8)}), "(12, 8) in the file"),
        (lambda w: w.pop("unembed.W_U"), "unembed.W_U is missing"),
        (lambda w: w.update(more=torch.zeros(2)), "more is not one of the model's"),
        (lambda w: w["unembed.W_U"][0].fill_(float("nan")), "unembed.W_U holds NaN"),
        (lambda w: w["unembed.W_U"][0].fill_(float("inf")), "unembed.W_U holds NaN or infinity"),
        (lambda w: w.update({"blocks.0.mlp.b_in": torch.zeros(12, dtype=torch.int32)}), "int32"),
    ],
)
def test_weights_that_are_not_the_models(copy, change, words):
    """Else NaN or another shape goes into every measure."""
    weights = copy.weights(10)
    change(weights)
    write_tensors(checkpoint_path(copy.checkpoints, 10), weights, 10, copy.config_hash)
    with pytest.raises(UnsoundError) as caught:
        copy.weights(10)
    one_line(caught, words, "step-00000010.safetensors")


def test_equal_weights_give_equal_bytes(tmp_path):
    """Else equal runs have unequal files, and a repetition cannot be checked by comparing them."""
    weights = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}
    for name in ("one", "two"):
        write_tensors(tmp_path / name, weights, 3, "hash", note="x")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    tensors, header = read_tensors(tmp_path / "one", "hash")
    assert header == {"step": "3", "config": "hash", "schema": "2", "note": "x"}
    assert all(torch.equal(tensors[name], weights[name]) for name in weights)


def test_steps_in_a_folder(tmp_path):
    """Else a half-written or foreign file counts as a checkpoint, or steps are in the order of their names."""
    names = [
        "step-00000010",
        "step-00000002",
        "step-100000000",
        ".step-00000003",
        "step-5",
        "other",
    ]
    for name in names:
        (tmp_path / f"{name}.safetensors").write_text("")
    (tmp_path / ".step-00000007.safetensors.abc.part").write_text("")
    assert list_steps(tmp_path) == (2, 10, 100000000)
    with pytest.raises(RequestError):
        list_steps(tmp_path / "none")
