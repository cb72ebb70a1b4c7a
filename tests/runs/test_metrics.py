"""metrics.jsonl: whole lines, no NaN, and what a damaged file is told."""

import hashlib
import json

import numpy as np
import pytest

from grokscope.errors import RequestError, UnsoundError
from grokscope.runs import metrics
from grokscope.runs.metrics import MetricsWriter, metric_arrays, read_metrics, write_metrics


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
    + ['{"step": true}', '{"step": -1}', '{"step": 100000000000000000000}', "[" * 100_000]
    + ['{"step": 1, "loss": NaN}', '{"step": 1, "loss": 1e999}', '{"step": 1, "loss": -Infinity}']
    + ['{"step": 1, "x": 1, "x": 2}', '{"step": 1, "x": [1]}', '{"step": 1, "x": {"y": 1}}']
    + [
        '{"step": 1, "x": %s}' % ("9" * 30),
        '{"step": 1, "x": %s}' % ("9" * 5000),
        '{"step": 1, "sum": 3}',
    ]
    + ['{"step": 1, "sum": "0123456789abcdef"}', "{'step': 1}", "\ufeff{}"],
    ids=lambda line: line[:30],
)
def test_a_damaged_line_is_named(tmp_path, line):
    """Else a curve has a hole that nobody sees."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"step": 0}}\n{line}\n{{"step": 2}}\n', encoding="utf-8")
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


SOME = [
    {"step": 0, "loss_train": 0.1 + 0.2, "accuracy_test": None, "note": 'ä \u2028 \\ "'},
    {"step": 5, "loss_train": 1e-300, "stopped": True},
    {"step": 7},
]


def test_a_file_written_as_a_whole_is_the_one_that_was_appended_to(tmp_path):
    """Else a run that goes on has other bytes than one that was never interrupted."""
    write_metrics(tmp_path / "whole", SOME)
    writer = MetricsWriter(tmp_path / "lines")
    for line in SOME:
        writer.append(line)
        writer.sync()
    writer.close()
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "lines").read_bytes()
    assert read_metrics(tmp_path / "whole") == SOME


def test_the_sum_is_that_of_the_line_without_it(tmp_path):
    """Else no other program can verify a line, or json and pandas cannot read one."""
    path = tmp_path / "metrics.jsonl"
    write_metrics(path, SOME)
    for line, values in zip(path.read_text().splitlines(), SOME, strict=True):
        told = json.loads(line)
        assert list(told) == [*values, "sum"]
        without = json.dumps({k: v for k, v in told.items() if k != "sum"})
        assert hashlib.sha256(without.encode()).hexdigest()[:16] == told.pop("sum")
        assert told == values
    pandas = pytest.importorskip("pandas")
    assert pandas.read_json(path, lines=True)["step"].tolist() == [0, 5, 7]


def test_every_changed_byte_is_noticed(tmp_path):
    """Else a digit that a bad disk changed is a point of a curve."""
    path = tmp_path / "metrics.jsonl"
    write_metrics(path, SOME)
    data = path.read_bytes()
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            path.write_bytes(changed)
            try:
                found = read_metrics(path)
            except UnsoundError:
                continue
            else:
                # White space for white space, and the last line without its end, as a crash leaves it.
                assert found == SOME or (found == SOME[:-1] and at == len(data) - 1), (at, bit)


@pytest.mark.parametrize("without", [0, 1, 2])
def test_a_line_without_a_sum_among_others(tmp_path, without):
    """Else the sum is got rid of by leaving it out."""
    path = tmp_path / "metrics.jsonl"
    write_metrics(path, SOME)
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[without] = json.dumps(SOME[without])
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UnsoundError, match="sum"):
        read_metrics(path)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    """Else a stranger's file of 10 GB, or one line of 1 GB, takes all memory."""
    path = tmp_path / "metrics.jsonl"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    with pytest.raises(UnsoundError, match="at most"):
        read_metrics(path)
    monkeypatch.setattr(metrics, "MAX_LINE", 100)
    path.write_text('{"step": 0}\n{"step": 1, "x": "%s"}' % ("y" * 100))
    with pytest.raises(UnsoundError, match="line 2 has more than 100 bytes"):
        read_metrics(path)


def test_a_disk_that_takes_half_a_line(tmp_path, monkeypatch):
    """Else a full disk leaves half a line, and the next one is appended to it."""
    path = tmp_path / "metrics.jsonl"
    writer = MetricsWriter(path)
    writer.append({"step": 0})
    file = writer._file

    class AlmostFull:
        def __getattr__(self, name):
            return getattr(file, name)

        def write(self, data):
            return file.write(data[: len(data) // 2])

    monkeypatch.setattr(writer, "_file", AlmostFull())
    with pytest.raises(RequestError, match="No space left") as caught:
        writer.append({"step": 1})
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    writer.append({"step": 2})
    writer.close()
    assert read_metrics(path) == [{"step": 0}, {"step": 2}]
