"""Loss, accuracy, margin and logit scale of the model as it is."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.row_statistics import row_statistics
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
    return snap.mean_over_rows(row_statistics(snap).margin).array()


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
    return float((row_statistics(snap).energy / snap.task.n_classes).sqrt().mean())
