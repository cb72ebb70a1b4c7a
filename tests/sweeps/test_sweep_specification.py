"""What a sweep file may say: read, counted, checked; each mistake one line that names file and field."""

import itertools
import json

import numpy as np
import pytest
from tiny_sweep import TINY, changed

from grokscope.api import configure
from grokscope.config import override
from grokscope.errors import RequestError
from grokscope.sweeps import plan as plan_module
from grokscope.sweeps import start, sweep
from grokscope.sweeps.plan import MAX_RUNS, in_words, make_plan
from grokscope.sweeps.specification import read_specification
from grokscope.tasks import make_split
from grokscope.training.resolve import resolve

FILE = """
name = "mine"
task = "mod_div"
preset = "power2022"
seeds = "2..4"

[set]
steps = 500
frac_train = 0.9
batch_size = "power2022"
p = 11

[grid]
frac_train = [0.3, 0.5]
weight_decay = [0, 1.0]

[[case]]
name = "Adam"
optimiser = "adam"

[[case]]
name = "AdamW, to zero"
lr = 0.002
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sweep file.toml"
    path.write_text(FILE)
    return path


def plan_of(given, **options):
    return make_plan(read_specification(given, "unnamed"), **options)


def test_the_product_of_cases_grid_and_seeds(file):
    """Else runs are left out, or trained with another setting than their label says."""
    plan = plan_of(file)
    assert plan.specification.n_runs == len(plan.runs) == 2 * 2 * 2 * 3
    settings = [(s.case, s.values["frac_train"], s.values["weight_decay"]) for s in plan.settings]
    wanted = list(itertools.product(["Adam", "AdamW, to zero"], [0.3, 0.5], [0.0, 1.0]))
    assert settings == wanted
    assert [s.label for s in plan.settings][:2] == [
        "Adam, frac_train 0.3, weight_decay 0",
        "Adam, frac_train 0.3, weight_decay 1",
    ]
    assert [r.seed for r in plan.runs] == [2] * 8 + [3] * 8 + [4] * 8, "first seeds come first"
    for run, (case, frac, decay) in zip(plan.runs, wanted * 3, strict=True):
        by_hand, task = resolve(
            configure(
                "mod_div", "power2022", seed=run.seed, steps=500, p=11, frac_train=frac, weight_decay=decay,
                **({"optimiser": "adam"} if case == "Adam" else {"lr": 0.002}),
            )
        )  # fmt: skip
        n_train = len(make_split(task, by_hand.split).rows("train"))
        assert run.n_train == n_train == int(frac * 11 * 10)
        assert run.config.optimiser.batch_size == min(512, n_train // 2)
        assert run.config == override(by_hand, batch_size=min(512, n_train // 2))


def test_what_a_case_does_not_set_has_its_usual_value(file):
    """Else a figure over a field that one case sets has a hole for the others."""
    plan = plan_of(file)
    assert {s.case: (s.values["optimiser"], s.values["lr"]) for s in plan.settings} == {
        "Adam": ("adam", 0.001),
        "AdamW, to zero": ("adamw", 0.002),
    }


def test_the_batch_of_power_2022_counts_each_runs_rows():
    """Else large training sets get half of themselves as a batch, or small ones more than they have."""
    spec = {"name": "x", "task": "mod_add", "set": {"batch_size": "power2022", "p": 47}}
    plan = plan_of(spec | {"grid": {"frac_train": [0.1, 0.4633, 0.9]}})
    n_train = [int(f * 47 * 47) for f in (0.1, 0.4633, 0.9)]
    assert [r.config.optimiser.batch_size for r in plan.runs] == [n_train[0] // 2, 511, 512]
    assert n_train[1] == 1023


def test_unordered_pairs_are_counted_for_each_seed():
    """Else n_train of one seed stands for all, though which pairs train decides how many rows do."""
    spec = {"name": "x", "seeds": "0..9", "set": {"pairs": "unordered", "p": 7, "frac_train": 0.5}}
    plan = plan_of(spec)
    by_hand = []
    for run in plan.runs:
        config, task = resolve(run.config)
        by_hand.append(int(make_split(task, config.split).train.sum()))
    assert [r.n_train for r in plan.runs] == by_hand
    assert len(set(by_hand)) > 1


def test_a_seed_of_its_own_is_kept():
    """Else a split that is held fixed over the seeds is not."""
    plan = plan_of({"name": "x", "seeds": [1, 2], "set": {"split_seed": 7, "p": 5}})
    seeds = [(r.config.split.split_seed, r.config.model.init_seed) for r in plan.runs]
    assert seeds == [(7, 1), (7, 2)]


def test_tasks_may_vary():
    """Else a sweep over operations trains one of them under many names."""
    grid = {"task": ["mod_add", "mod_div"]}
    plan = plan_of({"name": "x", "task": "mod_sub", "set": {"p": 5}, "grid": grid})
    assert [r.config.task.task for r in plan.runs] == ["mod_add", "mod_div"]
    assert [r.config.model.d_vocab for r in plan.runs] == [6, 6]
    assert [s.label for s in plan.settings] == ["task mod_add", "task mod_div"]


def test_python_values_are_those_of_the_file():
    """Else a dictionary from a notebook makes other runs than the file, or cannot be written down."""
    one = read_specification(
        {
            "name": "x",
            "seeds": range(2),
            "grid": {"lr": np.array([0.1, 0.2]), "checkpoint_steps": ((1, 2),)},
        }
    )
    two = read_specification(
        {"name": "x", "seeds": "0..1", "grid": {"lr": [0.1, 0.2], "checkpoint_steps": [[1, 2]]}}
    )
    assert one == two
    assert json.loads(json.dumps(one.data)) == two.data
    assert list(one.seeds) == [0, 1]
    assert read_specification({"name": "x", "seeds": np.arange(3)}).seeds == (0, 1, 2)


def test_values_in_words():
    """Else two settings have one label, or a label that nobody can read."""
    assert [in_words(v) for v in (0.3, 1.0, 1e-5, 2, True, False, "adam", (1, 20))] == [
        "0.3", "1", "1e-05", "2", "true", "false", "adam", "1 20",
    ]  # fmt: skip


def test_folders_have_plain_names():
    """Else a label with a slash or an umlaut makes folders elsewhere, or none."""
    cases = [
        {"name": "a/b ../c", "lr": 0.1},
        {"name": "größer", "lr": 0.2},
        {"name": "…", "lr": 0.3},
    ]
    runs = plan_of({"name": "x", "set": {"p": 5}, "case": cases}).runs
    names = [run.folder_name for run in runs]
    assert [name.rsplit("-", 2)[0] for name in names] == ["a-b-..-c", "gr-er", "run"]
    assert all(
        name.endswith(f"-seed0-{run.config.hash()[:8]}")
        for name, run in zip(names, runs, strict=True)
    )


@pytest.mark.parametrize("sides", [(11,) * 3, (100,) * 3, (100,) * 6])
def test_runs_are_counted_before_they_are_built(sides):
    """Else a grid of 10^12 cells fills the memory before anybody is asked."""
    fields = ("lr", "weight_decay", "eps", "beta1", "beta2", "init_scale")[: len(sides)]
    grid = {f: [i / 10**5 for i in range(1, n + 1)] for f, n in zip(fields, sides, strict=True)}
    count = int(np.prod([float(n) for n in sides]))
    spec = read_specification({"name": "x", "grid": grid})
    assert spec.n_runs == count
    with pytest.raises(RequestError, match=f"{count:,} runs") as caught:
        make_plan(spec)
    if count > MAX_RUNS:
        with pytest.raises(RequestError, match="at most 100,000"):
            make_plan(spec, yes=True)
    else:
        assert "--yes" in str(caught.value)


def test_seeds_are_counted_before_they_are_built():
    """Else seeds = '0..10^18' are written out."""
    spec = read_specification({"name": "x", "seeds": f"0..{10**18}"})
    assert spec.n_runs == 10**18 + 1
    with pytest.raises(RequestError, match="1,000,000,000,000,000,001 runs"):
        make_plan(spec, yes=True)


def test_many_runs_if_they_are_meant(monkeypatch):
    """Else a large sweep cannot be made at all, or is made unasked."""
    spec = {"name": "x", "seeds": "0..1000", "set": {"p": 5}}
    with pytest.raises(RequestError, match="1,001 runs"):
        plan_of(spec)
    monkeypatch.setattr(plan_module, "ASK_FROM", 2)
    spec["seeds"] = "0..1"
    assert len(plan_of(spec).runs) == 2
    spec["seeds"] = "0..2"
    with pytest.raises(RequestError, match="3 runs"):
        plan_of(spec)
    assert len(plan_of(spec, yes=True).runs) == 3


MISTAKES = {
    "unknown field": ("[set]\nstpes = 5", ["[set]", "stpes", "did you mean 'steps'"]),
    "unknown field of the grid": ("[grid]\nfrac_tran = [0.1]", ["[grid]", "frac_tran", "frac_train"]),
    "unknown field of a case": ('[[case]]\nname = "a"\nlrr = 1', ["case 'a'", "lrr", "did you mean 'lr'"]),
    "wrong type": ('[set]\nsteps = "many"', ["[set]", "steps = 'many'", "a whole number"]),
    "wrong type in the grid": ("[grid]\nlr = [0.1, true]", ["[grid]", "lr = True", "a finite number"]),
    "no finite number": ("[grid]\nlr = [nan]", ["lr = nan", "finite"]),
    "a date": ("[set]\nlr = 2020-01-01", ["lr", "finite number"]),
    "not one of": ('[set]\noptimiser = "adamx"', ["adamx", "adamw"]),
    "no list": ("[grid]\nlr = 0.1", ["[grid]", "lr = 0.1", "a list"]),
    "empty list": ("[grid]\nlr = []", ["[grid]", "lr = []"]),
    "value twice": ("[grid]\nweight_decay = [1, 0.5, 1.0]", ["weight_decay", "1.0 twice"]),
    "no seeds": ("seeds = []", ["seeds = []"]),
    "seed twice": ("seeds = [1, 2, 1]", ["seeds", "1 twice"]),
    "seed no number": ("seeds = [0.5]", ["seeds", "0.5"]),
    "seed negative": ("seeds = [-1]", ["seeds", "-1"]),
    "seed true": ("seeds = [true]", ["seeds", "True"]),
    "seed too large": ("seeds = [9223372036854775808]", ["seeds", "9223372036854775808"]),
    "range backwards": ('seeds = "5..2"', ["seeds = '5..2'", "0..6"]),
    "range in words": ('seeds = "some"', ["seeds = 'some'"]),
    "unknown table": ("[girds]\nlr = [1]", ["unknown key or table 'girds'", "did you mean 'grid'"]),
    "field at the top": ("steps = 5", ["unknown key or table 'steps'", "[set]"]),
    "set no table": ("set = 3", ["set is not a table"]),
    "case no list": ('[case]\nname = "a"', ["case", "[[case]]"]),
    "case without name": ("[[case]]\nlr = 0.1", ["number 1", "name"]),
    "case twice": ('[[case]]\nname = "a"\n[[case]]\nname = "a"\nlr = 0.1', ["two cases", "'a'"]),
    "in grid and case": ('[grid]\nlr = [1]\n[[case]]\nname = "a"\nlr = 2', ["'lr'", "[grid]", "case 'a'"]),
    "task twice": ('task = "mod_add"\n[set]\ntask = "mod_sub"', ["task", "[set]"]),
    "unknown task": ('task = "mod_ad"', ["mod_ad", "did you mean 'mod_add'"]),
    "task no text": ("task = 3", ["task = 3", "text"]),
    "unknown preset": ('preset = "nanda"', ["nanda", "nanda2023"]),
    "preset as a field": ('[grid]\npreset = ["demo"]', ["preset", "at the top"]),
    "seed as a field": ("[grid]\nseed = [1, 2]", ["seed", "seeds = [...]"]),
    "set by the task": ("[set]\nn_ctx = 3", ["[set]", "n_ctx follows from the task"]),
    "batch in words": ('[set]\nbatch_size = "power"', ["batch_size", "'power2022'"]),
    "no sense in one cell": ("[grid]\nfrac_train = [0.3, 1.5]", ["'frac_train 1.5'", "(0, 1]"]),
    "no training row": ("[grid]\nfrac_train = [0.3, 0.00001]", ["1e-05", "no training row"]),
    "no prime": ('task = "mod_div"\n[grid]\np = [5, 6]', ["'p 6'", "composite"]),
    "two equal cases": ('[[case]]\nname = "a"\n[[case]]\nname = "b"\nlr = 1e-3', ["'a' seed 0", "'b' seed 0"]),
    "seeds that do nothing": (
        "seeds = [0, 1]\n[set]\nsplit_seed = 1\ninit_seed = 1\nbatch_seed = 1\nnoise_seed = 1",
        ["seed 0", "seed 1", "same configuration"],
    ),
    "name with a slash": ('name = "../x"', ["name = '../x'"]),
    "name no text": ("name = 3", ["name = 3"]),
    "not TOML": ("\n\nlr = = 3", ["not TOML", "line 3"]),
    "not text": (b"\xff\xfe", ["not TOML"]),
    "nested without end": ("a = " + "[" * 20_000, ["not TOML"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, monkeypatch, mistake):
    """Else a slip in the last setting is found after a night of training, or by its traceback."""
    text, words = MISTAKES[mistake]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "train_here", lambda *_: pytest.fail("it began to train"))
    path = tmp_path / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RequestError) as caught:
        sweep("mine.toml", workers=0)
    said = str(caught.value)
    assert "\n" not in said
    assert "mine.toml" in said
    assert all(word in said for word in words), said
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_none(tmp_path):
    """Else a wrong path ends in a traceback."""
    (tmp_path / "power.toml").write_text("")
    with pytest.raises(RequestError, match="there is no file .*did you mean .*power.toml"):
        read_specification(tmp_path / "powr.toml")
    with pytest.raises(RequestError, match="is not a file"):
        read_specification(tmp_path)
    with pytest.raises(RequestError, match="has no name"):
        read_specification({"set": {}})
    assert read_specification(tmp_path / "power.toml").name == "power"
    assert read_specification({"set": {}}, "its folder").name == "its folder"


def test_a_name_that_comes_from_the_file_must_be_one_too(tmp_path):
    """Else the folder under checkpoints/ has the name of something else."""
    (tmp_path / "my (copy).toml").write_text("")
    with pytest.raises(RequestError, match='write name = "..." at the top'):
        read_specification(tmp_path / "my (copy).toml")


def test_a_negative_number_of_processes(tmp_path):
    """Else it waits for a process that never comes."""
    with pytest.raises(RequestError, match="workers = -1"):
        sweep(changed(), tmp_path / "out", workers=-1)
    assert not (tmp_path / "out").exists()


def test_the_tiny_sweep_overrides_in_order():
    """Else the tests of whole sweeps rest on another precedence: preset < set < case < grid < seed."""
    runs = {(r.label, r.seed): r.config for r in plan_of(TINY).runs}
    config = runs["too fast, frac_train 0.6", 3]
    assert (config.split.frac_train, config.optimiser.lr) == (0.6, 1e30)
    assert config.optimiser.warmup == 0
    assert (config.split.split_seed, config.model.init_seed) == (3, 3)
