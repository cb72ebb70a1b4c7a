"""Sparse parity: the table, its tokens, and what is refused."""

import itertools

import numpy as np
import pytest

from grokscope.config import SplitConfig
from grokscope.errors import RequestError
from grokscope.tasks import make_split, make_task


@pytest.mark.parametrize(("bits", "relevant"), [(2, 1), (4, 2), (6, 6), (7, 3)])
def test_table(bits, relevant):
    """Else a bit that should not count does, or rows are missing: all bit strings, the first bit slowest."""
    task = make_task("sparse_parity", bits=bits, relevant=relevant)
    rows = list(itertools.product((0, 1), repeat=bits))
    assert [tuple(map(int, row)) for row in task.inputs] == rows
    assert task.answers.tolist() == [sum(row[:relevant]) % 2 for row in rows]
    assert np.array_equal(task.tokens[:, :-1], task.inputs)
    assert (task.tokens[:, -1] == 2).all()
    assert (task.d_vocab, task.n_classes, task.n_ctx, task.p) == (3, 2, bits + 1, 2)
    assert task.operand_positions == tuple(range(bits))
    assert (task.cyclic, task.group, task.is_binary, task.commutative) == (None, None, False, False)


def test_all_test_rows_are_twin_free():
    """Else rows of bits are taken for pairs (a, b), whose swap gives an answer away."""
    task = make_task("sparse_parity", bits=2, relevant=2)
    assert (task.twin == -1).all()
    for pairs in ("ordered", "unordered"):
        split = make_split(task, SplitConfig(frac_train=0.5, pairs=pairs))
        assert np.array_equal(split.rows("test"), split.rows("test_twin_free"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bits": 1}, "2 to 16"),
        ({"bits": 60}, "2 to 16"),
        ({"bits": 4, "relevant": 5}, "1 to 4"),
        ({"relevant": 0}, "1 to 10"),
        ({"layout": "a op b ="}, "'a b ='"),
    ],
)
def test_requests_that_make_no_sense(options, words):
    """Else a table too large for any memory, or an op where there is none."""
    with pytest.raises(RequestError) as caught:
        make_task("sparse_parity", **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
