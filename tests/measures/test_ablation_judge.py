"""Loss and accuracy of ablated logits, where rows are easily got wrong: ties, tiny losses, one row for all inputs."""

import numpy as np
import pytest
import torch
from random_models import random_snapshot

from grokscope.measures.ablation_judge import Judge, loss_and_hit
from grokscope.measures.ablation_terms import Part
from grokscope.measures.ablations import MODES


def test_loss_and_hit():
    """Else ties are right for every answer, as in a model of which nothing is left, or a tiny loss is rounding."""
    logits = torch.zeros(4, 5, dtype=torch.float64)
    logits[1, 3] = 40.0
    logits[2, [1, 4]] = 1.0
    labels = torch.tensor([0, 3, 4, 2])[:, None]
    before = logits.clone()
    loss, hit = loss_and_hit(logits, labels, torch.empty_like(logits))
    assert torch.equal(logits, before)
    assert hit.tolist() == [1, 1, 0, 0]
    assert hit.tolist() == (logits.argmax(1) == labels[:, 0]).double().tolist()
    expected = torch.nn.functional.cross_entropy(logits, labels[:, 0], reduction="none")
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("fields", [{}, dict(normalization="post"), dict(attn_only=True)])
def test_a_stream_that_is_one_row_is_the_same_as_written_out(fields):
    """Else the shortcut for a term that is the same for all inputs gives another loss than the term itself."""
    snap = random_snapshot(p=7, key=(1,), **fields)
    rows, n = torch.arange(49), 49
    one = torch.randn(1, 12, generator=torch.Generator().manual_seed(0)).double()
    whole = one.expand(n, -1).contiguous()
    for of in ("middle", "end"):
        found = []
        for values in (lambda some: one.expand(len(some), -1), lambda some: whole[some]):
            found.append(Judge(snap, rows, MODES)(Part(of, values, one[0])))
        np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_rows_in_blocks(monkeypatch):
    """Else inputs after the first thousand are judged by the wrong labels, or resampled from the wrong inputs."""
    import grokscope.measures.ablation_judge as module
    from grokscope.measures import choose

    (m,) = choose(["ablations"])
    whole = m(random_snapshot(p=11, key=(2, 3)))
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 17)
    parts = m(random_snapshot(p=11, key=(2, 3)))
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-11, err_msg=name)
