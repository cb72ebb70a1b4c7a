"""The logits of the stream that skips the last block's neurons, where all that follows the neurons is linear.

There logits are a sum, L = skip + h W_L + constant: what changes the neurons changes a table of logits, and the rest
need not be computed again.
"""

from typing import TYPE_CHECKING

from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.families import after_sum

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

MOST_ENTRIES = 2**24
"""Logits of the largest table that is kept, 64 MB in single precision."""


def is_linear_after_neurons(snap: "Snapshot") -> bool:
    """Return whether logits are linear in the last block's neurons: no LayerNorm follows them."""
    return snap.config.normalization == "none"


def skip_logits(snap: "Snapshot", rows: Int[Tensor, " row"]) -> Float[Tensor, "row class"]:
    """Return some rows of the answers' logits of the stream before the neurons are added, in the weights' precision.

    Of a feed-forward model, where nothing skips the neurons, 0. Those of all rows are kept if that is no large table.
    """
    assert is_linear_after_neurons(snap)
    stream = snap.answer.resid_mid
    if stream.stride(0) == 0:
        # One row that is shown many times.
        return _of_stream(snap, stream[:1]).expand(len(rows), -1)
    if len(stream) * snap.task.n_classes > MOST_ENTRIES:
        return _of_stream(snap, stream[rows])
    if "skip logits" not in snap.__dict__:
        snap.__dict__["skip logits"] = _of_stream(snap, stream)
    return snap.__dict__["skip logits"][rows]


def _of_stream(
    snap: "Snapshot", stream: Float[Tensor, "row d_model"]
) -> Float[Tensor, "row class"]:
    return after_sum(snap.weights, snap.config, stream)[:, : snap.task.n_classes].detach()
