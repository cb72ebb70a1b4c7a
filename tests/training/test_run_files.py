"""Whole runs: what is kept, repeated to the bit, interrupted, resumed, diverged."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import grokscope
from grokscope.checking import check
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError, UnsoundError
from grokscope.models.transformer import HookedTransformer
from grokscope.runs.checkpoints import list_steps
from grokscope.runs.metrics import metric_arrays
from grokscope.runs.run import Run, open_run, write_config
from grokscope.training import trainer
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run

TINY = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3,
    steps=30, eval_every=4, checkpoint_every=7, checkpoint_steps=(2, 23),
)  # fmt: skip

VARIANTS = {
    "adamw, full batch": {},
    "adamw, minibatch": dict(batch_size=8),
    "adam, minibatch": dict(optimiser="adam", batch_size=9, weight_decay=0.1),
    "sgd with momentum": dict(optimiser="sgd", momentum=0.9, batch_size=8, weight_decay=0.01),
    "sgd without": dict(optimiser="sgd", weight_decay=0.01),
    "two layers, float64": dict(n_layers=2, normalization="pre", dtype="float64", batch_size=8),
}


def files(run: Run | Path) -> dict[str, bytes]:
    """Return every file of a run but config.json, which has no place for chance, and the lock."""
    path = run.path if isinstance(run, Run) else run
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def assert_same_files(one: Run | Path, other: Run | Path, but: set[str] | None = None) -> None:
    first, second = files(one), files(other)
    names = set(first) ^ set(second)
    assert names <= (but or set()), f"in one of the two only: {names}"
    different = {name for name in first.keys() & second.keys() if first[name] != second[name]}
    assert not different


def state_name(step: int) -> str:
    return f"state/step-{step:08d}.safetensors"


def test_checkpoints_are_the_declared_ones(tmp_path):
    """Else what was promised before training is not what is there after it."""
    run = train_run(TINY, tmp_path / "run")
    assert run.steps == TINY.schedule.checkpoints() == (0, 2, 7, 14, 21, 23, 28, 30)
    assert run.info["declared_checkpoints"] == list(run.steps)
    assert [line["step"] for line in run.metrics()] == sorted(set(range(0, 31, 4)) | set(run.steps))
    assert [p.name for p in run.state.iterdir()] == ["step-00000030.safetensors"]
    assert open_run(run.path).config == run.config
    assert not list(run.path.rglob("*.part"))


def test_key_frames(tmp_path):
    """Else training cannot go on from where it was asked to keep its state."""
    run = train_run(override(TINY, keyframe_every=10), tmp_path / "run")
    assert sorted(p.name for p in run.state.iterdir()) == [
        f"step-000000{step}.safetensors" for step in (10, 20, 30)
    ]


@pytest.mark.parametrize("options", [{}, dict(label_shuffle=True, p=11), dict(batch_size=8)])
def test_metrics_are_those_of_the_checkpoints(tmp_path, options):
    """Else metrics.jsonl and the checkpoints tell two stories: recomputed by the hooked model, in float64."""
    run = train_run(override(TINY, **options), tmp_path / "run")
    lines = {line["step"]: line for line in run.metrics()}
    labels = torch.as_tensor(run.split.labels)
    for step in run.steps:
        weights = {k: w.double() for k, w in run.weights(step).items()}
        model = HookedTransformer(run.config.model, weights)
        logits = model(torch.as_tensor(run.task.tokens))[:, -1].detach()
        for name in ("train", "test", "test_twin_free"):
            rows = torch.as_tensor(run.split.rows(name))
            loss = torch.nn.functional.cross_entropy(logits[rows], labels[rows])
            accuracy = (logits.argmax(1) == labels)[rows].double().mean()
            assert lines[step][f"loss_{name}"] == pytest.approx(float(loss), abs=1e-6)
            assert lines[step][f"accuracy_{name}"] == pytest.approx(float(accuracy), abs=1e-9)
            snap = run.snapshot(step)
            assert getattr(snap.loss, name) == pytest.approx(float(loss), abs=1e-6)


@pytest.mark.parametrize("variant", ["adamw, full batch", "adamw, minibatch"])
def test_two_runs_are_equal_to_the_bit(tmp_path, variant):
    """Else a run cannot be repeated, and a difference between two runs says nothing."""
    config = override(TINY, **VARIANTS[variant])
    one, two = (train_run(config, tmp_path / name) for name in ("one", "two"))
    assert_same_files(one, two)
    assert one.info["threads"] == torch.get_num_threads()


TWO_THREADS = """
import sys
from pathlib import Path
import torch
from grokscope.checking import check
from grokscope.config import RunConfig, override
from grokscope.training.loop import train_run

