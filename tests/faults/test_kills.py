"""kill -9 at any moment: the run goes on, and ends with the same bytes in every file."""

import random
import shutil

import pytest
from kills import Kill, Server, files_of_runs, kill_until_done

TINY = dict(
    p=7, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=12, lr=0.01, warmup=3, steps=60, eval_every=4,
    checkpoint_every=6,
)  # fmt: skip
SINGLE = {
    "AdamW, full batch": {},
    "AdamW, minibatches": dict(batch_size=8, keyframe_every=11),
    "Adam, Grokfast EMA": dict(optimiser="adam", weight_decay=0.1, grokfast="ema", batch_size=9),
    "SGD, momentum, noises": dict(
        optimiser="sgd", momentum=0.9, weight_decay=0.01, gradient_noise=0.01, update_noise=0.1
    ),
    "Muon, weight noise": dict(optimiser="muon", weight_noise=0.01, keyframe_every=-1),
    "Grokfast MA, dropout": dict(grokfast="ma", grokfast_window=5, dropout=0.1, keyframe_every=20),
    "constraints": dict(constrained_norm=1.0, row_clip=1.0, orthogonal_gradient=True),
    "stops early": dict(
        p=5, frac_train=0.8, lr=0.02, stop_accuracy=0.2, eval_every=2, split_seed=1
    ),
    "diverges": dict(optimiser="sgd", lr=1e18, weight_decay=0.0, batch_size=8),
}
STACKS = {
    "a stack": dict(batch_size=8),
    "a stack of which some stop": dict(
        p=5, frac_train=0.8, lr=0.02, stop_accuracy=0.2, eval_every=2
    ),
    "a stack of which some diverge": dict(
        optimiser="sgd", lr=0.3, momentum=0.9, weight_decay=0.0, loss_function="mse", act_fn="square", p=5
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    """A process that forks trainers."""
    made = Server()
    yield made
    made.close()


def outs_in(folder, case):
    return [folder / f"s{i}" for i in range(4 if case in STACKS else 1)]


def options_of(case):
    return TINY | (SINGLE | STACKS)[case]


def assert_whole_after_kills(server, tmp_path, case, count, seed):
    """Kill a run of this case `count` times over, each until it is done, and compare every file."""
    options, rng = options_of(case), random.Random(seed)
    plain = outs_in(tmp_path / "whole", case)
    whole = server.attempt(options, plain)
    assert whole["ended"] == "done", whole
    wanted = files_of_runs(plain)
    assert len(wanted) >= 4
    kills = 0
    for number in range(count):
        outs = outs_in(tmp_path / f"killed{number}", case)
        done = kill_until_done(server, options, outs, whole, rng)
        kills += len(done)
        found = files_of_runs(outs)
        names = {
            name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
        }
        assert not names, (sorted(names), done)
        shutil.rmtree(tmp_path / f"killed{number}")
    return kills


@pytest.mark.parametrize("case", [*SINGLE, *STACKS])
def test_a_killed_run_ends_as_the_whole_one(server, tmp_path, case):
    """Else kill -9, a power cut or a machine that is taken away changes a run, or ends it."""
    assert_whole_after_kills(server, tmp_path, case, 1, seed=len(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", [*SINGLE, *STACKS])
def test_two_hundred_kills(server, tmp_path, case):
    """Else there is a moment at which a kill changes a run: 17 runs of each case, each killed once or more often."""
    assert assert_whole_after_kills(server, tmp_path, case, 17, seed=1000 + len(case)) >= 17


@pytest.mark.parametrize("call", ["replace", "fsync", "line", "half a line"])
def test_killed_at_the_first_call(server, tmp_path, call):
    """Else a run that is killed as it begins can neither go on nor be begun again."""
    options = options_of("AdamW, full batch")
    whole, outs = [tmp_path / "whole" / "s0"], [tmp_path / "killed" / "s0"]
    assert server.attempt(options, whole)["ended"] == "done"
    for before in (True, False):
        assert server.attempt(options, outs, Kill(call=call, number=1, before=before))["ended"] == (
            "killed"
        )
    assert server.attempt(options, outs)["ended"] == "done"
    assert files_of_runs(outs) == files_of_runs(whole)
