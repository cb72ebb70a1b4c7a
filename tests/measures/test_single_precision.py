"""Products that are taken in the precision of the weights: the same numbers as in float64, to a millionth."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from random_models import random_snapshot

from grokscope.measures import catalogue
from grokscope.runs.context import Context
from grokscope.runs.snapshot import Snapshot

MILLIONTH = 1e-6


def doubled(snap):
    """Return the snapshot in float64, with the weights and the activations of single precision."""
    weights = {name: w.double() for name, w in snap.weights.items()}
    found = Snapshot(snap.task, snap.split, snap.config, weights, given_context=snap.context)
    for name in ("activations", "answer"):
        act = getattr(snap, name)
        found.__dict__[name] = replace(
            act, **{field.name: getattr(act, field.name).double() for field in fields(act)}
        )
    return found


def both(m):
    """Return what a measure gives in single precision and in float64, on a model that is not small."""
    shape = dict(p=31, key=(2, 5, 9), d_model=48, d_mlp=96, n_heads=3, d_head=16)
    single = random_snapshot(dtype=torch.float32, **shape)
    scaled = {name: w * 0.5 for name, w in single.weights.items()}
    key = single.key
    context = Context(single.task, single.split, single.config, lambda: key)
    single = Snapshot(single.task, single.split, single.config, scaled, given_context=context)
    return m(single), m(doubled(single))


NAMES = ("participation_ratio", "hidden_losses", "neuron_projection", "circle_forms", "ablations")


@pytest.mark.parametrize("name", NAMES)
def test_products_in_single_precision(name):
    """Else a product that was made fast has lost digits that the value is reported with."""
    m = next(m for m in catalogue() if m.name == name)
    found, exact = both(m)
    for variable, value in exact.items():
        if "accuracy" in variable:
            np.testing.assert_array_equal(found[variable], value, err_msg=variable)
        else:
            # Shares of a circle that a random model does not have are nearly 0: nine digits after the point will do.
            np.testing.assert_allclose(
                found[variable], value, rtol=MILLIONTH, atol=1e-9, err_msg=variable
            )
        assert np.isfinite(value).any() or variable.endswith("explained")


def test_double_weights_are_not_rounded():
    """Else a model in float64 is measured as if it were in single precision."""
    for m in catalogue():
        if m.name in NAMES:
            single, double = both(m)
            pairs = zip(single.values(), double.values(), strict=True)
            assert any((np.nan_to_num(a) != np.nan_to_num(b)).any() for a, b in pairs), m.name
