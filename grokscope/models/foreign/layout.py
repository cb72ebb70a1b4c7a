"""What a layout is: keys, their axes and the turn into ours; and which one a file has."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from grokscope.errors import RequestError, UnsoundError, nearest
from grokscope.models.foreign.container import State

Sizes = dict[str, int]
Turn = Callable[[Tensor, Sizes], Tensor]

LAYOUTS = {
    "nanda": "Nanda et al. 2023 and reruns: W_E [d_model d_vocab], W_O [d_model head*d_head]",
    "transformerlens": "a HookedTransformer: W_E [d_vocab d_model], W_O [head d_head d_model]",
}
NOT_YET = {
    "pizza": "two positions and no '=' token, Zhong et al. 2023",
    "rep_theory MLP": "W_x, W_y, W, W_U, Chughtai et al. 2023",
    "mlp": "mlp.W_in and mlp.W_out on one-hot inputs",
}
"""Layouts that are recognised, so that the message can name them, but not read."""


@dataclass(frozen=True)
class Part:
    """One tensor of a layout.

    Attributes
    ----------
    ours
        Its name here (TransformerLens's); `i` stands for the block.
    axes
        Its axes in the file, by name; `head*d_head` is one axis that holds both, head first.
    turn
        The file's tensor to ours.
    """

    ours: str
    axes: str
    turn: Turn = lambda tensor, sizes: tensor


@dataclass(frozen=True)
class Layout:
    """A layout: its parts by key, and the keys that carry no weights of the model.

    Attributes
    ----------
    parts
        Key in the file (with `i` for the block) -> Part.
    dropped
        Keys that may stand in the file and are not weights (masks, constants).
    """

    name: str
    parts: dict[str, Part]
    dropped: tuple[str, ...]


# Where each size is read; every other tensor is then held against it.
SOURCES = {
    "d_model": ("pos_embed.W_pos", "unembed.W_U"),
    "d_vocab": ("embed.W_E",),
    "d_vocab_out": ("unembed.W_U",),
    "n_ctx": ("pos_embed.W_pos",),
    "head": ("blocks.i.attn.W_Q",),
    "d_head": ("blocks.i.attn.W_Q",),
    "d_mlp": ("blocks.i.mlp.W_in",),
}
REQUIRED = {"embed.W_E", "unembed.W_U"}
ATTENTION = {f"blocks.i.attn.W_{part}" for part in "QKVO"}
TOGETHER = (
    ATTENTION,
    {f"blocks.i.attn.b_{part}" for part in "QKVO"},
    {"blocks.i.mlp.W_in", "blocks.i.mlp.W_out"},
    {"blocks.i.mlp.b_in", "blocks.i.mlp.b_out"},
    {f"{norm}.{part}" for norm in ("blocks.i.ln1", "blocks.i.ln2", "ln_final") for part in "wb"},
)
"""Parts of which a model here has all or none."""


def pattern(key: str) -> str:
    """Return a key with `i` in place of the number of its block."""
    return re.sub(r"^blocks\.\d+\.", "blocks.i.", key)


def check_name(name: str) -> None:
    """Raise a RequestError unless `name` is a layout."""
    if name not in LAYOUTS:
        raise RequestError(f"unknown layout '{name}'", ", ".join(LAYOUTS), nearest(name, LAYOUTS))


def detect(state: State, where: str) -> str:
    """Return the layout that the keys and shapes tell.

    The two layouts share all their names. W_O tells them apart, with two axes in one and three in
    the other; without attention, the side of W_E that is d_model does (d_model is the first axis of
    W_U in both).

    Raises
    ------
    RequestError
        The keys are of no layout that is read here, or both are possible.
    """
    keys = {pattern(key) for key in state}
    if not keys >= REQUIRED:
        known = _not_yet(keys)
        if known:
            said = f"looks like layout {known} ({NOT_YET[known]}), which is not read yet"
        else:
            said = f"has no layout known here; its keys are {', '.join(list(state)[:8])}"
        raise RequestError(f"'{where}' {said}", _layouts())
    outputs = [state[key].ndim for key in state if pattern(key) == "blocks.i.attn.W_O"]
    if outputs:
        return "nanda" if outputs[0] == 2 else "transformerlens"
    rows, columns = _matrix(state, "embed.W_E", where)
    d_model = _matrix(state, "unembed.W_U", where)[0]
    if (rows == d_model) == (columns == d_model):
        raise RequestError(
            f"'{where}' could be of either layout: W_E is ({rows}, {columns}), d_model {d_model}",
            _layouts(),
            "name the layout",
        )
    return "nanda" if rows == d_model else "transformerlens"


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
    return ours, sizes


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
    outside = {layout.parts[key].ours for key in weights if not key.startswith("blocks.")}
    for block in blocks or [0]:
        inside = {
            layout.parts[pattern(k)].ours for k in weights if k.startswith(f"blocks.{block}.")
        }
        have = outside | inside
        wanted = [REQUIRED, *(group for group in TOGETHER if group & have)]
        if blocks:
            wanted.append(ATTENTION)
        missing = sorted(set().union(*wanted) - have)
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
    for size, names in SOURCES.items():
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
    expected = tuple(math.prod(sizes[n] for n in axis) for axis in names)
    if tuple(tensor.shape) != expected:
        used = ", ".join(dict.fromkeys(f"{n}={sizes[n]}" for axis in names for n in axis))
        raise UnsoundError(
            f"'{where}': {key} has shape {tuple(tensor.shape)} in the file, "
            f"{expected} expected from {used}"
        )


def _matrix(state: State, key: str, where: str) -> tuple[int, int]:
    shape = tuple(state[key].shape)
    if len(shape) != 2:
        raise UnsoundError(f"'{where}': {key} has shape {shape} in the file, two axes expected")
    return shape[0], shape[1]


def _not_yet(keys: set[str]) -> str:
    if keys >= {"W_x", "W_y"}:
        return "rep_theory MLP"
    return "mlp" if keys >= {"mlp.W_in", "mlp.W_out"} else ""


def _layouts() -> str:
    return "; ".join(f"{name} ({said})" for name, said in LAYOUTS.items())
