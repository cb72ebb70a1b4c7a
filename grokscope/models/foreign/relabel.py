"""Weights of the same model with the values of its operands and its answers in another order."""

from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor, as_tensor, cat

from grokscope.models.foreign.container import State

EMBEDDINGS = ("embed.W_E", "embed_left.W_E", "embed_right.W_E")


def relabel(weights: State, order: Int64[ndarray, " n"], second_token: int = 0) -> State:
    """Return the weights with value i where value `order[i]` was.

    The n values are the first tokens and the first classes, and where the second operand has tokens
    of its own those from `second_token` on; further ones (`=`) stay. Rows of the embeddings change
    places (of one-hot operands: rows of the first layer), and columns of the unembedding with its
    bias.
    """
    index, found = as_tensor(order), dict(weights)
    tables = [name for name in EMBEDDINGS if name in weights]
    for name in tables or ["blocks.0.mlp.W_in"]:
        found[name] = _moved(weights[name], index)
    if second_token:
        table = found["embed.W_E"]
        moved = _moved(table[second_token:], index)
        found["embed.W_E"] = cat([table[:second_token], moved])
    found["unembed.W_U"] = _moved(weights["unembed.W_U"].T, index).T.contiguous()
    if "unembed.b_U" in weights:
        found["unembed.b_U"] = _moved(weights["unembed.b_U"], index)
    return found


def _moved(table: Tensor, index: Tensor) -> Tensor:
    moved = table.clone()
    moved[: len(index)] = table[index]
    return moved
