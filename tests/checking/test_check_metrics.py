"""metrics.jsonl under check: sums, order, gaps, range, its end, and what weights say of it."""

import json

import pytest
import torch
from found import alarms, check_again, only_fault

from grokscope.checking import check
from grokscope.checking.recomputed import Compared, compare, logit_error, sampled
from grokscope.checking.scene import look_at
from grokscope.runs.checkpoints import checkpoint_path
from grokscope.runs.metrics import read_metrics, write_metrics

FILE = "metrics.jsonl"


def edit(run, change) -> None:
    """Change lines, with sums that are right."""
    lines = read_metrics(run.path / FILE)
    write_metrics(run.path / FILE, change(lines) or lines)


def at(lines, step: int):
    return next(line for line in lines if line["step"] == step)


CHANGES = {
    "a line less": (lambda m: [x for x in m if x["step"] != 22], "no line for step 22"),
    "a line twice": (lambda m: m[:5] + m[4:], "line 6 is of step 8, after one of step 8"),
    "out of order": (lambda m: [m[1], m[0], *m[2:]], "after one of step 2"),
    "a strange step": (lambda m: sorted([*m, m[3] | {"step": 7}], key=lambda x: x["step"]), "step 7"),
    "no share": (lambda m: at(m, 22).update(accuracy_test=1.5), "no share"),
    "no share of these rows": (lambda m: at(m, 22).update(accuracy_train=0.123456), "of 29 rows"),
    "a loss below 0": (lambda m: at(m, 22).update(loss_test=-1e-3), "below 0"),
    "no number": (lambda m: at(m, 22).update(loss_test=None), "no number"),
    "text": (lambda m: at(m, 22).update(loss_test="low"), "no number"),
    "an end before the end": (lambda m: at(m, 22).update(stopped=True), "more lines follow"),
    "the second half lost": (lambda m: m[:11], "ends before step 40"),
    "all lost": (lambda m: m[:0], "no line"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_lines_that_training_does_not_write(copy, change):
    """Else a curve has holes, doubles or values that no run gives."""
    make, words = CHANGES[change]
    if change == "all lost":
        (copy.path / FILE).write_text("")
    else:
        edit(copy, make)
    report = check_again(copy)
    assert any(words in each.fault for each in report.of("fault") if each.file == FILE), list(
        report
    )


def test_no_file_at_all(copy):
    """Else a run without any record of its losses is sound."""
    (copy.path / FILE).unlink()
    only_fault(check_again(copy), FILE, "no line")


def test_a_line_with_a_wrong_sum(copy):
    """Else a changed digit is a point of a curve."""
    text = (copy.path / FILE).read_text()
    (copy.path / FILE).write_text(
        text.replace('"step": 22, "loss_train": ', '"step": 22, "loss_train": 1')
    )
    only_fault(check_again(copy), FILE, "line 12", "sum")


def test_sums_are_not_got_rid_of_by_leaving_them_out(copy):
    """Else a run of this version with lines that nothing protects passes for one of an older."""
    lines = read_metrics(copy.path / FILE)
    (copy.path / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    only_fault(check_again(copy), FILE, "no sums")


def test_half_a_last_line(copy, train_small, tmp_path):
    """Else a truncated file of a finished run is taken for one that is being written."""
    data = (copy.path / FILE).read_bytes()
    (copy.path / FILE).write_bytes(data[:-30])
    only_fault(check_again(copy), FILE, "half written")
    run = train_small(tmp_path / "run", stop_after=26)
    with (run.path / FILE).open("a") as file:
        file.write('{"step": 28, "lo')
    report = check_again(run)
    assert report.is_sound
    assert [each.file for each in report.of("warning")] == [FILE]


def test_the_last_line_alone_is_missing(copy):
    """Else a run that was killed in its last moment is damaged, or a last line that was removed is not told."""
    edit(copy, lambda lines: lines[:-1])
    report = check_again(copy)
    assert report.is_sound
    assert [each.file for each in report.of("warning")] == [FILE]


def test_a_run_that_diverged(train_small, tmp_path):
    """Else every diverged run is damaged; or the line that says so may be anywhere."""
    run = train_small(tmp_path / "run", optimiser="sgd", lr=1e20, weight_decay=0.0, warmup=0)
    report = check_again(run)
    assert report.status == "diverged"
    assert alarms(report) == []


@pytest.mark.parametrize("name", ["loss_train", "loss_test", "loss_test_twin_free"])
@pytest.mark.parametrize("step", [0, 20, 40])
def test_a_recorded_loss_that_the_weights_do_not_have(copy, name, step):
    """Else metrics of another run stand beside these weights: sums and all are right."""

    def change(lines):
        at(lines, step)[name] *= 1 + 1e-4

    edit(copy, change)
    only_fault(check_again(copy), f"checkpoints/step-{step:08d}.safetensors", name, "recorded")


def test_a_recorded_accuracy_that_the_weights_do_not_have(copy):
    """Else one right answer more stands in the record than the weights give."""

    def change(lines):
        line = at(lines, 20)
        line["accuracy_train"] = (round(line["accuracy_train"] * 29) + 1) / 29

    edit(copy, change)
    only_fault(check_again(copy), "checkpoints/step-00000020.safetensors", "accuracy_train")


def test_what_rounding_explains_is_no_alarm(copy):
    """Else another machine's last digits are damage."""
    scene, _ = look_at(copy)
    for step in copy.steps:
        for each in compare(scene, copy.snapshot(step)):
            assert abs(each.recorded - each.recomputed) <= 0.1 * each.allowed, each
    assert Compared(0, "loss_test", 1.0, float("nan"), 1.0).differs


def test_the_error_of_a_logit():
    """Else the allowance is not in proportion to precision and size."""
    logits = torch.tensor([[1.0, -8.0]])
    assert logit_error(logits, 1) == pytest.approx(64 * 8 * 2**-23)
    assert logit_error(logits.double(), 2) == pytest.approx(2 * 64 * 8 * 2**-52)


def test_which_checkpoints_are_recomputed(copy, monkeypatch):
    """Else the first, the last, or those that look odd are left out where not all are looked at."""
    scene, _ = look_at(copy)
    assert sampled(scene, copy.steps, [], None) == list(copy.steps)
    assert sampled(scene, copy.steps, [12], 3) == [0, 12, 20, 40]
    assert sampled(scene, copy.steps, [12], 0) == []
    assert sampled(scene, copy.steps[1:], [3], 2) == [4, 40]
    monkeypatch.setattr("grokscope.checking.recomputed.CHEAP", 0)
    assert len(sampled(scene, copy.steps, [], None)) == 11  # fewer than 20
    assert check(copy.path, samples=2).looked["recomputed"] >= 2


def test_metrics_that_end_before_a_key_frame(train_small, tmp_path):
    """Else the tail of an interrupted run's metrics is lost without a word."""
    run = train_small(tmp_path / "run", stop_after=26)
    assert checkpoint_path(run.state, 26).exists()
    edit(run, lambda lines: lines[:-3])
    only_fault(check_again(run), FILE, "ends before step 26")
