"""Engines: what is chosen, what is recorded, and that each trains the same run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.presets import get_preset
from grokscope.runs.run import open_run
from grokscope.tasks import make_split
from grokscope.training import engine as engines
from grokscope.training import trainer as trainers
from grokscope.training.engine import (
    Engine,
    EngineConfig,
    choose_engine,
    engine_config,
    recorded_engine,
    saved_by_compiling,
)
from grokscope.training.loop import train_run
from grokscope.training.resolve import resolve
from grokscope.training.resume import resume_run
from grokscope.training.trainer import Trainer

TINY = override(
    RunConfig(), p=7, d_model=12, d_head=6, n_heads=2, d_mlp=16, frac_train=0.6, steps=20
)


@pytest.fixture
def with_compiler(monkeypatch):
    monkeypatch.setattr(engines, "has_compiler", lambda: True)


def updates(config: RunConfig, engine: Engine, n: int = 8) -> tuple[list[float], Trainer]:
    config, task = resolve(config)
    trainer = Trainer(config, task, make_split(task, config.split), engine)
    return [trainer.update() for _ in range(n)], trainer


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 9},
        {"n_layers": 2, "normalization": "pre"},
        {"weight_noise": 0.05},
        {"architecture": "mlp", "layout": "a b", "d_head": 32, "n_heads": 4},
    ],
    ids=["one layer", "minibatch", "two layers", "weight noise", "mlp"],
)
def test_all_engines_train_the_same_run(options):
    """Else --engine hooked and fast are two different models, or a folding is no exact algebra."""
    config = override(TINY, dtype="float64", **options)
    by = {
        "hooked": Engine("hooked", threads=1),
        "weights": Engine("fast", "weights", threads=1),
        "tables": Engine("fast", "tables", threads=1),
    }
    found = {name: updates(config, engine) for name, engine in by.items()}
    losses, plain = found["hooked"]
    for name, (own, trainer) in found.items():
        assert own == pytest.approx(losses, abs=1e-11), name
        for key, weight in trainer.weights.items():
            torch.testing.assert_close(weight, plain.weights[key], rtol=0, atol=1e-10, msg=name)


def test_the_hooked_engine_trains_the_hooked_model_itself():
    """Else hooked and fast forward do not share parameters: hooks would see other weights than those that move."""
    trainer = updates(TINY, Engine("hooked", threads=1), n=3)[1]
    of_model = dict(trainer.model.named_parameters())
    assert all(of_model[name] is weight for name, weight in trainer.weights.items())


def test_what_is_chosen(with_compiler):
    """Else the demo waits for a compiler, a long run does without, or the reference run is not repeated."""
    short, long = override(RunConfig(), steps=3_000), override(RunConfig(), steps=1_000_000)
    assert not choose_engine(short, 3830, EngineConfig()).compiled
    assert choose_engine(long, 3830, EngineConfig()).compiled
    assert not choose_engine(get_preset("demo").config, 1000, EngineConfig()).compiled
    assert choose_engine(get_preset("power2022").config, 4700, EngineConfig()).compiled
    assert not choose_engine(override(long, dropout=0.1), 3830, EngineConfig()).compiled
    assert choose_engine(override(long, dropout=0.1), 3830, EngineConfig()).name == "per_row"
    published = get_preset("nanda2023").config
    chosen = choose_engine(published, 3830, EngineConfig())
    assert (chosen.folding, chosen.compiled) == ("weights", False)
    assert choose_engine(override(published, steps=100), 3830, EngineConfig()).folding == "weights"
    assert choose_engine(override(published, seed=1), 3830, EngineConfig()).folding == "tables"
    assert choose_engine(published, 3830, EngineConfig(folding="tables")).folding == "tables"
    assert choose_engine(short, 3830, EngineConfig(threads=3)).threads == 3
    assert choose_engine(short, 3830, EngineConfig()).threads == torch.get_num_threads()


def test_without_a_compiler(monkeypatch):
    """Else a long run on a machine without one ends in a traceback of torch's."""
    monkeypatch.setattr(engines, "has_compiler", lambda: False)
    assert not choose_engine(override(RunConfig(), steps=10**6), 3830, EngineConfig()).compiled


