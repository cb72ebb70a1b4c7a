"""How a logit changes with what its two operands bring in: their embeddings, or their places on the circles."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.models.families import forward
from grokscope.models.feedforward.forward import neurons_of, operand_tables, unembedding
from grokscope.models.plan import make_plan
from grokscope.runs.circles import circle_basis, turns_of

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

Pair = tuple[Float[Tensor, "row column"], Float[Tensor, "row column"]]


def embedding_gradients(
    snap: "Snapshot", rows: Int[ndarray, " row"], classes: Int[ndarray, " row"]
) -> Pair:
    """Return the gradients of logit `classes[i]` of row `rows[i]` by its two operands' embeddings, [row, d_model].

    Each row gets embeddings of its own, so that an operand that occurs twice is differentiated where it stands. For
    models whose operands share an embedding.
    """
    tokens = torch.as_tensor(snap.task.tokens[rows])
    own = snap.weights["embed.W_E"][tokens].clone().requires_grad_()
    numbers = np.arange(tokens.numel()).reshape(tokens.shape)
    plan = make_plan(numbers, snap.config.attention_mask == "causal")
    weights = {**snap.weights, "embed.W_E": own.reshape(-1, own.shape[-1])}
    logits = forward(weights, snap.config, plan).logits
    (gradient,) = torch.autograd.grad(_chosen(logits, classes), own)
    first, second = snap.task.operand_positions
    return gradient[:, first].double(), gradient[:, second].double()


def circle_gradients(
    snap: "Snapshot",
    key: tuple[int, ...],
    rows: Int[ndarray, " row"],
    classes: Int[ndarray, " row"],
) -> Pair:
    """Return the gradients of logit `classes[i]` of row `rows[i]` by its operands' circle coordinates [component].

    What operand x brings in is sum_k C_k z_k(x) with z_k(x) = (cos w_k x, sin w_k x) times sqrt(2 / n), and C_k the
    Fourier coefficients of its table; the gradient is dL/dz_k for the frequencies of `key`. It is defined for operands
    with an embedding each, and for one-hot operands, too: a feed-forward model adds the two operands' tables of
    pre-activations, so there both gradients are one gradient seen through two tables. Where the second operand's circle
    is the first one turned (`turns_of`), its coordinates are turned along. For cyclic tasks.
    """
    cyclic = snap.task.cyclic
    assert cyclic is not None
    basis = circle_basis(cyclic.n, key)
    if snap.config.has_attention:
        table = snap.weights["embed.W_E"].double()
        first, second = table, table
        by_first, by_second = embedding_gradients(snap, rows, classes)
    else:
        weights = {name: w.double() for name, w in snap.weights.items()}
        first, second = operand_tables(weights, snap.config)
        a, b = snap.task.tokens[rows][:, list(snap.task.operand_positions)].T
        pre = (first[a] + second[b]).requires_grad_()
        logits = neurons_of(weights, snap.config, pre) @ unembedding(weights, snap.config)
        (by_first,) = torch.autograd.grad(_chosen(logits, classes), pre)
        by_second = by_first
    coordinates = [
        gradient @ (basis @ table[torch.as_tensor(tokens)]).T
        for gradient, table, tokens in (
            (by_first, first, cyclic.token_x),
            (by_second, second, cyclic.token_y),
        )
    ]
    return coordinates[0], coordinates[1] @ _turns(snap, key).T


def _turns(snap: "Snapshot", key: tuple[int, ...]) -> Float[Tensor, "component component"]:
    """Return the rotation of (cos, sin) by each circle's turn, block by block; the Nyquist frequency has one row."""
    cyclic = snap.task.cyclic
    assert cyclic is not None
    blocks = []
    for k, angle in sorted(turns_of(snap, key).items()):
        c, s = math.cos(angle), math.sin(angle)
        blocks.append(torch.tensor([[c, -s], [s, c]] if 2 * k < cyclic.n else [[1.0]]).double())
    return torch.block_diag(*blocks)


def _chosen(logits: Float[Tensor, "row class"], classes: Int[ndarray, " row"]) -> Tensor:
    return logits[torch.arange(len(logits)), torch.as_tensor(classes)].sum()
