"""densify on a run that was tampered with, on a full disk, killed, interrupted, beside another writer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from densify_killed import digests

import grokscope
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.checkpoints import checkpoint_path, read_tensors, write_tensors
from grokscope.runs.densified import FILE as DENSIFIED_FILE
from grokscope.runs.densified import read_densified
from grokscope.runs.lock import only_writer
from grokscope.runs.metrics import read_metrics, write_metrics
from grokscope.runs.run import Run, open_run, write_config
from grokscope.training.densify import densify, plan_densify, replaying
from grokscope.training.loop import train_run

CONFIG = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3,
    steps=30, eval_every=4, checkpoint_every=5, keyframe_every=10, batch_size=8,
)  # fmt: skip
SCRIPT = Path(__file__).with_name("densify_killed.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 30 steps with a checkpoint every 5 and a key frame every 10."""
    return train_run(CONFIG, tmp_path_factory.mktemp("trained") / "run")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(trained.path, tmp_path / "run")
    return open_run(tmp_path / "run")


def forge(run: Run, folder: str, step: int, change) -> None:
    """Change the tensors of a file and write it as grokscope does, every digest right."""
    path = checkpoint_path(run.path / folder, step)
    tensors, _ = read_tensors(path)
    change(tensors)
    write_tensors(path, tensors, step, run.config_hash)


def nudge(name: str):
    """Change the first entry of a tensor by the least that float32 can hold."""

    def change(tensors: dict[str, torch.Tensor]) -> None:
        flat = tensors[name].reshape(-1)
        flat[0] = torch.nextafter(flat[0], torch.tensor(torch.inf))

    return change


def scale(name: str, factor: float):
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name] *= factor

    return change


def nothing_added(run: Run, before: dict[str, str]) -> None:
    assert digests(run.path) == before
    assert not (run.path / ".densify").exists()


def test_a_key_frame_with_a_flipped_byte_is_refused(run):
    """Else a bad disk becomes weights that the run never had."""
    path = checkpoint_path(run.state, 10)
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(bytes(data))
    before = digests(run.path)
    with pytest.raises(UnsoundError, match=r"damaged.*restore or delete.*--from 0") as error:
        densify(run, (11, 13))
    assert "\n" not in str(error.value)
    nothing_added(run, before)


def test_a_forged_key_frame_is_not_the_checkpoint_of_its_step(run, monkeypatch):
    """Else weights that somebody changed are replayed from: they are compared before anything is."""
    forge(run, "state", 20, nudge("weights.embed.W_E"))
    before = digests(run.path)
    monkeypatch.setattr(replaying, "replayer", lambda *a: pytest.fail("it replayed"))
    with pytest.raises(
        UnsoundError, match="embed.W_E differs most.*one of the two was changed.*--from 10"
    ):
        densify(run, (21, 23))
    nothing_added(run, before)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("optimiser.blocks.0.mlp.W_in.exp_avg", 1.01), ("optimiser.embed.W_E.exp_avg_sq", 0.5)],
)
def test_a_forged_memory_of_the_optimiser_is_caught_on_arrival(run, name, factor):
    """Else a key frame with the right weights and a false memory leads to checkpoints that never were."""
    forge(run, "state", 10, scale(name, factor))
    before = digests(run.path)
    with pytest.raises(UnsoundError) as error:
        densify(run, (13, 14))
    words = str(error.value)
    assert "does not meet" in words
    assert "nothing was added" in words
    assert "the key frame, or the stored file, was changed" in words
    assert "--from 0" in words
    nothing_added(run, before)


def test_a_forged_batch_order_is_caught_on_arrival(run):
    """Else the replay sees other rows than the run did."""
    forge(run, "state", 10, lambda t: t.update({"order.epoch": t["order.epoch"].flip(0)}))
    before = digests(run.path)
    with pytest.raises(UnsoundError, match="does not meet"):
        densify(run, (11, 14))
    nothing_added(run, before)


