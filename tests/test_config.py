"""Configuration: one set of names, read back as written, and every mistake in one line."""

import dataclasses
import json
import os
import subprocess
import sys
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.config import (
    RunConfig,
    ScheduleConfig,
    config_hash,
    from_dict,
    override,
    section_fields,
)
from grokscope.errors import RequestError
from grokscope.presets import PRESETS, get_preset
from grokscope.validate import validate


def all_fields() -> list[tuple[str, object]]:
    """Return every (name, type) that a run's configuration has, section by section."""
    hints = get_type_hints(RunConfig)
    found = []
    for field in dataclasses.fields(RunConfig):
        if dataclasses.is_dataclass(hints[field.name]):
            inner = get_type_hints(hints[field.name])
            found += [(f.name, inner[f.name]) for f in dataclasses.fields(hints[field.name])]
        else:
            found.append((field.name, hints[field.name]))
    return found


def values(hint: object) -> st.SearchStrategy:
    """Return values of a field's type."""
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    return {
        int: st.integers(0, 10**6),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: st.text(max_size=8),
        tuple[int, ...]: st.lists(st.integers(0, 99)).map(tuple),
    }[hint]


options = st.fixed_dictionaries({}, optional={name: values(hint) for name, hint in all_fields()})


def test_field_names_are_unique():
    """Else `p=59` could mean two things: flat names need no section."""
    names = [name for name, _ in all_fields()]
    assert len(names) == len(set(names))
    assert set(section_fields()) == set(names)


@given(options)
def test_a_configuration_is_read_back_as_written(flat):
    """Else a run on disk is opened with another configuration than it was trained with."""
    config = override(RunConfig(), **flat)
    assert all(_get(config, name) == value for name, value in flat.items())
    back = from_dict(json.loads(json.dumps(config.to_dict())))
    assert back == config
    assert back.hash() == config.hash() == config_hash(json.loads(json.dumps(config.to_dict())))


def _get(config: RunConfig, name: str) -> object:
    section = section_fields()[name]
    return getattr(getattr(config, section) if section else config, name)


@pytest.mark.parametrize("name", [name for name, _ in all_fields()])
def test_every_field_counts_in_the_hash(name):
    """Else a checkpoint of another run is taken for one of this run."""
    base, hint = RunConfig(), dict(all_fields())[name]
    old = _get(base, name)
    if get_origin(hint) is Literal:
        new = next(value for value in get_args(hint) if value != old)
    else:
        new = {int: 77, float: 0.123, bool: not old, str: "x", tuple[int, ...]: (1, 2)}[hint]
    assert override(base, **{name: new}).hash() != base.hash()


