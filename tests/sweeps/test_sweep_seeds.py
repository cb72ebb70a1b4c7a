"""Many seeds of one setting: how seeds are written, which sweep it is, and whose folder may grow."""

import pytest
from tiny_sweep import TINY, only

import grokscope as gs
from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset
from grokscope.sweeps import seeds as seeds_module
from grokscope.sweeps import sweep
from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.seed_words import n_seeds, read_seeds, seeds_in_words
from grokscope.sweeps.seeds import seeds_specification, train_seeds
from grokscope.sweeps.specification import read_specification
from grokscope.training.resolve import resolve

SMALL = {k: v for k, v in TINY["set"].items() if k != "frac_train"} | dict(frac_train=0.6)


@pytest.mark.parametrize(
    ("written", "seeds", "words"),
    [
        ("0..31", range(32), "0..31"),
        (" 3 .. 5 ", range(3, 6), "3..5"),
        ("7", range(7, 8), "7"),
        ("0,1,5", (0, 1, 5), "0..1,5"),
        ("3..7,10", (3, 4, 5, 6, 7, 10), "3..7,10"),
        ("9,3..4", (9, 3, 4), "9,3..4"),
        ([2, 0], (2, 0), "2,0"),
    ],
)
def test_seeds_as_they_are_written(written, seeds, words):
    """Else a range lacks its end, or a folder has the name of other seeds."""
    found = read_seeds(written, "here")
    assert found == seeds
    assert n_seeds(found) == len(list(seeds))
    assert seeds_in_words(found) == words
    assert list(read_seeds(words, "here")) == list(seeds)


@pytest.mark.parametrize(
    "written", ["", "0..", "..3", "5..2", "0,,1", "0,", "-1..3", "a", "1.5", "0...3", "0..3,2", [], "9" * 20]
)  # fmt: skip
def test_seeds_that_are_none(written):
    """Else a slip in a range trains other seeds, or ends in a traceback."""
    with pytest.raises(RequestError, match="here: seeds") as caught:
        read_seeds(written, "here")
    assert "\n" not in str(caught.value)


def test_many_parts_are_counted_before_they_are_listed():
    """Else 0..10^18,3 fills the memory."""
    with pytest.raises(RequestError, match=r"seeds in several parts; accepted: 100,000"):
        read_seeds(f"0..{10**18},3", "here")


def test_a_long_list_has_a_short_name():
    """Else a folder's name is longer than a file system allows, or two lists have the same."""
    long = seeds_in_words(range(0, 200, 2)), seeds_in_words(tuple(range(0, 200, 2)))
    other = seeds_in_words(tuple(range(0, 202, 2)))
    assert long[1].startswith("100-")
    assert len(long[1]) < 20
    assert other != long[1]


@pytest.mark.parametrize(
    "config",
    [
        override(RunConfig(), **SMALL, checkpoint_steps=(1, 2), label_shuffle=True, label_seed=4),
        override(get_preset("demo").config, steps=50),
        get_preset("s5").config,
        get_preset("power2022").config,
        override(RunConfig(), task="sparse_parity", bits=4, relevant=2, frac_train=0.7),
    ],
)
def test_the_specification_is_of_this_setting(config):
    """Else --seeds trains another setting than --seed does."""
    plan = make_plan(read_specification(seeds_specification(config, "3..4")))
    assert [run.seed for run in plan.runs] == [3, 4]
    for run in plan.runs:
        assert run.config == resolve(override(config, seed=run.seed))[0]


def test_a_seed_that_is_held_fixed():
    """Else a split that is to be the same for all seeds is not."""
    config = override(RunConfig(), **SMALL, split_seed=9)
    plan = make_plan(read_specification(seeds_specification(config, [1, 2], ["split_seed"])))
    found = [(run.config.split.split_seed, run.config.model.init_seed) for run in plan.runs]
    assert found == [(9, 1), (9, 2)]


