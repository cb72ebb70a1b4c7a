"""Commutativity: whether (a, b) and (b, a) get the same answer."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import row_blocks
from grokscope.runs.row_statistics import row_statistics
from grokscope.runs.snapshot import Snapshot

_FORMULA = "mean over ordered pairs a != b{} of KL(p(.|a,b) || p(.|b,a)), over the answers"


@measure(
    source="Tan & Huang 2023; Hwang 2026",
    outputs={
        "commutativity": Output((), "Commutativity defect", "nat", _FORMULA.format("")),
        "commutativity_same_answer": Output(
            (),
            "Commutativity defect where (a, b) and (b, a) have one answer",
            "nat",
            _FORMULA.format(" with the same answer as (b, a)"),
        ),
        "commutativity_other_answer": Output(
            (),
            "Divergence between (a, b) and (b, a) where their answers differ",
            "nat",
            _FORMULA.format(" with another answer than (b, a)"),
        ),
    },
    reads=("activations",),
    label_free=True,
    needs=("pairs",),
    builtin=True,
)
def commutativity(snap: Snapshot) -> dict[str, float]:
    """Mean divergence between the answers to (a, b) and to (b, a); it separates copying of twins from the rule.

    In a group that does not commute only pairs with a . b = b . a ought to have none.
    """
    twin = snap.task.twin
    rows = np.flatnonzero((twin >= 0) & (twin != np.arange(len(twin))))
    first = rows[rows < twin[rows]]
    second = twin[first]
    each = torch.zeros(len(twin), dtype=torch.float64)
    log_sum = row_statistics(snap).log_sum
    answers, logits = snap.task.n_classes, snap.logits
    # Fresh memory for every intermediate result would take longer than the arithmetic.
    room = torch.empty(3, 0, answers, dtype=torch.float64)
    for part in row_blocks(len(first), answers):
        if room.shape[1] < part.stop - part.start:
            room = torch.empty(3, part.stop - part.start, answers, dtype=torch.float64)
        here, there, gap = room[:, : part.stop - part.start]
        for values, pair in ((here, first), (there, second)):
            at = torch.as_tensor(pair[part])
            values.copy_(logits[at, :answers]).sub_(log_sum[at, None])
        torch.sub(here, there, out=gap)
        each[first[part]] = here.exp_().mul_(gap).sum(1)
        each[second[part]] = -there.exp_().mul_(gap).sum(1)
    divergence = each[rows]
    same = torch.as_tensor(snap.task.answers[rows] == snap.task.answers[twin[rows]])

    def mean(values: Float[Tensor, " pair"]) -> float:
        return float(values.mean()) if len(values) else float("nan")

    return {
        "commutativity": mean(divergence),
        "commutativity_same_answer": mean(divergence[same]),
        "commutativity_other_answer": mean(divergence[~same]),
    }
