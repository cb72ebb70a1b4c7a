"""densify: what it adds are the weights that the run passed through, whatever it was trained with."""

import shutil
from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.runs.checkpoints import checkpoint_path, read_tensors, write_tensors
from grokscope.runs.densified import read_densified
from grokscope.runs.run import Run, open_run
from grokscope.training.densify import densify, plan_densify
from grokscope.training.engine import Engine
from grokscope.training.loop import train_run
from grokscope.training.together import train_stack

TINY = override(
    RunConfig(), p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3,
    steps=30, eval_every=4, checkpoint_every=7, checkpoint_steps=(2, 23), keyframe_every=10,
)  # fmt: skip
EVERY_STEP = {"checkpoint_every": 1, "eval_every": 1, "keyframe_every": -1}
VARIANTS = {
    "adamw, full batch": {},
    "adamw, minibatch": dict(batch_size=8),
    "adam, coupled decay": dict(optimiser="adam", batch_size=9, weight_decay=0.1),
    "sgd with momentum": dict(optimiser="sgd", momentum=0.9, batch_size=8, weight_decay=0.01),
    "muon": dict(optimiser="muon", batch_size=8),
    "two layers, float64": dict(n_layers=2, normalization="pre", dtype="float64", batch_size=8),
    "dropout": dict(dropout=0.1),
    "noise everywhere": dict(
        weight_noise=0.01, gradient_noise=0.01, update_noise=0.1, batch_size=8
    ),
    "grokfast, ema": dict(grokfast="ema"),
    "grokfast, ma": dict(grokfast="ma", grokfast_window=5),
    "orthogonal, stablemax": dict(orthogonal_gradient=True, loss_function="stablemax"),
    "norms": dict(constrained_norm=1.0, row_clip=1.0, weight_decay_form="to_initialisation"),
    "feed-forward": dict(
        architecture="mlp", layout="a b", loss_function="mse", n_heads=4, d_head=32
    ),
}


def assert_same_weights(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name].view(torch.uint8), other[name].view(torch.uint8)), name