def test_what_compiling_saves_grows_with_the_run():
    """Else the choice does not depend on what it should."""
    config = RunConfig()
    once = saved_by_compiling(override(config, steps=1_000), 3830)
    assert saved_by_compiling(override(config, steps=2_000), 3830) == pytest.approx(2 * once)
    assert saved_by_compiling(override(config, steps=1_000), 7660) > once
    assert saved_by_compiling(override(config, steps=1_000, batch_size=100), 3830) < once
    assert saved_by_compiling(override(config, steps=1_000, normalization="pre"), 3830) > once


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "quick"}, "auto, fast, hooked"),
        ({"threads": -1}, "a whole number from 0 on"),
        ({"threads": True}, "a whole number from 0 on"),
        ({"device": "tpu"}, "cpu, cuda"),
        ({"compiler": "on"}, "compile"),
    ],
)
def test_bad_options(options, says):
    """Else a misspelt option is ignored, or ends in a traceback."""
    with pytest.raises(RequestError, match=says):
        engine_config(**options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu():
    """Else a user without a GPU sees torch's traceback."""
    with pytest.raises(RequestError, match="finds no GPU"):
        engine_config(device="cuda")


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        (override(TINY, dropout=0.1), EngineConfig(engine="hooked")),
        (override(TINY, dropout=0.1), EngineConfig(compile="on")),
        (override(TINY, weight_noise=0.1), EngineConfig(compile="on")),
        (TINY, EngineConfig(engine="hooked", compile="on")),
    ],
)
def test_what_does_not_go_together(config, asked):
    """Else noise is drawn once for all steps, or a setting is ignored in silence."""
    with pytest.raises(RequestError):
        choose_engine(config, 29, asked)


def test_config_json_says_how_it_was_computed(tmp_path):
    """Else a run goes on, or is repeated, with another rounding than it was begun with."""
    run = train_run(TINY, tmp_path / "run", engine=EngineConfig(folding="weights", threads=1))
    info = json.loads((run.path / "config.json").read_text())
    assert recorded_engine(info) == Engine("fast", "weights", False, 1, "cpu")
    assert "fast, folding weights, not compiled, 1 thread, cpu" == recorded_engine(info).describe()
    old = {"engine": "per_row", "threads": 2}  # before there were tables
    assert recorded_engine(old) == Engine("per_row", "weights", False, 2, "cpu")


@pytest.mark.parametrize("engine", [{"engine": "hooked"}, {"folding": "weights"}, {}])
def test_goes_on_with_the_engine_it_was_begun_with(tmp_path, engine):
    """Else a resumed run parts from the uninterrupted one."""
    asked = engine_config(threads=1, **engine)
    whole = train_run(TINY, tmp_path / "whole", engine=asked)
    part = train_run(TINY, tmp_path / "part", engine=asked, stop_after=7)
    resumed = resume_run(part.path)
    for name, weight in whole.weights(20).items():
        assert torch.equal(weight, resumed.weights(20)[name])


def test_a_compiler_that_fails(tmp_path, monkeypatch, with_compiler):
    """Else a machine with a broken compiler cannot train; and config.json would say that it was compiled."""
    monkeypatch.setattr(trainers, "compile_loss", lambda *_: None)
    run = train_run(TINY, tmp_path / "run", engine=EngineConfig(compile="on"))
    assert run.info["compiled"] is False
    assert open_run(run.path).info["compiled"] is False
    plain = train_run(TINY, tmp_path / "plain")
    assert all(torch.equal(w, plain.weights(20)[name]) for name, w in run.weights(20).items())


COMPILED = """
import sys
from pathlib import Path

from test_engine import TINY

from grokscope.config import override
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run

out, config = Path(sys.argv[1]), override(TINY, **eval(sys.argv[2]))
for name, compile, stop in (("whole", "on", None), ("plain", "off", None), ("part", "on", 7)):
    run = train_run(
        config, out / name, stop_after=stop, engine=EngineConfig(compile=compile, threads=1)
    )
    assert run.info["compiled"] is (compile == "on"), name
resume_run(out / "part")
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"batch_size": 9, "n_layers": 2, "normalization": "pre"}])
def test_compiled_trains_the_same_run(tmp_path, options):
    """Else compiling changes more than the rounding, or a compiled run does not go on to the same bits.

    In a process of its own: the run-time type checks of these tests cannot be compiled.
    """
    if not engines.has_compiler():
        pytest.skip("no C++ compiler")
    command = [sys.executable, "-c", COMPILED, str(tmp_path), repr(options)]
    path = {"PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(command, check=True, env=os.environ | path)
    whole, plain, resumed = (
        open_run(tmp_path / name).weights(20) for name in ("whole", "plain", "part")
    )
    for name, weight in whole.items():
        torch.testing.assert_close(weight, plain[name], rtol=0, atol=1e-5)
        assert torch.equal(weight, resumed[name])
