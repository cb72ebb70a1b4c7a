"""What a layout is: keys, their axes and the turn into ours."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grokscope.config import Architecture
from grokscope.errors import RequestError, UnsoundError, nearest
from grokscope.models.foreign.container import State

Sizes = dict[str, int]
Turn = Callable[[Tensor, Sizes], Tensor]
Finish = Callable[[State, str], State]

LAYOUTS = {
    "nanda": "Nanda et al. 2023 and reruns: W_E [d_model d_vocab], W_O [d_model head*d_head]",
    "pizza": "Zhong et al. 2023: the same without a causal mask, or embed.weight, l1, l2, unembed",
    "rep_theory": "Chughtai et al. 2023: a transformer with x_embed, y_embed, or W_x, W_y, W, W_U",
    "transformerlens": "a HookedTransformer: W_E [d_vocab d_model], W_O [head d_head d_model]",
    "mlp": "mlp.W_in [d_mlp d_vocab] and mlp.W_out [d_vocab d_mlp] on one-hot operands",
}


@dataclass(frozen=True)
class Part:
    """One tensor of a layout.

    Attributes
    ----------
    ours
        Its name here (TransformerLens's); `i` stands for the block.
    axes
        Its axes in the file, by name; `head*d_head` is one axis that holds both, head first, and
        `2*d_model` one of twice the size.
    turn
        The file's tensor to ours.
    """

    ours: str
    axes: str
    turn: Turn = lambda tensor, sizes: tensor


# Where each size of a transformer is read; every other tensor is then held against it.
SOURCES = {
    "d_model": ("pos_embed.W_pos", "unembed.W_U"),
    "d_vocab": ("embed.W_E",),
    "d_vocab_out": ("unembed.W_U",),
    "n_ctx": ("pos_embed.W_pos",),
    "head": ("blocks.i.attn.W_Q",),
    "d_head": ("blocks.i.attn.W_Q",),
    "d_mlp": ("blocks.i.mlp.W_in",),
}
REQUIRED = frozenset({"embed.W_E", "unembed.W_U"})
ATTENTION = frozenset(f"blocks.i.attn.W_{part}" for part in "QKVO")
TOGETHER = (
    ATTENTION,
    frozenset(f"blocks.i.attn.b_{part}" for part in "QKVO"),
    frozenset({"blocks.i.mlp.W_in", "blocks.i.mlp.W_out"}),
    frozenset({"blocks.i.mlp.b_in", "blocks.i.mlp.b_out"}),
    frozenset(
        f"{norm}.{part}" for norm in ("blocks.i.ln1", "blocks.i.ln2", "ln_final") for part in "wb"
    ),
)
"""Parts of which a transformer here has all or none."""


@dataclass(frozen=True)
class Layout:
    """A layout: its parts by key, and the keys that carry no weights of the model.

    Attributes
    ----------
    name
        A name of `LAYOUTS`.
    parts
        Key in the file (with `i` for the block) -> Part.
    dropped
        Keys that may stand in the file and are not weights (masks, constants).
    architecture
        Which of ours it is.
    implied
        Fields of ModelConfig that the publishing program has no choice in; a setting beside the
        file wins.
    has_mask
        Whether a mask in the file is one that the program uses.
    sources
        Size -> the parts (our names) that tell it, the first one present.
    required, in_blocks, together
        Parts (our names) that a model has, that each block has, and of which it has all or none.
    finish
        What is left to do once every part is turned.
    """

    name: str
    parts: Mapping[str, Part]
    dropped: tuple[str, ...] = ()
    architecture: Architecture = "transformer"
    implied: Mapping[str, Any] = field(default_factory=dict)
    has_mask: bool = True
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: SOURCES)
    required: frozenset[str] = REQUIRED
    in_blocks: frozenset[str] = ATTENTION
    together: tuple[frozenset[str], ...] = TOGETHER
    finish: Finish = lambda weights, where: weights


def pattern(key: str) -> str:
    """Return a key with `i` in place of the number of its block."""
    return re.sub(r"^blocks\.\d+\.", "blocks.i.", key)


def check_name(name: str) -> None:
    """Raise a RequestError unless `name` is a layout."""
    if name not in LAYOUTS:
        raise RequestError(f"unknown layout '{name}'", ", ".join(LAYOUTS), nearest(name, LAYOUTS))


def convert(state: State, layout: Layout, where: str) -> tuple[State, Sizes]:
    """Return a state dict under our names and shapes, and the sizes it was held against.

    Parameters
    ----------
    state
        The file's tensors.
    where
        The file (and step), for messages.

    Raises
    ------
    RequestError
        A key is of no part of the layout: leaving it out could change what the model computes.
    UnsoundError
        A part is missing, has another shape than the sizes say, is not numbers, or is not finite.
    """
    strange = [key for key in state if not {pattern(key), key} & {*layout.parts, *layout.dropped}]
    if strange:
        raise RequestError(
            f"'{where}' has weights unknown to layout {layout.name}: {', '.join(strange[:6])}",
            "the keys of " + layout.name + " alone",
        )
    weights = {key: tensor for key, tensor in state.items() if pattern(key) in layout.parts}
    _complete(weights, layout, where)
    sizes = _sizes(weights, layout, where)
    ours = {}
    for key, tensor in weights.items():
        part = layout.parts[pattern(key)]
        _check_shape(key, tensor, part.axes, sizes, where)
        name = (
            part.ours.replace(".i.", "." + key.split(".")[1] + ".")
            if ".i." in part.ours
            else part.ours
        )
        ours[name] = part.turn(_numbers(key, tensor, where), sizes).contiguous().clone()
    return layout.finish(ours, where), sizes


def _numbers(key: str, tensor: Tensor, where: str) -> Tensor:
    tensor = tensor.detach()
    if tensor.layout != torch.strided or not tensor.is_floating_point():
        raise UnsoundError(
            f"'{where}': {key} is {tensor.dtype} {tensor.layout}", "dense real numbers"
        )
    if not bool(torch.isfinite(tensor).all()):
        bad = int((~torch.isfinite(tensor)).sum())
        raise UnsoundError(
            f"'{where}': {key} has {bad} of {tensor.numel()} values that are NaN or infinite",
            "finite weights",
        )
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def _complete(weights: State, layout: Layout, where: str) -> None:
    blocks = sorted({int(key.split(".")[1]) for key in weights if key.startswith("blocks.")})
    if blocks != list(range(len(blocks))):
        raise UnsoundError(f"'{where}' has blocks {blocks}", "blocks 0, 1, 2, ... without a gap")
    theirs = {part.ours: key for key, part in layout.parts.items()}
    outside = {layout.parts[key].ours for key in weights if not key.startswith("blocks.")}
    for block in blocks or [0]:
        inside = {
            layout.parts[pattern(k)].ours for k in weights if k.startswith(f"blocks.{block}.")
        }
        have = outside | inside
        wanted = [layout.required, *(group for group in layout.together if group & have)]
        if blocks:
            wanted.append(layout.in_blocks)
        missing = sorted(theirs.get(name, name) for name in frozenset().union(*wanted) - have)
        if missing:
            named = ", ".join(name.replace(".i.", f".{block}.") for name in missing)
            raise UnsoundError(
                f"'{where}' lacks {named}", f"layout {layout.name} with all of its parts"
            )
    kinds = {pattern(k) for k in weights if k.startswith("blocks.")}
    uneven = [k for k in sorted(kinds) for b in blocks if k.replace(".i.", f".{b}.") not in weights]
    if uneven:
        raise UnsoundError(f"'{where}': not every block has {uneven[0]}", "blocks of one kind")


def _sizes(weights: State, layout: Layout, where: str) -> Sizes:
    sizes: Sizes = {}
    first = {layout.parts[pattern(key)].ours: key for key in reversed(list(weights))}
    for size, names in layout.sources.items():
        for name in names:
            if name in first and size not in sizes:
                key = first[name]
                axes = layout.parts[pattern(key)].axes.split()
                if weights[key].ndim != len(axes):
                    raise UnsoundError(
                        f"'{where}': {key} has shape {tuple(weights[key].shape)} in the file, "
                        f"[{' '.join(axes)}] expected by layout {layout.name}"
                    )
                sizes[size] = weights[key].shape[axes.index(size)]
    return sizes


def _check_shape(key: str, tensor: Tensor, axes: str, sizes: Sizes, where: str) -> None:
    names = [axis.split("*") for axis in axes.split()]
    expected = tuple(math.prod(sizes[n] if n in sizes else int(n) for n in axis) for axis in names)
    if tuple(tensor.shape) != expected:
        used = ", ".join(
            dict.fromkeys(f"{n}={sizes[n]}" for axis in names for n in axis if n in sizes)
        )
        raise UnsoundError(
            f"'{where}': {key} has shape {tuple(tensor.shape)} in the file, "
            f"{expected} expected from {used}"
        )
