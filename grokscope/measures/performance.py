"""Loss, accuracy, margin and logit scale of the model as it is."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import per_row
from grokscope.runs.snapshot import Snapshot

_CE = "mean over rows of ln sum_c exp L[a,b,c] - L[a,b,answer], over all classes of the model, float64"


@measure(
    source="the training objective",
    outputs={
        "loss": Output(("rows",), "Cross-entropy", "nat", _CE),
        "accuracy": Output(
            ("rows",), "Accuracy", "1", "share of rows whose largest logit is the answer's"
        ),
    },
    reads=("activations", "test labels"),
    builtin=True,
)
def performance(snap: Snapshot) -> dict[str, np.ndarray]:
    """Loss and accuracy on training, test, twin-free test and all rows."""
    return {"loss": snap.loss.array(), "accuracy": snap.accuracy.array()}


@measure(
    source="arXiv 2606.18465",
    dims=("rows",),
    units="logit",
    long_name="Mean margin",
    formula="mean over rows of L[answer] - max over other answers of L[c]",
    reads=("activations", "test labels"),
    builtin=True,
)
def margin(snap: Snapshot) -> np.ndarray:
    """Mean distance of the right logit from the best other one."""

    def margins(logits: Float[Tensor, "row class"], rows: slice) -> Float[Tensor, " row"]:
        labels = snap.labels[rows, None]
        others = logits.scatter(1, labels, -np.inf)
        return logits.gather(1, labels)[:, 0] - others.amax(1)

    return snap.mean_over_rows(per_row(snap, margins)).array()


@measure(
    source="arXiv 2606.18465",
    units="logit",
    long_name="Logit scale",
    formula="mean over all inputs of the standard deviation of a row's logits over the answers",
    reads=("activations",),
    label_free=True,
    builtin=True,
)
def logit_scale(snap: Snapshot) -> float:
    """Mean standard deviation of a row's logits."""
    return float(per_row(snap, lambda logits, rows: logits.std(1, correction=0)).mean())
