"""Restricted and excluded loss with the projection at the neurons and the skip path kept."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.measures.registry import Output, measure
from grokscope.models.families import after_sum, last_block, unembedding
from grokscope.models.fast import mlp_out
from grokscope.runs.blocks import row_blocks
from grokscope.runs.neuron_sums import mean_neurons
from grokscope.runs.products import sum_form
from grokscope.runs.skip_logits import is_linear_after_neurons, skip_logits
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import projections
from grokscope.tasks import ROWS


def stream_of_key(
    snap: Snapshot, key: tuple[int, ...]
) -> tuple[Float[Tensor, " d_model"], Float[Tensor, "n d_model"]]:
    """Return what the neurons' means, and their projections on the sum's waves at `key`, add to the stream, by sum.

    The neurons enter the stream linearly, so that only the table of sums goes through W_out.
    """
    means = mean_neurons(snap)
    projected = projections(snap, (key,), means)[0]
    block = last_block(snap.weights, snap.config)
    constant, waves = (
        torch.as_tensor(part).to(block["mlp.W_out"].dtype) for part in (means.mean(0), projected)
    )
    return mlp_out(block, constant[None])[0], waves @ block["mlp.W_out"]


LogitsOf = Callable[[Tensor], Tensor]


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
    form = sum_form(snap)
    sums = torch.full((snap.task.n_inputs,), form.n)
    sums[torch.as_tensor(form.rows)] = torch.as_tensor(form.row_sum)
    kept, removed = (_by_tables if is_linear_after_neurons(snap) else _by_streams)(snap, sums)
    train = torch.as_tensor(snap.rows("train"))
    excluded = torch.full((len(sums),), torch.nan, dtype=torch.float64)
    excluded[train] = _losses(snap, removed, train)
    return {
        "restricted_loss_neuron": snap.mean_over_rows(
            _losses(snap, kept, torch.arange(len(sums)))
        ).array(),
        "excluded_loss_neuron": snap.mean_over_rows(excluded).train,
    }


def _by_tables(snap: Snapshot, sums: Int[Tensor, " input"]) -> tuple[LogitsOf, LogitsOf]:
    """Return rows -> logits with the projections kept, and removed: a table of the sums is all that changes."""
    constant, waves = stream_of_key(snap, snap.key)
    w_u = unembedding(snap.weights, snap.config)[:, : snap.task.n_classes].double()
    table = torch.cat([waves, torch.zeros_like(waves[:1])]).double() @ w_u
    added, n = constant.double() @ w_u, len(waves)

    def kept(rows: Tensor) -> Tensor:
        logits = skip_logits(snap, rows).double() + table[sums[rows]] + added
        outside = torch.nonzero(sums[rows] == n)[:, 0]
        if len(outside):
            logits[outside] = snap.answer_logits_of(rows[outside])
        return logits

    def removed(rows: Tensor) -> Tensor:
        return snap.answer_logits_of(rows) - table[sums[rows]]

    return kept, removed


def _by_streams(snap: Snapshot, sums: Int[Tensor, " input"]) -> tuple[LogitsOf, LogitsOf]:
    """Return the same through the LayerNorm that follows the neurons."""
    constant, waves = stream_of_key(snap, snap.key)
    waves = torch.cat([waves, torch.zeros_like(waves[:1])])
    skip, block = snap.answer.resid_mid, last_block(snap.weights, snap.config)

    def logits(total: Tensor) -> Tensor:
        return after_sum(snap.weights, snap.config, total)[:, : snap.task.n_classes].double()

    def kept(rows: Tensor) -> Tensor:
        total = skip[rows] + constant + waves[sums[rows]]
        outside = torch.nonzero(sums[rows] == len(waves) - 1)[:, 0]
        at = rows[outside]
        total[outside] = skip[at] + mlp_out(block, snap.neurons[at])
        return logits(total)

    def removed(rows: Tensor) -> Tensor:
        return logits(skip[rows] + mlp_out(block, snap.neurons[rows]) - waves[sums[rows]])

    return kept, removed


def _losses(snap: Snapshot, logits_of: LogitsOf, rows: Tensor) -> Float[Tensor, " row"]:
    """Return the cross-entropy over the answers of `rows`, whose logits `logits_of` gives."""
    found = torch.empty(len(rows), dtype=torch.float64)
    for part in row_blocks(len(rows), snap.task.n_classes):
        logits, labels = logits_of(rows[part]), snap.labels[rows[part], None]
        found[part] = torch.logsumexp(logits, 1) - logits.gather(1, labels)[:, 0]
    return found
