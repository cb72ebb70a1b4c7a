"""If these fail, the losses of many tables at once (excluded loss of every frequency) are not cross-entropies."""

import numpy as np
import pytest
import torch

from grokscope.harmonics import table_loss
from grokscope.harmonics.table_loss import (
    SumRows,
    loss_of_table,
    loss_of_tables,
    loss_without_tables,
)


def cross_entropy(logits, labels):
    return torch.nn.functional.cross_entropy(
        torch.as_tensor(logits), torch.as_tensor(labels), reduction="none"
    ).numpy()


def problem(seed, n=6, n_class=8, rows=20, scale=3.0):
    rng = np.random.default_rng(seed)
    at = SumRows(np.arange(rows), rng.integers(n, size=rows), rng.integers(n_class, size=rows))
    return rng.standard_normal((rows, n_class)) * scale, at, rng


def test_loss_of_a_table_and_its_standard_error():
    _, at, rng = problem(0)
    table = rng.standard_normal((6, 8)) * 50
    each = cross_entropy(table[at.sums], at.labels)
    mean, se = loss_of_table(table, at)
    assert mean == pytest.approx(each.mean(), rel=1e-13)
    assert se == pytest.approx(each.std() / np.sqrt(len(each)), rel=1e-13)


def test_no_rows_no_loss():
    empty = SumRows(*(np.array([], dtype=np.int64) for _ in range(3)))
    assert np.isnan(loss_of_table(np.zeros((3, 3)), empty)).all()
    logits = torch.zeros(0, 3, dtype=torch.float64)
    assert np.isnan(loss_without_tables(logits, np.zeros((2, 3, 3)), empty, 3)).all()


@pytest.mark.parametrize("scale", [1.0, 30.0, 150.0, 3000.0])
def test_losses_without_tables_equal_each_by_itself(scale):
    """At 150 the ranges add up to near 600, at 3000 a shared exponential would underflow to zero."""
    logits, at, rng = problem(1, scale=scale)
    tables = rng.standard_normal((5, 6, 8)) * scale
    found = loss_without_tables(torch.as_tensor(logits), tables, at, 6)
    expected = [cross_entropy(logits - table[at.sums], at.labels).mean() for table in tables]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_tables_of_very_different_range_in_one_call():
    logits, at, rng = problem(2)
    tables = rng.standard_normal((4, 6, 8)) * np.array([0, 1, 5000, 20])[:, None, None]
    found = loss_without_tables(torch.as_tensor(logits), tables, at, 6)
    expected = [cross_entropy(logits - table[at.sums], at.labels).mean() for table in tables]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    assert found[0] == pytest.approx(cross_entropy(logits, at.labels).mean(), rel=1e-12)


def test_a_loss_of_thousands_just_above_and_below_the_guard():
    """Labels at the smallest logit: the loss is the range itself, where an underflow would give infinity."""
    for size in (595.0, 605.0, 4000.0):
        logits = torch.zeros(3, 4, dtype=torch.float64)
        logits[:, 1] = -size
        at = SumRows(np.arange(3), np.array([0, 1, 1]), np.array([1, 1, 1]))
        found = loss_without_tables(logits, np.zeros((1, 2, 4)), at, 2)
        assert found[0] == pytest.approx(size + np.log(3), rel=1e-12)


@pytest.mark.parametrize("size", [250.0, 400.0, 1000.0])
def test_a_table_that_takes_the_largest_logit_away(size):
    """What is left has its top where exp(L) is 0 already: shared exponentials would give ln 0."""
    logits = torch.tensor([[0.0, -size], [-size, 0.0]], dtype=torch.float64)
    table = np.array([[[2 * size, 0.0], [0.0, 0.0]]])
    at = SumRows(np.arange(2), np.array([0, 1]), np.array([0, 0]))
    found = loss_without_tables(logits, table, at, 2)
    assert found[0] == pytest.approx((size + size) / 2, rel=1e-12)


def test_one_sum_alone_and_sums_without_rows():
    logits, _, rng = problem(3, rows=4)
    at = SumRows(np.arange(4), np.full(4, 5), rng.integers(8, size=4))
    tables = rng.standard_normal((2, 6, 8))
    expected = [cross_entropy(logits - table[at.sums], at.labels).mean() for table in tables]
    found = loss_without_tables(torch.as_tensor(logits), tables, at, 6)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_losses_of_many_tables_with_labels_that_do_not_follow_from_the_sum(monkeypatch):
    """Else shuffled labels, of which a sum has several, are counted as one, or tables of another part are taken."""
    monkeypatch.setattr(table_loss, "ENTRIES_AT_ONCE", 100)
    _, at, rng = problem(4, rows=300)
    tables = rng.standard_normal((9, 6, 8)) * 20
    means, errors = loss_of_tables(tables, at)
    for table, mean, error in zip(tables, means, errors, strict=True):
        each = cross_entropy(table[at.sums], at.labels)
        assert mean == pytest.approx(each.mean(), rel=1e-12)
        assert error == pytest.approx(each.std() / np.sqrt(300), rel=1e-12)
    sums, labels, counts = at.distinct
    assert counts.sum() == 300
    assert (
        len({*zip(sums, labels, strict=True)})
        == len(sums)
        == len({*zip(at.sums, at.labels, strict=True)})
    )


def test_a_tiny_loss_keeps_its_digits():
    """Else the loss of a network that grokked is the rounding of its logits."""
    table = np.eye(6, 8) * 30
    at = SumRows(np.arange(6), np.arange(6), np.arange(6))
    assert loss_of_table(table, at)[0] == pytest.approx(np.log1p(7 * np.exp(-30)), rel=1e-2)


def test_rows_of_few_sums():
    """Else rows of some of the sums are held against the tables of others."""
    logits, at, rng = problem(5, rows=12)
    few = SumRows(at.rows, np.where(at.sums > 2, 5, 2), at.labels)
    tables = rng.standard_normal((3, 6, 8))
    found = loss_without_tables(torch.as_tensor(logits), tables, few, 6)
    expected = [cross_entropy(logits - table[few.sums], few.labels).mean() for table in tables]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
