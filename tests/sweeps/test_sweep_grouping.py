"""Which runs of a sweep become stacks: by hand counted groups, and no plan that is slower than one after another."""

from pathlib import Path

import pytest
import torch

from grokscope.config import RunConfig, override
from grokscope.sweeps import gpu_memory, grouping
from grokscope.sweeps.gpu_memory import bytes_of_member, most_in_memory
from grokscope.sweeps.grouping import Todo, largest_stack, make_jobs
from grokscope.training.engine import EngineConfig
from grokscope.training.resolve import resolve

AUTO = EngineConfig()
P31 = dict(p=31, d_model=64, d_head=16, d_mlp=256, frac_train=0.5, steps=1_000)
NOWHERE = Path("/nowhere/at/all")


def todo(seeds, first=0, n_train=None, folder=NOWHERE, **options):
    found = []
    for place, seed in enumerate(seeds, start=first):
        config, task = resolve(override(RunConfig(), **(P31 | options), seed=seed))
        rows = int(config.split.frac_train * task.n_inputs) if n_train is None else n_train
        found.append(Todo(place, config, rows, folder / str(place)))
    return found


def places(runs, workers, engine=AUTO, **options):
    return [job.places for job in make_jobs(runs, workers, engine, **options)]


def sizes(runs, workers, engine=AUTO, **options):
    return [len(found) for found in places(runs, workers, engine, **options)]


@pytest.mark.parametrize(
    ("n", "workers", "wanted"),
    [
        (16, 2, [8, 8]),
        (16, 1, [16]),
        (16, 4, [4, 4, 4, 4]),
        (16, 8, [1] * 16),
        (3, 1, [1] * 3),
        (4, 1, [4]),
        (17, 2, [8, 9]),
        (8, 2, [4, 4]),
        (100, 1, [50, 50]),
    ],
)
def test_how_many_runs_are_in_a_stack(n, workers, wanted):
    """Else cores idle beside one great stack, or stacks are smaller than pays."""
    runs = todo(range(n))
    assert largest_stack(runs[0], workers, AUTO) == 2**23 // (480 * 256) == 68
    found = places(runs, workers)
    assert sorted(map(len, found)) == wanted
    assert sorted(place for group in found for place in group) == list(range(n))


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (dict(p=59, d_model=128, d_head=32, d_mlp=512, frac_train=0.4), 2**23 // (1392 * 512)),
        (dict(p=113, d_model=128, d_head=32, d_mlp=512, frac_train=0.3), 1),
        (dict(p=113, d_mlp=512, batch_size=256), 2**23 // (256 * 512)),
        (dict(batch_size=100_000), 68),
        (dict(n_layers=2, batch_size=240), 2**23 // (240 * 256 * 2 * 3)),
    ],
)
def test_the_size_follows_from_the_shapes(options, most):
    """Else stacks fall out of the cache, or a run that fills a core by itself is stacked."""
    assert largest_stack(todo([0], **options)[0], 1, AUTO) == most


def test_a_feed_forward_model_is_not_stacked():
    """Else an update that has next to no overhead is made slower by a tenth."""
    config = override(RunConfig(), architecture="mlp", layout="a b", p=31, d_mlp=64, d_model=64)
    config, _ = resolve(config)
    assert largest_stack(Todo(0, config, 480, NOWHERE), 1, AUTO) == 1


def test_what_differs_stays_apart(tmp_path):
    """Else runs of two settings, of other numbers of rows, or begun already are trained as one."""
    runs = [
        *todo(range(8)),
        *todo(range(8), first=8, lr=0.01),
        *todo(range(4), first=16, n_train=481),
        *todo(range(8), first=20, dropout=0.1),
    ]
    groups = places(runs, 1)
    assert groups[:3] == [tuple(range(8)), tuple(range(8, 16)), tuple(range(16, 20))]
    assert groups[3:] == [(place,) for place in range(20, 28)]
    begun = todo(range(8), folder=tmp_path)
    (tmp_path / "2").mkdir()
    (tmp_path / "2/config.json").write_text("{}")
    (tmp_path / "3").mkdir()
    assert places(begun, 1) == [(0, 1, 3, 4, 5, 6, 7), (2,)], "an empty folder is new"


@pytest.mark.parametrize(
    "engine",
    [EngineConfig(engine="hooked"), EngineConfig(folding="weights"), EngineConfig(compile="on")],
)
def test_what_a_stack_cannot_do_is_trained_one_by_one(engine):
    """Else what was asked for is not what computes."""
    assert sizes(todo(range(8)), 1, engine) == [1] * 8
    assert all(job.engine is engine for job in make_jobs(todo(range(8)), 1, engine))


def test_stacking_can_be_refused():
    """Else no sweep can be repeated to the bits of its single runs."""
    assert sizes(todo(range(8)), 1, stack=False) == [1] * 8


def test_runs_that_are_compiled_alone_are_not_stacked(monkeypatch):
    """Else long runs lose the third that compiling saves."""
    monkeypatch.setattr("grokscope.training.engine.has_compiler", lambda: True)
    assert sizes(todo(range(8), steps=10**7), 1) == [1] * 8
    assert sizes(todo(range(8), steps=10**7), 1, EngineConfig(compile="off")) == [8]
    monkeypatch.setattr("grokscope.training.engine.has_compiler", lambda: False)
    assert sizes(todo(range(8), steps=10**7), 1) == [8]


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 16])
@pytest.mark.parametrize("shape", [(7,), (7, 7, 7), (30, 3, 9), (5, 5), (64, 1)])
def test_no_plan_is_slower_than_one_after_another(workers, shape):
    """Else seven seeds of three settings on two cores are done later than without stacks.

    By another count than the planner's: each process takes what comes next; a stack takes nine tenths.
    """
    runs = []
    for number, n in enumerate(shape):
        runs += todo(range(n), first=len(runs), weight_decay=float(number))

    def done(groups):
        free = [0.0] * workers
        for n in groups:
            at = free.index(min(free))
            free[at] += n if n == 1 else 0.9 * n
        return max(free)

    found = sizes(runs, workers)
    assert sum(found) == len(runs)
    assert done(found) <= done([1] * len(runs)) + 1e-9
    assert len(found) >= min(workers, len(runs))


