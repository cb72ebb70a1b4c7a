"""What is declared causal uses nothing later than its step: above all not the key frequencies of the final one."""

import numpy as np
import pytest
from planted_group import PlantedGroup
from random_models import random_snapshot

from grokscope.measures import catalogue
from grokscope.runs.context import Context
from grokscope.runs.snapshot import Snapshot


class Later(Exception):
    """The final key frequencies were asked for."""


def no_key():
    raise Later


CASES = {
    "addition": lambda: random_snapshot(p=11),
    "division, pre-norm": lambda: random_snapshot("mod_div", p=11, normalization="pre"),
    "attention only": lambda: random_snapshot(p=7, attn_only=True),
    "group": lambda: PlantedGroup("S3", {"standard": 2.0}).snapshot(),
}


def without_key(snap):
    context = Context(snap.task, snap.split, snap.config, no_key)
    return Snapshot(snap.task, snap.split, snap.config, snap.weights, given_context=context)


@pytest.mark.parametrize("case", CASES)
def test_causal_measures_do_not_read_the_final_key(case):
    """Else their values, which are kept for each checkpoint by itself, change with what the run does later."""
    seen = 0
    for m in catalogue():
        if m.builtin and m.default and m.causal and m.at == "every":
            snap = without_key(CASES[case]())  # a new one: nothing is there from a measure before
            if not m.why_not(snap):
                assert all(np.asarray(value).size for value in m(snap).values()), m.name
                seen += 1
    assert seen >= 10


def test_the_others_do():
    """Else the test above would pass whatever was read."""
    snap = without_key(random_snapshot(p=11))
    asked = []
    for m in catalogue():
        if m.builtin and m.default and not m.causal and not m.why_not(snap):
            with pytest.raises(Later):
                m(snap)
            asked.append(m.name)
    assert {"restricted_loss", "excluded_loss", "ablations", "circle_forms"} <= set(asked)