def test_around_a_bad_key_frame_with_from(run, trained, tmp_path):
    """Else one bad key frame loses the steps after it, though an earlier one leads there too."""
    forge(run, "state", 20, scale("optimiser.embed.W_E.exp_avg", 2.0))
    with pytest.raises(UnsoundError, match="--from 10"):
        densify(run, (21, 24))
    found = densify(run, (21, 24), start=10)
    assert (found.added, found.plan.start) == ((21, 22, 23, 24), 10)
    shutil.copytree(trained.path, tmp_path / "whole")
    for step in densify(open_run(tmp_path / "whole"), (21, 24)).added:
        name = checkpoint_path(Path("checkpoints"), step)
        assert (run.path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_forged_checkpoint_keeps_what_was_proved_before_it(run):
    """Else one bad checkpoint loses all, or what comes after it is added unproved."""
    forge(run, "checkpoints", 25, nudge("unembed.W_U"))
    with pytest.raises(UnsoundError) as error:
        densify(run, (11, 29))
    words = str(error.value)
    assert (
        "does not meet the stored checkpoint at step 25: unembed.W_U differs most, by up to"
        in words
    )
    assert "8 checkpoints up to 19, which were proved, are added" in words
    assert "key frame, or" not in words, "it led to steps 15 and 20"
    assert set(run.steps) == {*range(0, 31, 5), *range(11, 20)}
    assert read_densified(run.path)[0].proved_at == 20


def test_a_changed_line_of_metrics_is_found(run):
    """Else what the run recorded and what it did are two stories, and densify adds to both."""
    path = run.path / "metrics.jsonl"
    lines = read_metrics(path)
    next(line for line in lines if line["step"] == 12)["loss_train"] *= 1 + 1e-15
    write_metrics(path, lines)
    before = digests(run.path)
    with pytest.raises(UnsoundError, match=r"the line of metrics.jsonl at step 12: loss_train is"):
        densify(run, (11, 14))
    nothing_added(run, before)


def test_another_version_is_named_where_it_does_not_arrive(run):
    """Else a user on another machine is told of a forger, and not of the version."""
    run.info["versions"]["torch"] = "1.13.0"
    write_config(run)
    forge(run, "state", 10, scale("optimiser.embed.W_E.exp_avg", 1.5))
    with pytest.raises(UnsoundError, match="torch was 1.13.0, is"):
        densify(open_run(run.path), (11, 14))


def test_a_full_disk_is_said_beforehand(run, monkeypatch):
    """Else a disk is filled to the brim before it is known that the checkpoints do not fit."""
    usage = shutil.disk_usage(run.path)
    monkeypatch.setattr(replaying.shutil, "disk_usage", lambda path: usage._replace(free=9_000))
    before = digests(run.path)
    with pytest.raises(RequestError, match=r"4 checkpoints take .* MB, and the disk has 0.0 MB"):
        densify(run, (11, 14))
    nothing_added(run, before)


def test_a_disk_that_fills_meanwhile_keeps_what_was_proved(run, monkeypatch):
    """Else a full disk in the middle leaves half a densifying."""
    from grokscope.training import writer

    plain, left = writer.write_tensors, [7]

    def full(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            raise RequestError("cannot write: No space left on device")
        plain(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_tensors", full)
        with pytest.raises(RequestError, match="No space left"):
            densify(run, (11, 19))
    assert run.steps == (0, 5, 10, 11, 12, 13, 14, 15, 20, 25, 30)
    assert read_densified(run.path)[0].steps == (11, 12, 13, 14)
    assert not (run.path / ".densify").exists()
    assert densify(run, (11, 19)).added == (16, 17, 18, 19)
    assert len(read_densified(run.path)) == 1


def test_an_interrupt_keeps_what_was_proved_and_the_same_command_goes_on(run, trained, tmp_path):
    """Else Ctrl-C in a long replay loses all of it, or leaves what has no proof."""

    def stop(done: int, total: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        densify(run, (11, 19), on_step=stop)
    assert run.steps == (0, 5, 10, 11, 12, 13, 14, 15, 20, 25, 30)
    assert not (run.path / ".densify").exists()
    assert densify(run, (11, 19)).added == (16, 17, 18, 19)
    shutil.copytree(trained.path, tmp_path / "whole")
    densify(open_run(tmp_path / "whole"), (11, 19))
    assert digests(run.path) == digests(tmp_path / "whole")


def test_a_second_writer_is_refused(run):
    """Else two densify, or train, one run at the same time."""
    child = os.fork()
    if child == 0:
        with only_writer(run.path):
            try:
                code = 1
                densify(run, (11, 14))
            except RequestError as error:
                code = 0 if "written by another process" in str(error) else 2
            os._exit(code)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"added": [], "digest": "0"}',
        '{"added": [{"low": 3}], "digest": ""}',
        "\x00",
        '{"added": [1e999], "digest": "0"}',
        '{"added": ' + 960 * "[" + 960 * "]" + ', "digest": "0"}',
    ],
    ids=lambda text: text[:20],
)
def test_a_damaged_record_is_one_line(run, text):
    """Else densified.json, of which events depend, is believed whatever it says."""
    (run.path / DENSIFIED_FILE).write_text(text)
    with pytest.raises(UnsoundError, match="densified.json") as error:
        densify(run, (11, 14))
    assert "\n" not in str(error.value)


def test_an_edited_record_is_noticed(run):
    """Else a step that somebody struck from the list is a declared one from then on."""
    densify(run, (11, 14))
    path = run.path / DENSIFIED_FILE
    value = json.loads(path.read_text())
    value["added"][0]["steps"].remove(12)
    path.write_text(json.dumps(value))
    with pytest.raises(UnsoundError, match="its digest is another"):
        read_densified(run.path)


def killed_at(numbers: list[int], path: Path) -> list[dict]:
    env = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(grokscope.__file__).parents[1]),
    }
    words = [sys.executable, str(SCRIPT), str(path), "11", "19", "2", *map(str, numbers)]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def every_kill_leaves_a_sound_run(numbers: list[int], run: Run, whole: Path) -> list[dict]:
    densify(open_run(whole), (11, 19), 2)
    wanted = digests(whole)
    found = killed_at(numbers, run.path)
    assert len(found) == len(numbers)
    for number, each in zip(numbers, found, strict=True):
        assert each["state"] == {
            "sound": True, "untold": [], "missing": [], "lines in order": True, "untold lines": [],
        }, number  # fmt: skip
        assert each["again"], number
        assert each["files"] == wanted, number
    return found


def test_killed_at_any_moment_and_done_again_is_the_same(run, trained, tmp_path):
    """Else kill -9 leaves checkpoints that nobody knows of, or lines without checkpoints, or another end."""
    shutil.copytree(trained.path, tmp_path / "whole")
    found = every_kill_leaves_a_sound_run(
        [2, 11, 17, 20, 22, 25, 28, 31, 37, 900], run, tmp_path / "whole"
    )
    assert [each["done"] for each in found] == [False] * 9 + [True]


@pytest.mark.slow
def test_killed_before_every_single_call(run, trained, tmp_path):
    """Else there is one moment that was not tried."""
    shutil.copytree(trained.path, tmp_path / "whole")
    found = every_kill_leaves_a_sound_run(list(range(1, 100)), run, tmp_path / "whole")
    calls = sum(not each["done"] for each in found)
    assert 40 < calls < 99
    assert [each["done"] for each in found] == [n >= calls for n in range(99)]


def test_the_plan_needs_no_lock_and_changes_nothing(run):
    """Else looking at what would be done does something."""
    before = digests(run.path)
    with only_writer(run.path):
        assert plan_densify(run, (11, 19)).missing == (11, 12, 13, 14, 16, 17, 18, 19)
    assert digests(run.path) == before
