"""Loss and accuracy recomputed from checkpoints, beside those that training recorded.

Training and this evaluate in different ways: another order of sums, folded tables, many runs at once, another machine.
So a logit is known to some roundings of its largest size, D. A row's loss then moves by at most 2 D, and a mean loss
below 1 by at most 2 D times itself, since a row that is almost sure hardly moves: d loss = sum_c (p_c - y_c) d logit_c,
and 1 - p <= -ln p. An accuracy may differ by the rows whose best two classes are within 2 D of each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.checking.finding import Finding, fault
from grokscope.checking.scene import CHECKPOINTS, Scene, name_of
from grokscope.models.shapes import weight_shapes
from grokscope.runs.blocks import row_blocks
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import ROWS

ROUNDINGS = 64.0
"""Roundings of a logit of the largest size that two ways of computing it may differ by."""
SLACK = 1e-9
"""Difference of a loss that is never looked at: sums of exponentials in float64 round, too."""
CHEAP = 2e11
"""Rows times weights of all checkpoints together up to which every one is recomputed: some seconds."""
SAMPLES = 20


@dataclass(frozen=True)
class Compared:
    """One number, recorded and recomputed.

    Attributes
    ----------
    step, name
        Of which checkpoint and what, such as "loss_test".
    recorded, recomputed
        Both values.
    allowed
        The largest difference that rounding explains.
    """

    step: int
    name: str
    recorded: float
    recomputed: float
    allowed: float

    @property
    def differs(self) -> bool:
        """Whether rounding does not explain it."""
        return not abs(self.recorded - self.recomputed) <= self.allowed


def sampled(
    scene: Scene, sound: Sequence[int], suspects: Sequence[int], samples: int | None
) -> list[int]:
    """Return the steps to be recomputed: evenly spread, and those that look odd; all where that is cheap."""
    if not scene.is_ours or samples == 0:
        return []
    steps = [step for step in sound if step in scene.by_step]
    if not steps:
        return []
    n_weights = sum(int(np.prod(s)) for s in weight_shapes(scene.run.config.model).values())
    if samples is None and scene.run.task.n_inputs * n_weights * len(steps) <= CHEAP:
        return steps
    n = min(len(steps), SAMPLES if samples is None else samples)
    places = np.unique(np.linspace(0, len(steps) - 1, n).round().astype(int))
    return sorted({steps[place] for place in places} | (set(suspects) & set(steps)))


def check_recomputed(scene: Scene, step: int) -> Iterator[Finding]:
    """Yield that a checkpoint does not have the metrics that were recorded at its step."""
    differ = [each for each in compare(scene, scene.run.snapshot(step)) if each.differs]
    if differ:
        told = "; ".join(
            f"{each.name} is {each.recomputed:.9g}, recorded {each.recorded:.9g}"
            for each in differ[:3]
        )
        yield fault(
            name_of(CHECKPOINTS, step),
            f"these weights do not have the recorded metrics: {told}",
            "restore the checkpoint, or metrics.jsonl, from a copy",
        )


def compare(scene: Scene, snap: Snapshot) -> list[Compared]:
    """Return what was recorded at a step beside what its weights give."""
    line, found = scene.by_step[snap.step], []
    spread = logit_error(snap.logits, snap.config.n_layers)
    close = _close_rows(snap, 2 * spread)
    for rows in ROWS:
        index = torch.as_tensor(snap.rows(rows))
        loss, accuracy = line.get(f"loss_{rows}"), line.get(f"accuracy_{rows}")
        if isinstance(loss, float | int) and len(index):
            now = getattr(snap.loss, rows)
            allowed = SLACK * (1 + now) + 2 * spread * min(1.0, now)
            found.append(Compared(snap.step, f"loss_{rows}", loss, now, allowed))
        if isinstance(accuracy, float | int) and len(index):
            share = float(close[index].double().mean()) + 0.1 / len(index)
            now = getattr(snap.accuracy, rows)
            found.append(Compared(snap.step, f"accuracy_{rows}", accuracy, now, share))
    return found


def logit_error(logits: Float[Tensor, "input class"], n_layers: int) -> float:
    """Return by how much two ways of computing a logit may differ, for float32 and float64 alike."""
    largest = max(float(logits[rows].abs().max()) for rows in row_blocks(*logits.shape))
    return ROUNDINGS * n_layers * torch.finfo(logits.dtype).eps * largest


def _close_rows(snap: Snapshot, within: float) -> Tensor:
    """Return for each row whether its two largest logits are `within` of each other."""
    close = torch.zeros(snap.task.n_inputs, dtype=torch.bool)
    for rows in row_blocks(*snap.logits.shape):
        top = snap.logits[rows].double().topk(2, 1).values
        close[rows] = top[:, 0] - top[:, 1] <= within
    return close
