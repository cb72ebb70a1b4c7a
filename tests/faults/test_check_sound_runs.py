"""Sound runs of many settings, however they came about, raise no alarm: neither a fault nor a warning."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from sound_runs import random_config

import grokscope as gs
from grokscope.checking import check
from grokscope.config import RunConfig, override
from grokscope.training.engine import engine_config
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run
from grokscope.training.together import train_stack

FAST, SLOW = 6, 50
ENGINE = engine_config(compile="off", threads=1)
SMALL = {
    "p": 7,
    "frac_train": 0.6,
    "d_model": 16,
    "n_heads": 2,
    "d_head": 8,
    "d_mlp": 24,
    "lr": 0.01,
}
SMALL |= {"steps": 40, "checkpoint_every": 8, "eval_every": 4}
MANY = {"steps": 600, "checkpoint_every": 5, "eval_every": 1, "keyframe_every": 10}
REFERENCE = Path(__file__).parents[2] / "checkpoints" / "nanda2023-seed0"


def alarms(path: Path) -> list[str]:
    return [f"{e.level} {e.file}: {e.fault}" for e in check(path) if e.level != "note"]


def assert_sound(seed: int, folder: Path) -> None:
    """Train a run with random settings, in one go or with an interruption, and check it at every stop."""
    rng = random.Random(seed)
    config = random_config(rng)
    stop = rng.randrange(1, config.schedule.steps) if rng.random() < 0.5 else None
    run = train_run(config, folder / str(seed), stop_after=stop, engine=ENGINE)
    assert alarms(run.path) == [], (seed, config)
    if stop is not None:
        resume_run(run.path)
        assert alarms(run.path) == [], (seed, config)


@pytest.mark.parametrize("seed", range(FAST))
def test_random_settings(seed, tmp_path):
    """Else a setting that nobody thought of (a fixed point, a divergence, noise) is taken for damage."""
    assert_sound(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1000 + SLOW))
def test_random_settings_of_fifty_runs(seed, tmp_path):
    """As above."""
    assert_sound(seed, tmp_path)


def test_members_of_a_stack(tmp_path):
    """Else runs that were trained together, in other arithmetic, have losses that their weights do not."""
    from grokscope.training.engine import choose_engine

    configs = [override(RunConfig(), **SMALL, seed=seed) for seed in range(3)]
    engine = choose_engine(configs[0], 29, ENGINE)
    for run in train_stack(configs, [tmp_path / str(n) for n in range(3)], engine):
        assert alarms(run.path) == []


def test_runs_of_a_sweep(tmp_path):
    """Else what a sweep adds to its runs' folders is taken for something that does not belong there."""
    found = gs.train("mod_add", out=tmp_path / "sweep", seeds=range(2), workers=1, **SMALL)
    for run in found.runs:
        assert alarms(found.path / run.folder) == []


def test_a_run_in_training(tmp_path):
    """Else a look at a run that goes on finds gaps that are none: files appear while it looks."""
    code = (
        "import sys\nfrom grokscope.config import RunConfig, override\n"
        "from grokscope.training.loop import train_run\nfrom pathlib import Path\n"
        f"train_run(override(RunConfig(), **{SMALL | MANY}), Path(sys.argv[1]))"
    )
    path = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as training:
        seen = set()
        while training.poll() is None:
            if (path / "checkpoints").is_dir() and (path / "config.json").exists():
                report = check(path, quick=len(seen) % 2 == 0, samples=2)
                assert [e for e in report if e.level != "note"] == []
                seen.add(report.looked["checkpoints"])
    assert training.returncode == 0
    assert len(seen) > 2
    assert check(path).status == "done"


def test_weights_from_memory(tmp_path):
    """Else a run without any metrics, or with one step, is told to lack them."""
    run = train_run(override(RunConfig(), **SMALL), tmp_path / "own", engine=ENGINE)
    weights = {step: run.weights(step) for step in (0, 16, 40)}
    made = gs.run_from_weights(tmp_path / "made", "mod_add", run.config.model, weights, p=7)
    assert alarms(made.path) == []


@pytest.mark.slow
def test_the_reference_run():
    """Else the run that ships with the repository, written before there were digests, is damaged."""
    report = check(REFERENCE)
    assert report.looked["recomputed"] == 28
    assert [e for e in report if e.level != "note"] == []
