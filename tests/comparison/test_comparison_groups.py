"""Which runs are compared, what they are called, and which of them are one group."""

import pytest
from planted_runs import planted, seeds

import grokscope as gs
from grokscope.errors import RequestError


def groups(*runs, **how):
    return {g.name: g.members for g in gs.compare(*runs, **how).groups}


def test_seeds_are_one_group_and_settings_are_several():
    """Else a band over seeds mixes settings, or seeds are drawn as settings."""
    runs = [*seeds(400, 600), planted("control", weight_decay=0.0)]
    assert groups(*runs) == {"weight decay 1": (0, 1), "weight decay 0": (2,)}
    assert groups(*seeds(400, 600)) == {"2 runs": (0, 1)}
    assert groups(planted("alone")) == {"alone": (0,)}


def test_groups_by_a_field_or_none():
    """Else --group-by does nothing."""
    runs = [planted("a", lr=0.1), planted("b", lr=0.2, seed=1), planted("c", lr=0.1, seed=2)]
    assert groups(*runs, group_by="lr") == {"lr 0.1": (0, 2), "lr 0.2": (1,)}
    assert groups(*runs, group_by="none") == {"a": (0,), "b": (1,), "c": (2,)}
    assert groups(*runs, group_by=["weight_decay"]) == {"3 runs": (0, 1, 2)}


def test_a_group_is_named_by_the_fewest_fields():
    """Else the legend lists settings that follow from each other."""
    runs = [planted("a", lr=0.1, weight_decay=0.0), planted("b", lr=0.2, weight_decay=1.0)]
    assert list(groups(*runs)) == ["weight decay 0", "weight decay 1"]


def test_a_dataset_without_a_configuration_is_like_no_other():
    """Else two runs of which nothing is known are taken for two seeds of one setting."""
    runs = [planted("a"), planted("b")]
    for ds in runs:
        ds.attrs.pop("config")
    assert groups(*runs) == {"a": (0,), "b": (1,)}
    assert "not known" in gs.compare(runs).common


def test_names_tell_runs_apart():
    """Else two columns of a table have one name."""
    assert gs.compare(planted("a"), planted("a", seed=1)).names == ("a (1)", "a (2)")
    assert gs.compare(planted("a"), planted("b"), names=["x", "y"]).names == ("x", "y")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (dict(names=["x"]), "1 names, 1 of them different, for 2 runs"),
        (dict(names=["x", "x"]), "a name of its own"),
        (dict(group_by="weight_deca"), "did you mean 'weight_decay'?"),
    ],
)
def test_what_makes_no_sense_is_said(how, words):
    """Else a slip ends in a traceback, or is passed over."""
    with pytest.raises(RequestError, match="^[^\n]*$") as told:
        gs.compare(planted("a"), planted("b"), **how)
    assert words in str(told.value)


def test_folders_that_are_no_runs(tmp_path):
    """Else a folder of anything is read as a run."""
    with pytest.raises(RequestError, match="no folder"):
        gs.compare(tmp_path / "nothing")
    with pytest.raises(RequestError, match=r"config\.json"):
        gs.compare(tmp_path)
    with pytest.raises(RequestError, match="no run to compare"):
        gs.compare()


def test_what_is_common_is_said_in_a_line():
    """Else a reader cannot tell which setting the difference is not about."""
    found = gs.compare(*seeds(400, 600), planted("c", weight_decay=0.0))
    assert "task mod_add" in found.common
    assert "frac train 0.5" in found.common
    assert "weight decay" not in found.common
    assert "group" not in found.common  # of other tasks
    rows = {name: cells for name, *cells in found.tables["settings"].rows}
    assert rows["weight decay"] == ["1", "1", "0"]
    assert rows["init seed"] == ["0", "1", "0"]
    assert rows["group"][0] == "weight decay 1"
    assert "lr" not in rows
