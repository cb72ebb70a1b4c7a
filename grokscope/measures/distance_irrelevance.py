"""Distance irrelevance: whether the right logit depends on the operands' distance."""

import numpy as np

from grokscope.measures.registry import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844), equation 6",
    long_name="Distance irrelevance",
    formula="mean over d = x - y of std over pairs at distance d of the correct logit, over its std over all pairs",
    reads=("activations",),
    label_free=False,
    needs=("cyclic",),
    builtin=True,
)
def distance_irrelevance(snap: Snapshot) -> float:
    """Spread of the correct logit that the operands' distance leaves, near 1 for a clock and near 0 for a pizza."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    right = snap.logits.numpy()[cyclic.grid, cyclic.class_c[cyclic.sums]].astype(np.float64)
    x = np.arange(cyclic.n)
    by_distance = np.stack([right[(x + d) % cyclic.n, x] for d in range(cyclic.n)])
    total = right.std()
    return float(by_distance.std(1).mean() / total) if total > 0 else float("nan")