def test_from_a_notebook(tmp_path, monkeypatch):
    """Else `gs.train(seeds=...)` gives other runs, another folder, or trains again what is done."""
    monkeypatch.chdir(tmp_path)
    heard = []
    options = dict(SMALL, split_seed=5)
    many = gs.train(
        "mod_add", seeds=range(4), workers=0, on_metrics=lambda *said: heard.append(said), **options
    )
    assert isinstance(many, gs.Sweep)
    assert str(many.path) == "checkpoints/mod_add-p5-seeds0..3"
    assert [(run.seed, run.status) for run in many.runs] == [(seed, "done") for seed in range(4)]
    assert {seed for seed, _, _ in heard} == {0, 1, 2, 3}
    assert {step for _, step, _ in heard} == {0, 3, 4, 6, 8}
    configs = [many.run("mod_add-p5", seed).config for seed in range(4)]
    assert [c.split.split_seed for c in configs] == [5] * 4
    assert [c.model.init_seed for c in configs] == [0, 1, 2, 3]
    heard.clear()
    again = gs.train(
        "mod_add", seeds="0..3", workers=0, on_metrics=lambda *said: heard.append(said), **options
    )
    assert again.path == many.path
    assert not heard
    more = gs.train("mod_add", seeds=[0, 7], out=many.path, workers=0, **options)
    assert [run.status for run in more.runs] == ["done", "done"]
    with pytest.raises(RequestError, match=r"runs of another setting \(lr\)"):
        gs.train("mod_add", seeds=range(4), workers=0, out=many.path, **(options | dict(lr=0.5)))
    with pytest.raises(RequestError, match=r"runs of another setting"):
        gs.train("mod_add", seeds=range(4), workers=0, out=sweep(only(), "other", workers=0).path)


def test_what_does_not_go_together(tmp_path):
    """Else one of two options that contradict each other is dropped without a word."""
    for options, words in (
        (dict(seeds=range(3), seed=1), "seed and seeds"),
        (dict(workers=2), "without seeds"),
        (dict(yes=True), "without seeds"),
        (dict(seeds=range(2000)), "2,000 runs"),
        (dict(seeds=range(3), engine="hook"), "engine = 'hook'"),
        (dict(threads=-1), "threads = -1"),
        (dict(seeds="0.."), "seeds = '0..'"),
    ):
        with pytest.raises(RequestError, match=words):
            gs.train("mod_add", out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_engine_of_a_run(tmp_path):
    """Else what a notebook asks for is not what computes."""
    asked = dict(engine="hooked", folding="weights", compile="off", threads=1, device="cpu")
    run = gs.train("mod_add", out=tmp_path / "run", **SMALL, **asked)
    assert {k: run.info[k] for k in asked if k != "compile"} == {
        k: v for k, v in asked.items() if k != "compile"
    }
    many = gs.train(
        "mod_add", out=tmp_path / "many", seeds="0..3", workers=0, **SMALL, engine="hooked"
    )
    infos = [many.run("mod_add-p5", seed).info for seed in range(4)]
    assert {(info["engine"], info.get("stacked")) for info in infos} == {("hooked", None)}


def test_runs_of_a_configuration(tmp_path, monkeypatch):
    """Else a script gets the runs in another order, or a list with a hole."""
    config, heard = override(RunConfig(), **SMALL), []
    runs = train_seeds(
        config, [3, 0, 1, 8], tmp_path / "runs", lambda *said: heard.append(said), workers=0
    )
    assert [run.config.model.init_seed for run in runs] == [3, 0, 1, 8]
    assert {run.info["stacked"] for run in runs} == {4}
    assert (3, 0) in {said[:2] for said in heard}

    class Failed:
        runs = (gs.sweeps.SweepRun("x", 3, "runs/x", "h", 1, "failed", "the disk is full"),)

    monkeypatch.setattr(seeds_module, "sweep_seeds", lambda *a, **k: Failed())
    with pytest.raises(RequestError, match="seed 3 failed: the disk is full"):
        train_seeds(config, [3], tmp_path / "other", workers=0)
