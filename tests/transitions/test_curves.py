"""Reading curves: two grids become one, absent ones are empty."""

import numpy as np
import pytest

from grokscope.errors import RequestError
from grokscope.transitions.curves import curve, lowest_curve, merged_curve


def test_metrics_and_checkpoints_become_one_sorted_grid(planted):
    """Wrong, an event would get the wider interval of the checkpoints, or an unsorted one."""
    ds = planted(
        np.array([100, 0]),
        accuracy={"train": [0.9, 0.1]},
        metric_steps=np.array([0, 50, 100, 150]),
        metric_accuracy={"train": [0.2, 0.5, 0.8, np.nan]},
    )
    found = merged_curve(ds, "accuracy", "train")
    assert found.steps.tolist() == [0, 50, 100]
    assert found.values.tolist() == [0.1, 0.5, 0.9]


def test_a_checkpoint_without_value_leaves_the_metric_of_that_step(planted):
    """Wrong, NaN in one source would hide an evaluation that the other has."""
    ds = planted(
        np.array([0, 100]),
        accuracy={"train": [np.nan, 0.9]},
        metric_steps=np.array([0]),
        metric_accuracy={"train": [0.2]},
    )
    assert merged_curve(ds, "accuracy", "train").values.tolist() == [0.2, 0.9]


def test_absent_variables_and_rows_give_empty_curves(planted):
    """Wrong, a foreign run without a split could not be read at all."""
    ds = planted(np.array([0, 100]), accuracy={"all": [0.1, 0.2]})
    for found in (
        curve(ds, "excluded_loss"),
        curve(ds, "loss", "train"),
        curve(ds, "accuracy", "train"),
        curve(ds.sel(rows=["all"]), "accuracy", "train"),
        lowest_curve(ds, "restricted_loss_null", "draw"),
    ):
        assert len(found) == 0
        assert found.last is None


def test_the_lowest_draw_ignores_draws_that_are_not_known(planted):
    """Wrong, one NaN among twenty draws would remove the null."""
    ds = planted(np.array([0, 100]), restricted=[1.0, 1.0], null=np.array([3.0, 2.0]))
    ds["restricted_loss_null"][0, 0] = np.nan
    lowest = lowest_curve(ds, "restricted_loss_null", "draw")
    assert lowest.values == pytest.approx([3 + 1 / 19, 2.0])


def test_a_dataset_of_several_runs_is_refused_with_what_to_do(planted):
    """Wrong, the seeds of several runs would be read as one curve."""
    ds = planted(np.array([0, 100]), excluded=[1.0, 1.0]).expand_dims(seed=2)
    with pytest.raises(RequestError, match="select one first"):
        curve(ds, "excluded_loss")
