"""Restricted and excluded loss with the projection at the neurons and the skip path kept."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.models.families import after_sum, last_block
from grokscope.models.fast import mlp_out
from grokscope.runs.blocks import row_blocks
from grokscope.runs.products import sum_form
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import mean_neurons, whole_table_projectors
from grokscope.tasks import ROWS


def stream_of_key(
    snap: Snapshot, key: tuple[int, ...]
) -> tuple[Float[Tensor, " d_model"], Float[Tensor, "n d_model"]]:
    """Return what the neurons' means, and their projections on the sum's waves at `key`, add to the stream, by sum.

    The neurons enter the stream linearly, so that only the table of sums goes through W_out.
    """
    means = mean_neurons(snap)
    projected = whole_table_projectors(snap, (key,))[0] @ means
    block = last_block(snap.weights, snap.config)
    constant, waves = (
        torch.as_tensor(part).to(block["mlp.W_out"].dtype) for part in (means.mean(0), projected)
    )
    return mlp_out(block, constant[None])[0], waves @ block["mlp.W_out"]


def loss_of_stream(
    snap: Snapshot, total: Float[Tensor, "row d_model"], rows: Tensor
) -> Float[Tensor, " row"]:
    """Return the cross-entropy over the answers of `rows` when the last block's residual sum is `total`."""
    logits = after_sum(snap.weights, snap.config, total)[:, : snap.task.n_classes].double()
    return torch.logsumexp(logits, 1) - logits.gather(1, snap.labels[rows, None])[:, 0]


def _added(snap: Snapshot, rows: Tensor) -> Float[Tensor, "row d_model"]:
    """Return what the neurons add to the stream, which in a feed-forward model is themselves."""
    neurons = snap.neurons[rows]
    if not snap.config.has_attention:
        return neurons
    return mlp_out(last_block(snap.weights, snap.config), neurons)


@measure(
    source="TransformerLens's grokking demo, with the skip path kept",
    outputs={
        "restricted_loss_neuron": Output(
            ("rows",),
            "Restricted loss at the neurons",
            "nat",
            "cross-entropy when each neuron is its mean plus its projections on cos w_k(x+y), sin w_k(x+y), k key; "
            "the stream that skips the neurons is kept; rows outside the group count as they are",
        ),
        "excluded_loss_neuron": Output(
            (),
            "Excluded loss at the neurons",
            "nat",
            "training rows; each neuron without its projections on cos w_k(x+y), sin w_k(x+y), k key",
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    needs=("cyclic", "neurons"),
    builtin=True,
)
@torch.no_grad()
def neuron_projection(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Restricted and excluded loss with the projection applied before the neuron-logit map."""
    if not snap.key:
        return {
            "restricted_loss_neuron": np.full(len(ROWS), np.nan),
            "excluded_loss_neuron": float("nan"),
        }
    constant, waves = stream_of_key(snap, snap.key)
    waves = torch.cat([waves, torch.zeros_like(waves[:1])])
    form = sum_form(snap)
    in_group = torch.as_tensor(form.rows)
    sums = torch.full((snap.task.n_inputs,), form.n)
    sums[in_group] = torch.as_tensor(form.row_sum)
    skip = snap.activations.resid_mid

    def kept(rows: Tensor) -> Tensor:
        total = skip[rows] + constant + waves[sums[rows]]
        outside = torch.nonzero(sums[rows] == form.n)[:, 0]
        at = rows[outside]
        total[outside] = skip[at] + _added(snap, at)
        return total

    def removed(rows: Tensor) -> Tensor:
        return skip[rows] + _added(snap, rows) - waves[sums[rows]]

    def losses(stream: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
        found = torch.empty(len(rows), dtype=torch.float64)
        for part in row_blocks(len(rows), snap.task.n_classes):
            found[part] = loss_of_stream(snap, stream(rows[part]), rows[part])
        return found

    train = torch.as_tensor(snap.rows("train"))
    excluded = torch.full((len(sums),), torch.nan, dtype=torch.float64)
    if len(train):
        excluded[train] = losses(removed, train)
    return {
        "restricted_loss_neuron": snap.mean_over_rows(
            losses(kept, torch.arange(len(sums)))
        ).array(),
        "excluded_loss_neuron": snap.mean_over_rows(excluded).train,
    }