assert torch.get_num_threads() == 2
for batch_size in (0, 700):
    config = override(
        RunConfig(), p=47, d_model=32, d_head=8, d_mlp=96, steps=5, warmup=0, batch_size=batch_size
    )
    for name in ("one", "two"):
        train_run(config, Path(sys.argv[1]) / f"{name}-{batch_size}")
"""


def test_two_runs_of_two_threads_are_equal_to_the_bit(tmp_path):
    """Else threads race: sums of a gradient in the order in which threads come. Large enough that torch uses both."""
    # Passive: on a busy machine, waiting threads would take the time of working ones. A process of its own, since a
    # pool of threads once made slows all later tests down.
    env = os.environ | {
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": str(Path(grokscope.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", TWO_THREADS, str(tmp_path)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for batch_size in (0, 700):
        one, two = (open_run(tmp_path / f"{name}-{batch_size}") for name in ("one", "two"))
        assert one.info["threads"] == 2
        assert_same_files(one, two)


def test_a_run_leaves_torch_and_signals_as_they_were(tmp_path):
    """Else training takes Ctrl-C, switches deterministic algorithms on, or draws from a notebook's generator."""
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    generator, handler = torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    train_run(override(TINY, batch_size=8), tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is handler
    assert (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()) == before
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("stop", [0, 13, 30])
@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, variant, stop):
    """Else an interruption changes the run: weights, optimiser, batch order and metrics must be the same bytes."""
    config = override(TINY, **VARIANTS[variant])
    whole = train_run(config, tmp_path / "whole")
    part = train_run(config, tmp_path / "part", stop_after=stop)
    assert part.steps == tuple(s for s in whole.steps if s <= stop)
    resumed = resume_run(part.path)
    assert_same_files(whole, resumed, but={state_name(stop)})


