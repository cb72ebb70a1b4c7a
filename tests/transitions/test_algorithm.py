"""The verdict on the algorithm: each kind on a dataset whose numbers are known, and what becomes of it without one."""

import numpy as np
import pytest
import xarray as xr

from grokscope.transitions import ALGORITHMS, Thresholds, identify
from grokscope.transitions.circle_verdicts import Circle, weight_of

ROWS = ["train", "test", "test_twin_free", "all"]
CLOCK = dict(clock=[0.98, 0.97, 0.80], pizza=[0.81, 0.80, 0.98], symmetric=0.33, irrelevance=0.85)
PIZZA = dict(clock=[0.77, 0.77, 0.77], pizza=[0.99, 0.99, 0.99], symmetric=0.99, irrelevance=0.17)


def dataset(accuracy=(1.0, 1.0, 1.0, 1.0), cyclic=True, known=True, **fields):
    """Return a dataset of one checkpoint with three key frequencies, or three key representations."""
    at = dict(clock=[0.9] * 3, pizza=[0.9] * 3, symmetric=0.8, irrelevance=0.65, alone=1.0,
              without=0.02, neurons=0.9, loss=1e-3, weights=[0.5, 0.3, 0.1]) | fields  # fmt: skip
    ds = xr.Dataset(coords={"step": [100], "rows": ROWS})
    values = np.array(
        [a if known or r == "all" else np.nan for a, r in zip(accuracy, ROWS, strict=True)]
    )
    ds["accuracy"] = (("rows", "step"), values[:, None])
    ds["accuracy_of_key"] = ("rows", np.full(4, at["alone"]))
    ds["accuracy_of_key_held_out"] = at["alone"] if known else np.nan
    ds["accuracy_without_key"] = ("rows", np.full(4, at["without"]))
    if at["neurons"] is not None:
        ds["neuron_share_key"] = ("step", [at["neurons"]])
    if known:
        ds["restricted_loss_held_out"] = ("step", [at["loss"]])
        ds["restricted_loss_held_out_se"] = ("step", [0.01])
    if cyclic:
        ds = ds.assign_coords(freq=[1, 2, 3, 4])
        ds["key_frequency"] = ("key", np.array([1, 2, 4]))
        for form in ("clock", "pizza"):
            ds[f"circle_{form}_share"] = ("freq", np.insert(np.array(at[form], float), 2, np.nan))
        ds["logit_trig_share"] = (("freq", "step"), np.insert(at["weights"], 2, 0.01)[:, None])
        ds["distance_irrelevance"] = ("step", [at["irrelevance"]])
        if at["symmetric"] is not None:
            ds["gradient_symmetricity"] = ("step", [at["symmetric"]])
        ds["circle_symmetricity"] = ("step", [at.get("on_circles", np.nan)])
        ds["circularity"] = ("step", [0.99])
    else:
        ds["key_irrep"] = ("key", np.array(["sign", "standard"]))
    ds.attrs = {"n_classes": 113, "n_train": 100, "n_test": 100, "n_test_twin_free": 100,
                "skipped": '{"gradient_symmetricity": "the operands do not share an embedding"}'}  # fmt: skip
    return ds


@pytest.mark.parametrize(
    ("ds", "name"),
    [
        (dataset(**CLOCK), "clock"),
        (dataset(**PIZZA), "pizza"),
        (dataset(**PIZZA, known=False), "pizza"),
        (dataset(**CLOCK | dict(symmetric=None, on_circles=0.0)), "clock"),
        (dataset(**PIZZA | dict(symmetric=None, on_circles=1.0)), "pizza"),
        (dataset(), "cosets / representations"),  # circles of which neither form is more
        (dataset(cyclic=False), "cosets / representations"),
        (dataset(cyclic=False, known=False), "cosets / representations"),
        (dataset((1.0, 0.02, 0.01, 0.4), loss=4.8), "lookup"),
        (dataset((0.01, 0.01, 0.01, 0.01), loss=4.8), "not one of these"),
        (dataset((1.0, 0.675, 0.675, 0.8)), "not one of these"),
        (dataset((1.0, 0.1, 0.1, 0.4), known=False), "not one of these"),
    ],
)
def test_names(ds, name):
    """Else a run is called what its numbers do not say."""
    found = identify(ds)
    assert found.name == name
    assert found.name in ALGORITHMS
    assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        dict(symmetric=0.9),  # not as asymmetric as a clock
        dict(irrelevance=0.4),  # the distance matters
        dict(clock=[0.98, 0.8, 0.8], pizza=[0.8, 0.98, 0.98]),  # .56 by weight only
        dict(symmetric=None),  # no witness of the gradients at all
        dict(symmetric=np.nan),
        dict(irrelevance=np.nan),
    ],
)
def test_a_clock_needs_every_witness(change):
    """Else one number that looks like a clock is enough: a guess."""
    found = identify(dataset(**CLOCK | change))
    assert found.name == "cosets / representations"
    assert "no clock (" in found.sentence