def assert_passed_through(run: Run, dense: Run) -> None:
    """Every checkpoint, and every line of metrics, is that of the run that kept every step from the beginning."""
    for step in run.steps:
        assert_same_weights(run.weights(step), dense.weights(step))
    lines = {line["step"]: line for line in dense.metrics()}
    found = run.metrics()
    assert [line["step"] for line in found] == sorted({line["step"] for line in found})
    assert {line["step"] for line in found} >= set(run.steps)
    for line in found:
        assert line == lines[line["step"]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A run, and the same one with every step kept."""
    path = tmp_path_factory.mktemp("tiny")
    return train_run(TINY, path / "run"), train_run(override(TINY, **EVERY_STEP), path / "dense")


@pytest.fixture
def run(tiny, tmp_path):
    """A copy of the run, to be changed."""
    shutil.copytree(tiny[0].path, tmp_path / "run")
    return open_run(tmp_path / "run")


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_added_is_what_the_run_passed_through(tmp_path, variant):
    """Else densify invents weights: something of the run is not in its key frames, or the replay is another run."""
    config = override(TINY, **VARIANTS[variant])
    run = train_run(config, tmp_path / "run")
    dense = train_run(override(config, **EVERY_STEP), tmp_path / "dense")
    found = densify(run, (11, 19))
    assert found.added == (11, 12, 13, 15, 16, 17, 18, 19)
    assert (found.plan.start, found.plan.end) == (10, 21)
    assert_passed_through(run, dense)


@pytest.mark.parametrize("place", [0, 2])
def test_a_member_of_a_stack(tmp_path, place):
    """Else a run of a stack, whose products are batched with its siblings', is replayed alone: equal up to rounding."""
    engine = Engine(threads=1)

    def stack(config, folder):
        configs = [override(config, seed=seed) for seed in range(3)]
        return train_stack(configs, [tmp_path / folder / str(s) for s in range(3)], engine)

    (tmp_path / "sparse").mkdir()
    (tmp_path / "dense").mkdir()
    runs = stack(TINY, "sparse")
    dense = stack(override(TINY, **EVERY_STEP), "dense")
    assert densify(runs[place], (11, 19)).added
    assert_passed_through(runs[place], dense[place])


def test_a_run_without_key_frames_is_replayed_from_the_beginning(tiny, run):
    """Else only runs of this version could be densified."""
    shutil.rmtree(run.state)
    found = densify(run, (11, 19), every=4)
    assert (found.plan.start, found.plan.updates, found.added) == (0, 21, (11, 15, 19))
    assert_passed_through(run, tiny[1])


def test_a_second_one_inside_the_first(tiny, run):
    """Else looking closer writes checkpoints again that are there, or forgets what was added before."""
    assert densify(run, (0, 28), every=5).added == (5, 10, 15, 20, 25)
    found = densify(run, (10, 15))
    assert found.added == (11, 12, 13)
    assert found.plan.end == 14, "the next stored checkpoint"
    assert densify(run, (15, 20)).plan.end == 20, "one that was added is stored, and proved"
    entries = read_densified(run.path)
    assert [(e.low, e.high, e.every, e.start, e.proved_at) for e in entries] == [
        (0, 28, 5, 0, 28), (10, 15, 1, 10, 14), (15, 20, 1, 10, 20),
    ]  # fmt: skip
    assert entries[1].steps == (11, 12, 13)
    assert_passed_through(run, tiny[1])


def test_again_adds_nothing_and_changes_nothing(run):
    """Else the same command twice doubles lines of metrics, or rewrites files."""
    densify(run, (3, 20), every=3)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    found = densify(run, (3, 20), every=3)
    assert (found.added, found.plan.updates) == ((), 0)
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before


def test_every_step_of_training(tiny, run):
    """Else "every step, on demand" is not so."""
    densify(run, (0, 30))
    assert run.steps == tuple(range(31))
    assert run.metrics() == tiny[1].metrics()
    assert_passed_through(run, tiny[1])
    assert not [p for p in run.path.iterdir() if p.name.startswith(".densify")]


def test_a_declared_checkpoint_that_is_gone_comes_back(tiny, run):
    """Else a deleted checkpoint is lost, though the run can be replayed."""
    path = checkpoint_path(run.checkpoints, 14)
    before = path.read_bytes()
    path.unlink()
    assert densify(run, (13, 14)).added == (13, 14)
    assert path.read_bytes() == before
    assert_passed_through(run, tiny[1])


def test_an_interrupted_run_is_proved_at_its_last_key_frame(tiny, tmp_path):
    """Else what an interrupted run passed after its last checkpoint cannot be had, or is added without a proof."""
    run = train_run(TINY, tmp_path / "part", stop_after=27)
    found = densify(run, (24, 27))
    assert (found.plan.end, found.plan.at_frame, found.added) == (27, True, (24, 25, 26, 27))
    assert_passed_through(run, tiny[1])
    checkpoint_path(run.state, 27).unlink()
    for step in (24, 25, 26, 27):
        checkpoint_path(run.checkpoints, step).unlink()
    with pytest.raises(RequestError, match="nothing after it could prove.*grokscope resume"):
        densify(run, (24, 27))


def test_an_interrupted_and_densified_run_resumes_to_the_same_bits(tiny, tmp_path):
    """Else densify takes from a run what it needs to go on, or resuming throws away what was added."""
    from grokscope.training.resume import resume_run

    run = train_run(TINY, tmp_path / "part", stop_after=17)
    densify(run, (8, 17))
    added = [line for line in run.metrics() if line["step"] in range(8, 18)]
    resume_run(run.path)
    assert_passed_through(run, tiny[1])
    assert [line for line in run.metrics() if line["step"] in range(8, 18)] == added
    assert set(tiny[0].steps) <= set(run.steps)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    resume_run(run.path)
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before


def test_what_was_added_to_a_part_that_is_trained_anew_is_forgotten(tmp_path):
    """Else densified.json lists checkpoints that went with the part of the run that another machine replaced."""
    from grokscope.training.resume import resume_run

    run = train_run(TINY, tmp_path / "part", stop_after=17)
    densify(run, (8, 17), every=2)
    path = checkpoint_path(run.checkpoints, 14)
    tensors, _ = read_tensors(path)
    tensors["embed.W_E"][0, 0] += 1e-6
    write_tensors(path, tensors, 14, run.config_hash)
    for frame in (10, 17):
        checkpoint_path(run.state, frame).unlink()
    resume_run(run.path, anyway=True)
    assert read_densified(run.path)[0].steps == (8, 10, 12)
    assert open_run(run.path).steps == tuple(sorted({*TINY.schedule.checkpoints(), 8, 10, 12}))
    assert gs.check(run.path).is_sound


def test_a_run_that_stopped_early(tmp_path):
    """Else a run that may stop once it has generalised cannot be looked at closely."""
    easy = override(
        TINY, task="mod_add", p=5, frac_train=0.9, d_mlp=32, lr=0.03, steps=400, stop_accuracy=0.01,
        checkpoint_every=50, weight_decay=0.0, eval_every=3,
    )  # fmt: skip
    run = train_run(easy, tmp_path / "run")
    last = run.metrics()[-1]
    assert last.get("stopped")
    assert last["step"] < 400
    every = override(easy, checkpoint_every=1, stop_accuracy=0.0)
    dense = train_run(every, tmp_path / "dense", stop_after=last["step"])
    assert densify(run, (1, last["step"] - 1)).added
    for step in run.steps:
        assert_same_weights(run.weights(step), dense.weights(step))
    with pytest.raises(RequestError, match=rf"is at {last['step']}"):
        densify(run, (1, last["step"] + 5))


def test_a_run_that_diverged(tmp_path):
    """Else the last steps before a loss became infinite cannot be looked at."""
    wild = override(
        TINY, optimiser="sgd", lr=1e4, warmup=0, weight_decay=0.0, keyframe_every=2, eval_every=1
    )
    run = train_run(wild, tmp_path / "run")
    assert run.metrics()[-1].get("diverged")
    reached = max((*run.steps, *run.keyframes))
    found = densify(run, (0, max(reached, 1)))
    assert found.plan.end == reached
    assert set(range(reached + 1)) <= set(run.steps)


@pytest.mark.parametrize(
    ("between", "every", "start", "words"),
    [
        ((9, 3), 1, None, "smaller one first"),
        ((-1, 5), 1, None, "steps from 0 to 30"),
        ((3, 31), 1, None, "steps from 0 to 30"),
        ((3, 9), 0, None, "every >= 1"),
        ((3, 9), 1, 5, r"a key frame before it: \[0\]"),
        ((11, 13), 1, 20, r"a key frame before it: \[0, 10\]"),
    ],
)
def test_steps_that_make_no_sense_are_one_line(run, between, every, start, words):
    """Else a slip of the hand is a traceback, or adds something else."""
    with pytest.raises(RequestError, match=words) as error:
        densify(run, between, every, start)
    assert "\n" not in str(error.value)
    assert not read_densified(run.path)


def test_an_imported_run_is_refused(run):
    """Else a run of strangers is "replayed" with a trainer that never trained it."""
    import dataclasses

    foreign = dataclasses.replace(run, info=run.info | {"origin": {"layout": "nanda"}})
    with pytest.raises(RequestError, match="was imported, not trained here"):
        plan_densify(foreign, (3, 9))


def test_the_plan_is_what_happens(run):
    """Else what is said before is not what is done: steps, proof, bytes."""
    plan = plan_densify(run, (11, 25), every=3)
    assert (plan.missing, plan.start, plan.stored) == ((11, 17, 20), 10, (14, 21))
    before = sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file())
    found = densify(run, (11, 25), every=3)
    assert found.added == plan.missing
    grown = sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file()) - before
    assert 0.3 * plan.bytes < grown <= plan.bytes + 1000
    assert "3 checkpoints from 11 to 20" in plan.describe()
    assert "replays 11 steps from the key frame at 10" in plan.describe()


def test_gs_densify_takes_steps_or_an_event(run):
    """Else the notebook's way in does something else than the command's."""
    assert gs.densify(str(run.path), (3, 5)).added == (3, 4, 5)
    for wrong in ({}, {"between": (3, 5), "around": "grokked"}):
        with pytest.raises(RequestError, match="--between A B, or --around EVENT"):
            gs.densify(run, **wrong)
    with pytest.raises(RequestError, match="a margin without an event"):
        gs.densify(run, (3, 5), margin=2)


def test_progress_is_told(run):
    """Else a long replay looks as if it hung."""
    told: list[tuple[int, int]] = []
    densify(run, (11, 13), on_step=lambda done, total: told.append((done, total)))
    assert told == [(done, 4) for done in range(5)]
    assert isinstance(run.path, Path)
