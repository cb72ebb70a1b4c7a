"""Restricted and excluded loss of the neurons' key functions, nothing else kept: the form of Chughtai et al. 2023."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.harmonics.table_loss import loss_of_table
from grokscope.measures.excluded_loss import losses_without
from grokscope.measures.registry import Output, measure
from grokscope.models.families import last_block, unembedding
from grokscope.runs.neuron_sums import mean_neurons
from grokscope.runs.skip_logits import is_linear_after_neurons, skip_logits
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.sums import projections, sum_form, sum_rows
from grokscope.tasks import ROWS

_P = "P h the projection of each neuron, over all rows, on the key functions of x . y"


@measure(
    source="Chughtai et al. 2023 (arXiv 2302.03025), section 5 and their code, with a basis of the right rank",
    outputs={
        "restricted_loss_hidden": Output(
            ("rows",),
            "Restricted loss of the neurons alone, as published for groups",
            "nat",
            f"cross-entropy over the answers of P h W_L, {_P}; neither mean activations nor the stream that skips the "
            "neurons are kept",
        ),
        "excluded_loss_hidden": Output(
            (),
            "Excluded loss of the neurons alone, as published for groups",
            "nat",
            f"training rows: cross-entropy over the answers of (h - P h) W_L, {_P}",
        ),
    },
    reads=("activations", "test labels"),
    causal=False,
    needs=("product", "neurons"),
    builtin=True,
)
def hidden_losses(snap: Snapshot) -> dict[str, ndarray | float]:
    """Loss of the neurons' projection on the key representations' functions of x . y, and without it.

    Their own numbers for cyclic groups are orders of magnitude larger: a plain QR of all four entries of a turn, which
    repeat each other, adds two arbitrary directions for each key frequency.
    """
    if not snap.key:
        return {
            "restricted_loss_hidden": np.full(len(ROWS), np.nan),
            "excluded_loss_hidden": float("nan"),
        }
    to_class = _by_class(snap)
    table = projections(snap, (snap.key,), mean_neurons(snap))[0] @ to_class
    train = sum_rows(snap, "train")

    excluded = losses_without(table[None], train, _hidden_logits(snap, to_class))
    return {
        "restricted_loss_hidden": np.array(
            [loss_of_table(table, sum_rows(snap, name))[0] for name in ROWS]
        ),
        "excluded_loss_hidden": float(excluded[0]),
    }


def _hidden_logits(
    snap: Snapshot, to_class: Float[ndarray, "neuron class"]
) -> Callable[[Int[ndarray, " row"]], Float[Tensor, "row class"]]:
    """Return rows -> h W_L in float64: where all is linear, of the model's logits what is not from elsewhere."""
    if not is_linear_after_neurons(snap):
        return lambda rows: snap.neurons[torch.as_tensor(rows)].double() @ torch.as_tensor(to_class)
    bias = last_block(snap.weights, snap.config).get("mlp.b_out")
    w_u = unembedding(snap.weights, snap.config)[:, : snap.task.n_classes].double()
    constant = 0 if bias is None else bias.double() @ w_u
    inside = np.isin(np.arange(snap.task.n_classes), sum_form(snap).class_c)

    def hidden(rows: Int[ndarray, " row"]) -> Float[Tensor, "row class"]:
        logits = snap.answer_logits_of(rows) - skip_logits(snap, torch.as_tensor(rows)) - constant
        # As in W_L, what is no answer of the group has a logit of 0.
        return logits * torch.as_tensor(inside)

    return hidden


def _by_class(snap: Snapshot) -> Float[ndarray, "neuron class"]:
    """Return the neuron-logit map with the answers as classes; W_L has them by exponent."""
    form = sum_form(snap)
    by_class = np.zeros((len(snap.W_L), snap.task.n_classes))
    by_class[:, form.class_c] = snap.W_L
    return by_class
