"""A user's own measure is kept only as long as neither it, nor anything that it names or reads, has changed."""

import functools
import textwrap

import numpy as np
import pytest
import xarray
from small_run import STEPS, add_checkpoint, counted, make_run

import grokscope as gs
from grokscope.analysis.source import function_digest
from grokscope.measures import forget

FACTOR = 2.0
SETTINGS = {"power": 1, "parts": [1.0, 2.0]}
TABLE = np.arange(3.0)


def helper(x):
    return FACTOR * x


def plain(snap):
    """Mean."""
    return float(np.mean(snap.W_E))


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def twice(run, monkeypatch, name) -> int:
    """Analyse twice with a measure; return how many steps the second computes, and forget the measure."""
    try:
        first = gs.analyze(run, [name])
        with counted(monkeypatch) as computed:
            second = gs.analyze(run, [name])
        xarray.testing.assert_identical(first, second)
        return sum(computed.values())
    finally:
        forget(name)


def test_a_plain_function_is_kept(run, monkeypatch):
    """Else every measure of one's own is computed anew for every checkpoint at each look."""

    @gs.measure(source="this test")
    def mean_embedding(snap):
        return helper(np.mean(snap.W_E)) + SETTINGS["power"] + TABLE.sum()

    assert twice(run, monkeypatch, "mean_embedding") == 0


def test_what_it_reads_of_the_run_is_in_the_key(run, monkeypatch):
    """Else a comparison with other checkpoints stays when those change."""

    @gs.measure(source="this test", cost="weights")
    def moved(snap):
        before = snap.previous_weights()
        return (
            0.0
            if before is None
            else float((snap.weights["embed.W_E"] - before["embed.W_E"]).norm())
        )

    try:
        gs.analyze(run, ["moved"])
        add_checkpoint(run, 10, seed=77)
        with counted(monkeypatch) as computed:
            found = gs.analyze(run, ["moved"])
        assert {step for _, step in computed} == {10, 20}
        again = gs.analyze(run, ["moved"], cache=False)
        xarray.testing.assert_identical(found, again)
    finally:
        forget("moved")


def test_undeclared_key_frequencies_are_noticed(run, monkeypatch):
    """Else a measure that says nothing of the final key keeps its values when the key has changed."""

    @gs.measure(source="this test")
    def first_key(snap):
        return float(sum(snap.key))

    try:
        gs.analyze(run, ["first_key"])
        for rule in ("embedding", "neuron", "logit"):
            found = gs.analyze(run, ["first_key"], key_rule=rule)
            assert (found.first_key == found.key_frequency.values.sum()).all()
    finally:
        forget("first_key")


def test_what_nobody_counts_is_not_kept(run, monkeypatch):
    """Else a measure that reads the metrics, or any other checkpoint, is kept when those change."""

    @gs.measure(source="this test")
    def lines(snap):
        return float(len(snap.run.metrics()))

    assert twice(run, monkeypatch, "lines") == len(STEPS)

    @gs.measure(source="this test")
    def later(snap):
        return float(snap.run.weights(30)["embed.W_E"].sum())

    assert twice(run, monkeypatch, "later") == len(STEPS)


def test_configuration_may_be_read(run, monkeypatch):
    """Else reading p, which cannot change, costs the cache."""

    @gs.measure(source="this test")
    def modulus(snap):
        return float(snap.run.config.task.p + len(snap.run.info))

    assert twice(run, monkeypatch, "modulus") == 0


def test_without_source_nothing_is_kept(run, monkeypatch):
    """Else a function typed at a prompt keeps the values of its namesake before."""
    space: dict = {}
    exec("def typed(snap):\n    return 1.0", space)
    gs.measure(space["typed"])
    assert twice(run, monkeypatch, "typed") == len(STEPS)


def test_an_edited_measure_is_measured_again(run, tmp_path, monkeypatch):
    """Else an edited cell shows the numbers of the cell before."""
    import importlib.util

    def load(body):
        path = tmp_path / f"mine_{len(body)}.py"
        path.write_text(textwrap.dedent(body))
        spec = importlib.util.spec_from_file_location("mine", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return gs.measure(module.edited)

    try:
        load("def edited(snap):\n    return 1.0\n")
        assert (gs.analyze(run, ["edited"]).edited == 1).all()
        load("def edited(snap):\n    return 2.0  # now two\n")
        assert (gs.analyze(run, ["edited"]).edited == 2).all()
    finally:
        forget("edited")


def make(closed, default=1.0):
    def inner(snap, factor=default):
        return factor * closed

    return inner


def test_digests_of_closures_defaults_and_globals(monkeypatch):
    """Else one of the things that a function computes with is changed unnoticed."""
    assert function_digest(make(1.0)) == function_digest(make(1.0))
    assert function_digest(make(1.0)) != function_digest(make(2.0))
    assert function_digest(make(1.0)) != function_digest(make(1.0, 3.0))
    assert function_digest(make(np.arange(3))) != function_digest(make(np.arange(4)))
    assert function_digest(make(helper)) != function_digest(make(plain))

    def uses(snap):
        return helper(SETTINGS["power"]) + TABLE[0]

    before = function_digest(uses)
    assert before is not None
    for name, value in (("FACTOR", 3.0), ("SETTINGS", {"power": 2}), ("TABLE", np.zeros(3))):
        with monkeypatch.context() as patch:
            patch.setitem(globals(), name, value)
            assert function_digest(uses) != before, name
    assert function_digest(uses) == before


def test_what_cannot_be_followed():
    """Else an object with a state of its own is taken for constant."""
    assert function_digest(make(object())) is None
    assert function_digest(functools.partial(plain, 1)) is None
    assert function_digest(make({1, 2})) is None
    assert function_digest(eval("lambda snap: 1")) is None