@pytest.mark.parametrize("variant", ["adamw, full batch", "adamw, minibatch"])
def test_killed_and_resumed_is_uninterrupted(tmp_path, variant):
    """Else a crash costs more than the steps since the last key frame, or leaves lines and files that never were."""
    config = override(TINY, keyframe_every=10, **VARIANTS[variant])
    whole = train_run(config, tmp_path / "whole")
    part = train_run(config, tmp_path / "part", stop_after=27)
    (part.path / state_name(27)).unlink()
    with (part.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 28, "loss_tr')  # the line that was being written
    steps = []
    resume_run(part.path, on_metrics=lambda step, metrics: steps.append(step))
    assert steps[0] == 20, "it goes on from the last key frame"
    assert_same_files(whole, part)


def test_killed_without_a_key_frame_begins_again(tmp_path):
    """Else the metrics of the first attempt and of the second stand one after the other."""
    whole = train_run(TINY, tmp_path / "whole")
    part = train_run(TINY, tmp_path / "part", stop_after=17)
    (part.path / state_name(17)).unlink()
    resume_run(part.path)
    assert_same_files(whole, part)


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    """Else looking at a finished run loses its last line of metrics, or rewrites it."""
    run = train_run(override(TINY, batch_size=8, keyframe_every=10), tmp_path / "run")
    before = files(run)
    resume_run(run.path)
    resume_run(run.path)
    assert files(run) == before


def test_an_interrupt_at_an_evaluation_keeps_the_state(tmp_path):
    """Else Ctrl-C loses the run since its last key frame."""
    config = override(TINY, batch_size=8)
    whole = train_run(config, tmp_path / "whole")

    def stop(step, metrics):
        if step == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(config, tmp_path / "part", on_metrics=stop)
    part = open_run(tmp_path / "part")
    assert (part.path / state_name(14)).is_file()
    assert_same_files(whole, resume_run(part.path), but={state_name(14)})


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="only the main thread receives signals",
)
@pytest.mark.parametrize("batch_size", [0, 8])
def test_an_interrupt_in_the_middle_of_an_update_waits_for_its_end(
    tmp_path, monkeypatch, batch_size
):
    """Else Ctrl-C keeps weights of one step with the optimiser or the batch order of another."""
    config = override(TINY, batch_size=batch_size)
    whole = train_run(config, tmp_path / "whole")
    rate, sent = trainer.learning_rate, []

    def interrupted(optimiser, update):
        if update == 11 and not sent:
            sent.append(update)
            signal.raise_signal(signal.SIGINT)
        return rate(optimiser, update)

    monkeypatch.setattr(trainer, "learning_rate", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train_run(config, tmp_path / "part")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        part = resume_run(tmp_path / "part")
    finally:
        signal.signal(signal.SIGINT, before)
    assert_same_files(whole, part, but={state_name(12)})


DIVERGING = {
    "adamw": dict(lr=1e30),
    "sgd": dict(optimiser="sgd", lr=1e18, weight_decay=0.0),
    "seen by the loss alone": dict(lr=1e30, checkpoint_every=0, checkpoint_steps=(1,), eval_every=999),
    "at the last step": dict(lr=1e30, steps=1, checkpoint_steps=()),
    "float32 loss": dict(optimiser="sgd", lr=1e18, weight_decay=0.0, loss_dtype="float32"),
    "decay": dict(optimiser="sgd", lr=10.0, weight_decay=1e4),
}  # fmt: skip


@pytest.mark.parametrize("name", DIVERGING)
def test_a_run_that_diverges_is_recorded_as_such(tmp_path, name):
    """Else NaN weights are kept and measured, or the run goes on to its last step with nothing in it."""
    config = override(TINY, **({"warmup": 0, "checkpoint_every": 1} | DIVERGING[name]))
    heard = []
    run = train_run(config, tmp_path / "run", on_metrics=lambda s, m: heard.extend(m.values()))
    assert np.isfinite(heard).all()

    lines = run.metrics()
    assert [line.get("diverged", False) for line in lines] == [False] * (len(lines) - 1) + [True]
    step = lines[-1]["step"]
    assert 0 < step <= config.schedule.steps
    steps, arrays = metric_arrays(lines)
    assert np.isinf(arrays["loss"][0, -1])
    assert np.isfinite(arrays["loss"][0, :-1]).all()
    assert steps[-1] == step

    assert run.steps
    assert max(run.steps) <= step
    for kept in run.steps:
        assert all(w.isfinite().all() for w in run.weights(kept).values())
        assert np.isfinite(open_run(run.path).snapshot(kept).loss.train)
    for state in run.path.glob("state/*.safetensors"):
        for key, tensor in load_file(state).items():
            assert not key.startswith("weights.") or tensor.isfinite().all()

    before = files(run)
    assert files(resume_run(run.path)) == before, "resuming it does nothing: it would diverge again"


def test_no_second_writer(tmp_path):
    """Else two processes write one run, and its files are of neither."""
    refused = []

    def again(step, metrics):
        if step == 4:
            with pytest.raises(RequestError) as caught:
                resume_run(tmp_path / "run")
            refused.append(str(caught.value))

    run = train_run(TINY, tmp_path / "run", on_metrics=again)
    assert "another process" in refused[0]
    assert "\n" not in refused[0]
    resume_run(run.path)  # the lock is free again


def test_a_place_that_is_taken(tmp_path):
    """Else a run is written over, or over somebody's files."""
    train_run(TINY, tmp_path / "run")
    before = files(tmp_path / "run")
    (tmp_path / "file").write_text("mine")
    for place in ("run", "file"):
        with pytest.raises(RequestError, match="is not empty"):
            train_run(TINY, tmp_path / place)
    assert files(tmp_path / "run") == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_place_that_cannot_be_written(tmp_path):
    """Else an unwritable output ends in a traceback: a file stands where a folder would have to be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError) as caught:
        train_run(TINY, tmp_path / "file" / "run")
    assert "cannot" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RequestError) as caught:
        train_run(TINY, tmp_path / ("x" * 300))
    assert "\n" not in str(caught.value)
    run = train_run(TINY, tmp_path / "run", stop_after=9)
    (run.path / ".lock").unlink()
    (run.path / ".lock").mkdir()
    with pytest.raises(RequestError, match="cannot write"):
        resume_run(run.path)


def test_nothing_is_written_for_a_request_that_makes_no_sense(tmp_path):
    """Else a refused request leaves an empty run behind."""
    for options in ({"task": "mod_div", "p": 8}, {"task": "nothing"}, {"frac_train": 0.001}):
        with pytest.raises(RequestError):
            train_run(override(TINY, **options), tmp_path / "run")
    with pytest.raises(RequestError, match="even d_model"):
        train_run(override(TINY, positional="sinusoidal", d_model=7), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("how", ["a checkpoint", "half of it", "of another step"])
def test_a_damaged_key_frame_is_passed_over_and_named(tmp_path, how):
    """Else resuming goes on from half a state, or ends where an earlier key frame would have done."""
    config = override(TINY, keyframe_every=6)
    whole = train_run(config, tmp_path / "whole")
    run = train_run(config, tmp_path / "run", stop_after=15)
    state = run.path / state_name(15)
    if how == "half of it":
        state.write_bytes(state.read_bytes()[:1000])
    else:
        other = "checkpoints/step-00000007.safetensors" if how == "a checkpoint" else state_name(6)
        state.write_bytes((run.path / other).read_bytes())
    said, steps = [], []
    resume_run(run.path, lambda step, metrics: steps.append(step), on_note=said.append)
    assert_same_files(whole, run)
    assert steps[0] == 12
    assert len(said) == 1
    assert str(state) in said[0]
    assert "\n" not in said[0]


@pytest.mark.parametrize("place", ["the last line", "in the middle", "a line is missing"])
def test_damaged_metrics_are_computed_again(tmp_path, place):
    """Else one flipped bit in a line of metrics ends the run, or its line is lost."""
    config = override(TINY, keyframe_every=6)
    whole = train_run(config, tmp_path / "whole")
    run = train_run(config, tmp_path / "run", stop_after=25)
    file = run.path / "metrics.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    at = len(lines) - 1 if place == "the last line" else 4
    lines[at] = "" if place == "a line is missing" else lines[at].replace("1", "2")
    file.write_text("".join(lines))
    resume_run(run.path)
    assert_same_files(whole, run)


def test_a_damaged_checkpoint_that_is_passed_is_written_anew(tmp_path):
    """Else a run ends with a damaged checkpoint although it computes its weights once more."""
    whole = train_run(TINY, tmp_path / "whole")
    run = train_run(TINY, tmp_path / "run", stop_after=22)
    (run.path / state_name(22)).unlink()
    file = run.path / "checkpoints/step-00000014.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    said = []
    resume_run(run.path, on_note=said.append)
    assert_same_files(whole, run)
    assert said == [f"{file} was damaged, and is written anew"]


@pytest.mark.parametrize("what", ["metrics", "checkpoint"])
def test_what_is_not_the_same_on_this_machine_is_refused(tmp_path, what):
    """Else a run is of two machines and nobody knows, or its sound half is overwritten."""
    from grokscope.runs.checkpoints import read_tensors, write_tensors
    from grokscope.runs.metrics import write_metrics

    run = train_run(TINY, tmp_path / "run", stop_after=22)
    (run.path / state_name(22)).unlink()
    file = run.path / "checkpoints/step-00000014.safetensors"
    if what == "metrics":
        lines = run.metrics()
        lines[4]["loss_train"] *= 1 + 1e-15
        write_metrics(run.path / "metrics.jsonl", lines)
    else:
        tensors, _ = read_tensors(file)
        tensors["embed.W_E"][0, 0] += 1e-6
        write_tensors(file, tensors, 14, run.config_hash)
    before = files(run)
    with pytest.raises(UnsoundError) as caught:
        resume_run(run.path)
    words = "loss_train is" if what == "metrics" else "embed.W_E differs most"
    assert words in str(caught.value)
    assert "--anyway" in str(caught.value)
    assert files(run) == before, "nothing was changed"
    resume_run(run.path, anyway=True)
    found = open_run(run.path).info["continued"]
    assert [entry["step"] for entry in found] == [0]
    assert words in found[0]["difference"]
    whole = train_run(TINY, tmp_path / "whole")
    assert_same_files_but_config(whole, run)


def assert_same_files_but_config(one, other):
    first, second = files(one), files(other)
    assert first.pop("config.json") != second.pop("config.json")
    assert first == second


def test_another_version_of_torch_is_recorded(tmp_path):
    """Else nobody can tell which part of a run another machine has computed."""
    run = train_run(TINY, tmp_path / "run", stop_after=9)
    run.info["versions"]["torch"] = "2.0.0"
    write_config(run)
    resume_run(run.path)
    record = {"step": 9, "changed": {"torch": ["2.0.0", str(torch.__version__)]}}
    assert open_run(run.path).info["continued"] == [record]
    resume_run(run.path)
    assert open_run(run.path).info["continued"] == [record], "once"


def test_a_timed_key_frame_leaves_nothing(tmp_path, monkeypatch):
    """Else kill -9 costs hours where key frames are far apart, or a run's files depend on how long it took."""
    config = override(TINY, keyframe_every=-1)
    whole = train_run(config, tmp_path / "whole")
    monkeypatch.setattr("grokscope.training.keeper.TIMED", 0.0)
    seen = []

    def look(step, metrics):
        seen.append(list_steps(tmp_path / "run/state"))

    run = train_run(config, tmp_path / "run", look)
    assert max(len(steps) for steps in seen) in (1, 2)
    assert seen[-1]
    assert seen[-1][0] > 20
    assert_same_files(whole, run)


def test_a_foreign_run_is_not_trained_on(tmp_path):
    """Else somebody else's model is trained on with an optimiser that never was."""
    run = train_run(TINY, tmp_path / "run", stop_after=10, origin="elsewhere")
    with pytest.raises(RequestError, match="imported"):
        resume_run(run.path)


def test_the_vocabulary_follows_the_task(tmp_path):
    """Else the model has more or fewer tokens and classes than the task."""
    tokens = train_run(
        override(TINY, steps=1, checkpoint_steps=()), tmp_path / "tokens"
    ).config.model
    answers = train_run(
        override(TINY, steps=1, checkpoint_steps=(), output_vocabulary="answers"),
        tmp_path / "answers",
    ).config.model
    assert (tokens.n_ctx, tokens.d_vocab, tokens.d_vocab_out) == (3, 8, 8)
    assert (answers.n_ctx, answers.d_vocab, answers.d_vocab_out) == (3, 8, 7)


def test_config_json_says_what_a_repetition_needs(tmp_path):
    """Else a run cannot be repeated from its own directory."""
    run = train_run(TINY, tmp_path / "run", note="hello")
    record = json.loads((run.path / "config.json").read_text())
    assert record["config"] == json.loads(json.dumps(run.config.to_dict()))
    assert record["config_hash"] == run.config.hash()
    assert set(record["versions"]) >= {"grokscope", "torch", "numpy", "python"}
    assert record["threads"] == torch.get_num_threads()
    assert record["note"] == "hello"


def as_of_old(run: Run) -> None:
    """Make a run such as the first schema had them: no sums, no digests."""
    for file in [*run.checkpoints.iterdir(), *run.state.iterdir()]:
        step = str(int(file.stem.removeprefix("step-")))
        header = {"step": step, "config": run.config_hash, "schema": "1"}
        save_file(load_file(file), file, {"grokscope": json.dumps(header)})
    file = run.path / "metrics.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(line | {"sum": None}) + "\n" for line in lines))
    file.write_text(file.read_text().replace(', "sum": null', ""))
    info = {key: value for key, value in run.info.items() if key != "info_hash"}
    (run.path / "config.json").write_text(json.dumps(info | {"schema": 1}))


def test_an_interrupted_run_of_the_first_schema_goes_on(tmp_path):
    """Else lines with sums follow lines without, and nothing reads the run any more."""
    train_run(TINY, tmp_path / "whole")
    old = train_run(TINY, tmp_path / "old", stop_after=17)
    as_of_old(old)
    assert b"sum" not in (old.path / "metrics.jsonl").read_bytes()
    resumed, whole = resume_run(old.path), open_run(tmp_path / "whole")
    assert check(old.path).is_sound
    assert resumed.metrics() == whole.metrics()
    found, wanted = resumed.weights(30), whole.weights(30)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_line_without_its_sum_is_written_anew(tmp_path):
    """Else a changed line, its sum cut off, passes for an old one when the run goes on."""
    whole = train_run(TINY, tmp_path / "whole")
    run = train_run(TINY, tmp_path / "run", stop_after=17)
    file = run.path / "metrics.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    values = json.loads(lines[3])
    del values["sum"]
    lines[3] = json.dumps(values | {"loss_test": 1.0}) + "\n"
    file.write_text("".join(lines))
    assert_same_files(resume_run(run.path), whole)