def test_bytes_on_a_gpu():
    """Else a stack does not fit into a GPU's memory, or fills a tenth of it."""
    one = todo([0])[0]
    # 32 x 64 embedding, 3 x 64 positions, 4 x 64 x 64 attention, 2 x 64 x 256 + 256 + 64 neurons, 64 x 32 unembedding.
    weights = 32 * 64 + 3 * 64 + 4 * 64 * 64 + 2 * 64 * 256 + 256 + 64 + 64 * 32
    wanted = 12 * 480 * 256 * 4 + 16 * weights
    assert bytes_of_member(one.config, 480) == wanted
    double = override(one.config, dtype="float64")
    assert bytes_of_member(double, 480) == 2 * wanted
    assert most_in_memory(one.config, 480, 10 * 2**30) == int(0.8 * 10 * 2**30) // wanted
    assert most_in_memory(one.config, 480, 1) == 1


def test_a_gpu_gets_stacks_as_large_as_its_memory(monkeypatch):
    """Else a GPU trains one small run after the other, or two processes fill its memory twice."""
    each = bytes_of_member(todo([0])[0].config, 480)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(40.5 * each / 0.8), 0))
    gpu = EngineConfig(device="cuda")
    monkeypatch.setattr(grouping, "choose_engine", lambda config, n, asked: _chosen())
    assert sizes(todo(range(64)), 1, gpu) == [32, 32]
    assert sizes(todo(range(64)), 2, gpu) == [16] * 4
    assert sizes(todo(range(3)), 1, gpu) == [3], "on a GPU small stacks pay too"
    assert gpu_memory.most_on_gpu(todo([0])[0].config, 480, "cuda") == 40


def _chosen():
    from grokscope.training.engine import Engine

    return Engine(device="cuda")
