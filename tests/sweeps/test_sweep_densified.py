"""A sweep one of whose runs was densified, alone or in its stack."""

import numpy as np

import grokscope as gs
from grokscope.runs.run import open_run


def test_curves_over_seeds_keep_their_steps(sweep_copy):
    """Else steps at which one run alone was evaluated stand among those of all, and medians jump there."""
    before = sweep_copy.dataset()
    records = {record.label: record for record in sweep_copy.runs if record.status == "done"}
    record = next(iter(records.values()))
    run = open_run(sweep_copy.path / record.folder)
    assert gs.densify(run, (1, 3)).added == (1, 2, 3)
    assert {1, 2, 3} <= {line["step"] for line in run.metrics()}
    after = sweep_copy.dataset()
    assert after["step"].values.tolist() == before["step"].values.tolist()
    for name in ("loss", "accuracy", "best_accuracy", "last_step"):
        np.testing.assert_array_equal(after[name].values, before[name].values)
