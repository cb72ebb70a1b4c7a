"""Commutativity: whether (a, b) and (b, a) get the same answer."""

import numpy as np
import torch

from grokscope.measures.registry import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    source="Tan & Huang 2023; Hwang 2026",
    units="nat",
    long_name="Commutativity defect",
    formula="mean over ordered pairs a != b of KL(p(.|a,b) || p(.|b,a)), over the answers",
    reads=("activations",),
    label_free=True,
    needs=("pairs",),
    builtin=True,
)
def commutativity(snap: Snapshot) -> float:
    """Mean divergence between the answers to (a, b) and to (b, a); it separates copying of twins from the rule."""
    twin = snap.task.twin
    rows = np.flatnonzero((twin >= 0) & (twin != np.arange(len(twin))))
    if not len(rows):
        return float("nan")
    log_p = torch.log_softmax(snap.answer_logits, 1)
    here, there = log_p[rows], log_p[twin[rows]]
    return float((here.exp() * (here - there)).sum(1).mean())
