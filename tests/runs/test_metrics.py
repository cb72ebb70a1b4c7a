"""metrics.jsonl: whole lines, no NaN, and what a damaged file is told."""

import json

import numpy as np
import pytest

from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.metrics import MetricsWriter, metric_arrays, read_metrics


def test_lines_are_read_back_as_written(tmp_path):
    """Else numbers lose digits on the way to the disk; NaN, which JSON has not, becomes null."""
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    writer.append({"step": 0, "loss_train": 0.1 + 0.2, "loss_test": float("nan")})
    assert read_metrics(path) == [{"step": 0, "loss_train": 0.1 + 0.2, "loss_test": None}]
    writer.append({"step": 5, "loss_train": float("inf")})
    writer.close()
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert [line["step"] for line in read_metrics(path)] == [0, 5]


def test_a_half_written_last_line_is_left_out(tmp_path):
    """Else a crash makes the whole file unreadable."""
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0}\n{"step": 1}\n{"ste')
    assert read_metrics(path) == [{"step": 0}, {"step": 1}]
    assert read_metrics(tmp_path / "none") == []


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "3", '{"loss": 1}', '{"step": 1.5}', '{"step": null}']
    + ['{"step": true}', '{"step": -1}', '{"step": 100000000000000000000}'],
)
def test_a_damaged_line_is_named(tmp_path, line):
    """Else a curve has a hole that nobody sees."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 0}}\n{line}\n{{"step": 2}}\n')
    with pytest.raises(UnsoundError) as caught:
        read_metrics(path)
    assert "line 2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_written(tmp_path):
    """Else a full or read-only disk ends in a traceback."""
    with pytest.raises(RequestError) as caught:
        MetricsWriter(tmp_path)
    assert "\n" not in str(caught.value)


def test_arrays():
    """Else a loss stands at the wrong step or row, or a set that was not recorded has a 0."""
    lines = [
        {"step": 10, "loss_train": 1.0, "accuracy_test": 0.5},
        {"step": 0, "loss_train": 2.0, "loss_test_twin_free": None},
        {"step": 12, "loss_train": None, "diverged": True},
    ]
    steps, arrays = metric_arrays(lines)
    nan = np.nan
    assert list(steps) == [0, 10, 12]
    np.testing.assert_array_equal(arrays["loss"], [[2, 1, np.inf], [nan] * 3, [nan] * 3, [nan] * 3])
    np.testing.assert_array_equal(
        arrays["accuracy"], [[nan] * 3, [nan, 0.5, nan], [nan] * 3, [nan] * 3]
    )