@pytest.mark.parametrize(
    "change", [dict(alone=0.5), dict(without=0.9), dict(neurons=0.2), dict(alone=np.nan)]
)
@pytest.mark.parametrize("cyclic", [True, False])
def test_no_algorithm_without_a_circuit(change, cyclic):
    """Else a model that answers all rows in some other way is called a clock, or cosets."""
    ds = dataset(cyclic=cyclic, **(CLOCK if cyclic else {}) | change)
    assert identify(ds).name == "not one of these"


def test_a_forming_circuit_is_no_lookup():
    """Else a run on its way to the rule is called a lookup: its held-out restricted loss is below chance."""
    low = dataset((1.0, 0.05, 0.05, 0.4), loss=4.5)
    assert identify(low).name == "not one of these"
    assert "forming" in identify(low).sentence
    assert identify(dataset((1.0, 0.05, 0.05, 0.4), loss=4.7)).name == "lookup"


def test_margins_are_signed_and_missing_values_are_said():
    """Else a reader cannot see how close a verdict was, or takes what was not measured for a failure."""
    found = identify(dataset(**CLOCK | dict(symmetric=0.5), neurons=None))
    pieces = {piece.quantity: piece for piece in found.evidence if piece.of != "pizza"}
    symmetry = pieces["gradient_symmetricity"]
    assert symmetry.margin == pytest.approx(Thresholds().asymmetric - 0.5)
    assert symmetry.holds
    assert symmetry.wanted == "<= 0.75"
    against = next(p for p in found.evidence if p.of == "pizza" and p.quantity == symmetry.quantity)
    assert against.margin == pytest.approx(0.5 - Thresholds().symmetric)
    assert against.holds is False
    missing = identify(dataset(**CLOCK | dict(symmetric=None))).evidence
    piece = next(p for p in missing if p.quantity == "circle_symmetricity")
    assert (piece.value, piece.margin, piece.holds) == (None, None, None)
    assert "do not share an embedding" in piece.note


def test_json_has_no_numpy_and_no_nan():
    """Else `grokscope analyze --json` fails, or prints what is no JSON."""
    import json

    for ds in (dataset(**CLOCK), dataset(cyclic=False), dataset((0.1,) * 4), xr.Dataset()):
        said = json.loads(json.dumps(identify(ds).to_json(), allow_nan=False))
        assert set(said) == {"name", "sentence", "evidence", "circles"}


def test_without_any_measure_there_is_no_verdict():
    """Else a dataset of other measures is a crash or a verdict."""
    assert identify(xr.Dataset(coords={"step": [1]})).name == "not one of these"
    ds = dataset().drop_vars(["key_frequency"])
    assert identify(ds).name == "not one of these"


def test_thresholds_can_be_set():
    """Else who draws the lines elsewhere cannot."""
    assert identify(dataset(**CLOCK), Thresholds(asymmetric=0.2)).name == "cosets / representations"


def test_forms_of_circles():
    """Else a circle that is as much the one as the other counts for one of them."""
    circles = (Circle(1, 0.5, 0.98, 0.81), Circle(2, 0.3, 0.93, 0.92), Circle(3, 0.2, 0.25, 0.1))
    assert [c.form for c in circles] == ["clock", "undecided", "undecided"]
    # of the profile the gap is .04 / .5: noise beside it takes nothing from the difference
    assert [Circle(1, 1.0, 0.46, 0.5, p).form for p in (1.0, 0.5)] == ["undecided", "pizza"]
    assert weight_of(circles, "clock") == 0.5
    assert weight_of(circles, "pizza") == 0
    assert weight_of((), "clock") is None
