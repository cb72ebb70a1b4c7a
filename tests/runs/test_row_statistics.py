"""What one pass over the logits gives of each row: against torch and numpy, row by row."""

import numpy as np
import pytest
import torch

from grokscope.config import ModelConfig, SplitConfig
from grokscope.models.shapes import weight_shapes
from grokscope.runs import blocks
from grokscope.runs.row_statistics import row_statistics
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task


def snapshot(extra=1, dtype=torch.float64, p=7):
    """Return a random model with `extra` classes that are no answers."""
    task = make_task("mod_add", p)
    config = ModelConfig(
        n_heads=2, d_model=6, d_head=3, d_mlp=8, n_ctx=3, d_vocab=p + 1, d_vocab_out=p + extra,
        output_vocabulary="answers" if extra == 0 else "tokens",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
        for name, shape in weight_shapes(config).items()
    }
    split = make_split(task, SplitConfig(frac_train=0.5, label_shuffle=True))
    return Snapshot(task, split, config, weights)


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_row_by_itself(extra, dtype, monkeypatch):
    """Else loss, margin or energy is of other classes, other labels, or of another row of the block."""
    monkeypatch.setattr(blocks, "ENTRIES_AT_ONCE", 50)
    snap = snapshot(extra, dtype)
    before, found = snap.logits.clone(), row_statistics(snap)
    assert torch.equal(snap.logits, before)
    logits, labels = before.double(), snap.labels
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(found.loss, loss, rtol=1e-12, atol=1e-12)
    assert torch.equal(found.hit, logits.argmax(1) == labels)
    for i, row in enumerate(logits[:, : snap.task.n_classes].numpy()):
        label, others = int(labels[i]), np.delete(row, labels[i])
        assert float(found.log_sum[i]) == pytest.approx(np.log(np.exp(row).sum()), rel=1e-12)
        assert float(found.energy[i]) == pytest.approx(row.var() * len(row), rel=1e-12)
        assert float(found.margin[i]) == pytest.approx(row[label] - others.max(), abs=1e-12)


def test_what_is_not_finite_is_seen():
    """Else a model that diverged is analysed as if it had not, or a large one is called diverged."""
    for bad in (torch.inf, -torch.inf, torch.nan):
        snap = snapshot()
        snap.logits[3, -1] = bad
        assert not snap.is_finite
    snap = snapshot(dtype=torch.float32)
    snap.logits.fill_(3e38)
    assert snap.is_finite
