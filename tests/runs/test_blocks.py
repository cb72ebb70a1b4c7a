"""Rows in blocks: the same numbers whatever the size of a block, and never a copy of a large table."""

import gc
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from grokscope.config import ModelConfig, SplitConfig
from grokscope.measures import choose
from grokscope.models.shapes import weight_shapes
from grokscope.runs import blocks
from grokscope.runs import snapshot as snapshot_module
from grokscope.runs.blocks import per_row, row_blocks, some_rows
from grokscope.runs.context import Context
from grokscope.runs.run import open_run
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task


def made(task="mod_add", key=(1, 3), architecture="transformer", dtype=torch.float64, **options):
    """Return a random snapshot; nothing of it is computed yet."""
    feedforward = architecture != "transformer"
    table = make_task(task, layout="a b" if feedforward else "a b =", **options)
    shape = dict(n_heads=2, d_head=5) if not feedforward else {}
    config = ModelConfig(
        architecture=architecture, d_model=6, d_mlp=8, n_ctx=table.n_ctx, d_vocab=table.d_vocab,
        d_vocab_out=table.n_classes, output_vocabulary="answers", **shape,
    )  # fmt: skip
    split = make_split(table, SplitConfig(frac_train=0.4))
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
        for name, shape in weight_shapes(config).items()
    }
    context = Context(table, split, config, lambda: key)
    return Snapshot(table, split, config, weights, given_context=context)


def measured(snap):
    """Return {variable: value} of all measures that are taken by default."""
    found = {}
    for m in choose(None):
        if not m.why_not(snap):
            found |= m(snap)
    return found


@given(st.integers(0, 50), st.integers(1, 9), st.integers(1, 40), st.integers(0, 60))
def test_blocks_cover_every_row_once(n_rows, width, entries, at_least):
    """Else rows are left out or counted twice, or a block is larger than it is said to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ENTRIES_AT_ONCE", entries)
        parts = list(row_blocks(n_rows, width, at_least))
    covered = [row for part in parts for row in range(part.start, part.stop)]
    assert covered == list(range(n_rows))
    assert all((p.stop - p.start) * width <= max(entries, at_least, width) for p in parts)


@pytest.mark.parametrize(
    "case",
    [
        dict(task="mod_add", p=11),
        dict(task="mod_mul", p=11, architecture="mlp"),
        dict(task="mod_add", p=8, architecture="one_hot_mlp"),
        dict(task="group_mul", group="S3"),
        dict(task="group_mul", group="D5", architecture="mlp", key=(1, 2)),
    ],
    ids=lambda case: f"{case['task']} {case.get('architecture', 'transformer')}",
)
def test_every_measure_is_the_same_in_small_blocks(case, monkeypatch):
    """Else a large group has other numbers than a small one: sums of blocks that leave rows out or weigh them wrong."""
    case = {"key": (1, 2), **case}
    whole = measured(made(**case))
    monkeypatch.setattr(blocks, "ENTRIES_AT_ONCE", 50)
    monkeypatch.setattr(snapshot_module, "ENTRIES_KEPT", 0)
    snap = made(**case)
    parts = measured(snap)
    assert "answer logits" not in snap.__dict__
    assert set(parts) == set(whole)
    assert len(whole) > 40
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


class LargestFloat64(TorchDispatchMode):
    """Notes the size of the largest float64 tensor that any operation gives."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64:
                self.largest = max(self.largest, tensor.numel())
        return result


@pytest.mark.slow
def test_no_measure_copies_all_logits(monkeypatch):
    """Else the analysis of 720 elements takes 22 GB: a copy of all logits in float64 is 3 GB there.

    With S5 for S6 and blocks that are as much smaller.
    """
    monkeypatch.setattr(blocks, "ENTRIES_AT_ONCE", 100_000)
    monkeypatch.setattr(blocks, "MOST_ROWS", 2048)
    monkeypatch.setattr(snapshot_module, "ENTRIES_KEPT", 0)
    options = dict(
        task="group_mul", group="S5", architecture="mlp", key=(2, 3), dtype=torch.float32
    )
    snap = made(**options)
    table = snap.logits.numel()
    assert table == 120**3
    with LargestFloat64():  # torch loads more of itself on first use
        torch.ones(1)
    for m in choose(None):
        if m.why_not(snap):
            continue
        gc.collect()
        tracemalloc.start()
        try:
            with LargestFloat64() as seen:
                m(snap)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert seen.largest < table / 2, m.name
        assert peak < 8 * table / 2, m.name  # numpy's arrays


def test_the_answers_logits_of_a_large_table_are_those_of_a_small_one(monkeypatch):
    """Else the logits of some rows are of others, or in another precision, where the table is not kept."""
    small, large = made(p=11), made(p=11, dtype=torch.float32)
    monkeypatch.setattr(snapshot_module, "ENTRIES_KEPT", 0)
    for snap in (small, large):
        rows = np.array([5, 2, 100])
        assert snap.answer_logits_of(rows).dtype == torch.float64
        assert torch.equal(snap.answer_logits_of(rows), snap.answer_logits[torch.as_tensor(rows)])
        assert torch.equal(snap.answer_logits_of(slice(3, 7)), snap.answer_logits[3:7])
        assert snap.answer_logits is not snap.answer_logits
    monkeypatch.setattr(snapshot_module, "ENTRIES_KEPT", 11**3)
    assert small.answer_logits is small.answer_logits


def test_a_number_a_row():
    """Else `per_row` gives the numbers of a set of rows in another order."""
    snap, rows = made(p=7), np.array([40, 3, 12])
    found = per_row(snap, lambda logits, part: logits[:, 0] + torch.arange(3)[part], rows)
    assert torch.equal(found, snap.answer_logits[rows, 0] + torch.arange(3))
    assert len(per_row(snap, lambda logits, part: logits[:, 0], rows[:0])) == 0


def test_some_rows():
    """Else a sample repeats rows, takes others at each call, or is taken where all rows would do."""
    rows = np.arange(100, 200)
    assert some_rows(rows) is rows
    assert some_rows(rows, 100) is rows
    found = some_rows(rows, 30)
    assert len(set(found.tolist())) == 30
    assert np.isin(found, rows).all()
    assert (np.diff(found) > 0).all()
    assert np.array_equal(found, some_rows(rows, 30))


def test_logits_that_are_not_finite_are_seen(monkeypatch):
    """Else a run that diverged in one row only is analysed, since that row lies in a later block."""
    monkeypatch.setattr(blocks, "ENTRIES_AT_ONCE", 50)
    snap = made(p=7)
    assert snap.is_finite
    snap.logits[-1, -1] = torch.nan
    assert not snap.is_finite


def test_the_key_is_read_from_the_final_snapshot_at_hand(trained, monkeypatch):
    """Else the final checkpoint's activations are held twice, 3 GB for a group of 720 elements."""
    forwards = []
    for name in ("forward", "short_answer"):
        made = getattr(snapshot_module, name)

        def counted(*args, made=made):
            found = made(*args)
            if found is not None:
                forwards.append(1)
            return found

        monkeypatch.setattr(snapshot_module, name, counted)
    run = open_run(trained)
    last = run.snapshot()
    last.logits  # noqa: B018
    key = last.key
    assert len(forwards) == 1
    first = open_run(trained).snapshot(0)
    first.logits  # noqa: B018
    assert first.key == key
    assert len(forwards) == 3
