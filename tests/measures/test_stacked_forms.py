"""Measures of weights over many steps at once: the same numbers as step by step."""

from dataclasses import replace

import numpy as np
import pytest
from planted_group import PlantedGroup
from random_models import random_snapshot

from grokscope.errors import RequestError
from grokscope.measures import Output, catalogue
from grokscope.measures.registry import AT_ONCE, Measure
from grokscope.runs.snapshot import Snapshot

WITHOUT = {"weight_norms", "irrep_weight_shares"}
"""Measures of weights that have no stacked form: nothing of them is faster on a stack."""


def steps(first, count):
    """Return snapshots of one run: the same task and shape, other weights."""
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        scale = {name: 1 + rng.standard_normal() for name in first.weights}
        weights = {name: w * scale[name] + 0.1 * w.flip(0) for name, w in first.weights.items()}
        found.append(
            Snapshot(first.task, first.split, first.config, weights, given_context=first.context)
        )
    return found  # fmt: skip


CASES = {
    "addition": lambda: random_snapshot(p=11, key=(1, 2)),
    "even": lambda: random_snapshot(p=8, key=(1,)),
    "multiplication": lambda: random_snapshot("mod_mul", p=11, key=(1,)),
    "attention only": lambda: random_snapshot(p=7, key=(1,), attn_only=True),
    "group": lambda: PlantedGroup("S3", {"standard": 2.0}).snapshot(),
}


@pytest.mark.parametrize("case", CASES)
def test_a_stack_gives_what_each_step_gives(case):
    """Else a series has other values than its steps: an axis taken for another, or one step's scale for all."""
    snaps, seen = steps(CASES[case](), 3), 0
    for m in catalogue():
        if m.why_not(snaps[0]) or not m.builtin:
            continue
        over = m.over(snaps) if m.cost == "weights" else {}
        for name, values in over.items():
            assert len(values) == 3
            for snap, value in zip(snaps, values, strict=True):
                np.testing.assert_allclose(value, m(snap)[name], rtol=1e-12, err_msg=name)
            seen += 1
    assert seen >= 7
    assert {
        m.name for m in catalogue() if m.builtin and m.cost == "weights" and not m.stacked
    } == WITHOUT


def test_long_series_are_stacked_in_parts(monkeypatch):
    """Else the weights of a thousand steps are in memory at once, or the parts come in another order."""
    sizes = []

    def stacked(snaps):
        sizes.append(len(snaps))
        return np.array([snap.step for snap in snaps])

    first = random_snapshot(p=7)
    snaps = [replace(first, step=step) for step in range(2 * AT_ONCE + 3)]
    m = measure_of(stacked)
    np.testing.assert_array_equal(m.over(snaps)["mine"], np.arange(len(snaps)))
    assert sizes == [AT_ONCE, AT_ONCE, 3]


def measure_of(stacked, dims=()):
    return Measure(
        name="mine", function=lambda snap: snap.step, outputs={"mine": Output(dims, "", "1", "")},
        source="", reads=(), cost="weights", label_free=True, causal=True, at="every", needs=(),
        version=1, default=True, builtin=False, stacked=stacked,
    )  # fmt: skip


def test_without_a_stacked_form_the_steps_are_taken_one_by_one():
    """Else a researcher's own measure, which has none, cannot be taken over a series."""
    first = random_snapshot(p=7)
    found = measure_of(None).over([replace(first, step=step) for step in (3, 5)])
    np.testing.assert_array_equal(found["mine"], [3, 5])


def test_what_is_no_stack_is_refused():
    """Else values of another number of steps are put beside the wrong ones."""
    snaps = [random_snapshot(p=7)] * 2
    with pytest.raises(RequestError, match="dimensions \\(2 steps\\)"):
        measure_of(lambda snaps: np.zeros(3)).over(snaps)
    with pytest.raises(RequestError, match="dimensions \\(2 steps, freq\\)"):
        measure_of(lambda snaps: np.zeros(2), ("freq",)).over(snaps)
    with pytest.raises(RequestError, match="one or more"):
        measure_of(None).over([])
