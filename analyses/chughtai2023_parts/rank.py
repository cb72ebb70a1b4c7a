"""Whether a basis of the wrong rank is why the published restricted losses of cyclic groups are what they are."""

from itertools import permutations

import numpy as np
import torch

from chughtai2023_parts.neuron_losses import KEY_RULE, deficient_losses, neuron_losses
from grokscope.runs.run import Run
from published.page import Table, number

PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


def rank_table(models: dict[str, tuple[Run, float]]) -> Table:
    """Return recorded, right and deliberately wrong restricted losses of models of cyclic groups.

    Parameters
    ----------
    models
        Name -> (run, restricted loss that its authors recorded).
    """
    rows = []
    for name, (run, theirs) in models.items():
        snap = run.snapshot(run.steps[-1], run.new_context(KEY_RULE))
        right = neuron_losses(snap)["restricted"]
        wrong = {
            word: [deficient_losses(snap, order, dtype)["restricted"] for order in permutations(range(4))]
            for word, dtype in PRECISIONS.items()
        }  # fmt: skip
        every = np.concatenate(list(wrong.values()))
        inside = bool(every.min() <= theirs <= every.max())
        rows.append(
            (
                name,
                number(theirs),
                number(right),
                *(f"{number(min(found))} to {number(max(found))}" for found in wrong.values()),
                "inside" if inside else "outside",
            )
        )
    header = (
        "model",
        "recorded by its authors",
        "right rank",
        *(f"plain QR of four entries, {word}" for word in PRECISIONS),
        "recorded value among these",
    )
    return Table(
        "rank",
        "Restricted loss of cyclic groups: the rank of the basis",
        header,
        rows,
        "Plain QR of the dependent entries cos, -sin, sin, cos, for all 24 orders of the columns: the loss depends on "
        "the order, the precision and the library, so none of these values is a property of the model.",
    )