def test_the_hash_is_the_same_everywhere():
    """Else a run cannot be opened by another process, or by the one that spelled 1 where this one spelled 1.0."""
    config = override(RunConfig(), lr=1, p=59)
    assert config.hash() == override(RunConfig(), p=59, lr=1.0).hash()
    data = config.to_dict()
    assert config_hash(dict(reversed(data.items()))) == config.hash()
    code = "from grokscope.config import *; print(override(RunConfig(), p=59, lr=1).hash())"
    for seed in ("0", "1"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
        assert done.stdout.strip() == config.hash()


def test_one_seed_sets_all_but_the_labels():
    """Else `seed=3` leaves a part of the run on another seed; an explicit seed wins over it."""
    config = override(RunConfig(), seed=3, batch_seed=9)
    assert (config.split.split_seed, config.model.init_seed, config.optimiser.batch_seed) == (
        3,
        3,
        9,
    )
    assert config.split.label_seed == 0


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"weight_decai": 1}, "did you mean 'weight_decay'?"),
        ({"frac": 1}, "did you mean 'frac_train'?"),
        ({"qqqqqqqq": 1}, "grokscope train --help"),
        ({"config": 1}, "unknown option 'config'"),
        ({"p": 5.5}, "a whole number"),
        ({"p": "59"}, "a whole number"),
        ({"p": True}, "a whole number"),
        ({"p": None}, "a whole number"),
        ({"lr": "0.1"}, "a finite number"),
        ({"lr": float("nan")}, "a finite number"),
        ({"lr": float("inf")}, "a finite number"),
        ({"lr": 10**400}, "a finite number"),
        ({"lr": False}, "a finite number"),
        ({"label_shuffle": 1}, "true or false"),
        ({"task": 3}, "text"),
        ({"pairs": "unorderd"}, "did you mean 'unordered'?"),
        ({"optimiser": ["adam"]}, "adamw, adam, sgd"),
        ({"checkpoint_steps": 5}, "a list of whole numbers"),
        ({"checkpoint_steps": "12"}, "a list of whole numbers"),
        ({"checkpoint_steps": [1, 2.5]}, "a list of whole numbers"),
        ({"seed": "x"}, "a whole number"),
    ],
)
def test_wrong_options_are_said_in_one_line(flat, words):
    """Else a misspelt option is dropped, or a value of the wrong type fails hours later."""
    with pytest.raises(RequestError) as caught:
        override(RunConfig(), **flat)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {"nothing": {}},
        {"task": 5},
        {"task": {"p": "x"}},
        {"task": {"q": 5}},
        {"model": {"config": 1}},
        {"dtype": "float16"},
        {"optimiser": {"lr": float("nan")}},
    ],
)
def test_a_wrong_file_is_said_in_one_line(data):
    """Else a config.json that somebody edited ends in a traceback."""
    with pytest.raises(RequestError) as caught:
        from_dict(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"frac_train": 0.0}, "a share in (0, 1]"),
        ({"frac_train": 1.1}, "a share in (0, 1]"),
        ({"frac_train": -0.1}, "a share in (0, 1]"),
        *[({name: 0}, "above 0") for name in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp")],
        ({"steps": 0}, "above 0"),
        ({"eval_every": 0}, "above 0"),
        ({"lr": 0.0}, "above 0"),
        ({"lr": -1e-3}, "above 0"),
        ({"weight_decay": -1.0}, "0 or more"),
        ({"warmup": -1}, "0 or more"),
        ({"batch_size": -1}, "0 or more"),
        ({"momentum": -0.1}, "0 or more"),
        ({"checkpoint_every": -1}, "0 or more"),
        ({"checkpoint_log": -1}, "0 or more"),
        ({"keyframe_every": -2}, "a number of updates"),
        ({"checkpoint_steps": (-5,)}, "0 or more"),
        ({"checkpoint_steps": (5, 99), "steps": 50}, "steps up to 50"),
        ({"beta1": 1.0}, "[0, 1)"),
        ({"beta2": -0.1}, "[0, 1)"),
        ({"init_scale": 0.0}, "above 0"),
        ({"d_model": 10**6}, "at most"),
        ({"n_layers": 1000}, "at most"),
        ({"split_seed": -1}, "from 0"),
        ({"label_seed": -1}, "from 0"),
        ({"init_seed": 2**64}, "from 0"),
        ({"batch_seed": -1}, "from 0"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(flat, words):
    """Else training begins on them, and ends in a traceback of torch or in nothing."""
    config = override(RunConfig(), **flat)
    with pytest.raises(RequestError) as caught:
        validate(config)
    message = str(caught.value)
    assert words in message
    assert any(name in message for name in flat)
    assert "\n" not in message


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_sense(name):
    """Else a preset cannot be trained, or does not say where it began."""
    preset = get_preset(name)
    validate(preset.config)
    assert preset.config.preset == name
    assert preset.source


def test_an_unknown_preset_names_the_nearest():
    """Else a misspelt preset trains the default."""
    with pytest.raises(RequestError, match="did you mean 'nanda2023'"):
        get_preset("nanda2024")


def test_the_published_preset():
    """Else the preset is not the setting of Nanda et al. 2023, section 3 and appendix A."""
    config = get_preset("nanda2023").config
    model, opt = config.model, config.optimiser
    assert (config.task.task, config.task.p, config.split.frac_train) == ("mod_add", 113, 0.3)
    assert (model.n_layers, model.n_heads, model.d_model, model.d_head, model.d_mlp) == (
        (1, 4, 128, 32, 512)
    )
    assert (model.normalization, model.act_fn, model.positional) == ("none", "relu", "learned")
    assert (model.bias_attn, model.bias_mlp, model.bias_unembed) == (False, True, False)
    assert (opt.optimiser, opt.lr, opt.weight_decay, opt.beta1, opt.beta2, opt.warmup) == (
        ("adamw", 1e-3, 1.0, 0.9, 0.98, 10)
    )
    assert (opt.batch_size, opt.loss_dtype) == (0, "float64")
    assert (config.split.shuffle, config.split.pairs) == ("python", "ordered")


def test_schedule_every():
    """Else a step that was asked for is not kept; the first and the last are always kept."""
    assert ScheduleConfig(steps=10, checkpoint_every=4).checkpoints() == (0, 4, 8, 10)


def test_schedule_explicit():
    """Else steps that nobody asked for are kept, or one that was asked for is not."""
    assert ScheduleConfig(steps=50, checkpoint_steps=(30, 7)).checkpoints() == (0, 7, 30, 50)


def test_schedule_logarithmic():
    """Else early steps, where everything happens, are not looked at more densely: 1, 10, 100, 1000."""
    assert ScheduleConfig(steps=1000, checkpoint_log=4).checkpoints() == (0, 1, 10, 100, 1000)


def test_schedule_default():
    """Else a run without any rule keeps nothing to analyse, or every step."""
    assert ScheduleConfig(steps=1000).checkpoints() == tuple(range(0, 1001, 10))
    assert ScheduleConfig(steps=7).checkpoints() == tuple(range(8))


@given(
    steps=st.integers(1, 300),
    every=st.integers(0, 50),
    log=st.integers(0, 20),
    explicit=st.lists(st.integers(0, 300), max_size=4).map(tuple),
)
def test_schedule_is_the_union_of_its_rules(steps, every, log, explicit):
    """Else one rule takes away what another gave, or a step beyond the end is promised."""
    kept = ScheduleConfig(
        steps=steps, checkpoint_every=every, checkpoint_log=log, checkpoint_steps=explicit
    ).checkpoints()
    assert list(kept) == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == steps
    if every or log or explicit:
        alone = {0, steps} | {s for s in explicit if s <= steps}
        if every:
            alone |= set(ScheduleConfig(steps=steps, checkpoint_every=every).checkpoints())
        if log:
            alone |= set(ScheduleConfig(steps=steps, checkpoint_log=log).checkpoints())
        assert set(kept) == alone
