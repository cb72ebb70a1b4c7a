"""Which layout a state dict has: told by its keys and shapes, and by settings beside it."""

from typing import Any

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign import pizza, rep_theory, shared_mlp
from grokscope.models.foreign.container import State
from grokscope.models.foreign.layout import LAYOUTS, REQUIRED, Layout, pattern
from grokscope.models.foreign.nanda import NANDA
from grokscope.models.foreign.transformerlens import TRANSFORMERLENS

FITS = {
    "nanda": ("nanda", "pizza"),
    "transformerlens": ("transformerlens", "rep_theory"),
    "rep_theory": ("rep_theory", "transformerlens"),
}
"""Detected layout -> those that it may be asked for as, having the same keys and shapes."""
_LINEAR_KEYS = {"l1.weight", "embed.weight", "embed1.weight", "unembed.weight"}


def detect(
    state: State, settings: dict[str, Any], asked: str | None, where: str
) -> tuple[Layout, ...]:
    """Return the layouts that fit: one, or two that only the answers can tell apart.

    W_O tells the transformers with matrices output axis first (two axes) from those of
    TransformerLens (three); without attention, the side of W_E that is d_model does (d_model is the
    first axis of W_U in both). A transformer of two positions, or with `attn_coeff` in its
    settings, is `pizza`.

    Parameters
    ----------
    settings
        The file's configuration, in it or beside it; empty where there is none.
    asked
        The layout that the user named, or None.

    Raises
    ------
    RequestError
        The keys are of no layout that is read here, several are possible, or it is not the one that
        was asked for.
    """
    found = _detect(state, settings, asked, where)
    name = found[0].name
    if asked is not None and asked not in FITS.get(name, (name,)):
        raise RequestError(
            f"layout '{asked}' was asked for, but the shapes in '{where}' are of '{name}'",
            ", ".join(LAYOUTS),
            f"ask for {name}, or let it be detected",
        )
    if asked == "pizza" and name == "nanda":
        return (pizza.PIZZA,)
    if asked is not None and asked != name:
        return ({"transformerlens": TRANSFORMERLENS, "rep_theory": rep_theory.TRANSFORMER}[asked],)
    return found


def _detect(
    state: State, settings: dict[str, Any], asked: str | None, where: str
) -> tuple[Layout, ...]:
    keys = {pattern(key) for key in state}
    if keys & {"W_x", "W_y"}:
        if keys == {"W_x", "W_y", "W_U"} or settings.get("model") == "BilinearNet":
            raise RequestError(
                f"'{where}' multiplies two embeddings (BilinearNet), which no architecture here does",
                "the transformer or the MLP of this family",
            )
        return (rep_theory.MLP,)
    if keys & {"mlp.W_in", "mlp.W_out"}:
        return (shared_mlp.MLP,)
    if keys & _LINEAR_KEYS:
        return _linear(state, settings, where)
    if keys >= REQUIRED and "blocks.i.W_in" in keys:
        if (n_layers := _blocks(state)) != 1:
            raise RequestError(
                f"'{where}' is a linear model of {n_layers} layers (use_linear)", "one layer"
            )
        return (pizza.PADDED,)
    if not keys >= REQUIRED:
        raise RequestError(
            f"'{where}' has no layout known here; its keys are {', '.join(list(state)[:8])}",
            _layouts(),
        )
    return (_transformer(state, keys, settings, asked, where),)


def _transformer(
    state: State, keys: set[str], settings: dict[str, Any], asked: str | None, where: str
) -> Layout:
    outputs = [state[key].ndim for key in state if pattern(key) == "blocks.i.attn.W_O"]
    if outputs:
        turned = outputs[0] == 2
    else:
        rows, columns = _matrix(state, "embed.W_E", where)
        d_model = _matrix(state, "unembed.W_U", where)[0]
        if (rows == d_model) == (columns == d_model):
            if asked in ("nanda", "transformerlens"):
                return NANDA if asked == "nanda" else TRANSFORMERLENS
            raise RequestError(
                f"'{where}' could be of either layout: W_E is ({rows}, {columns}), d_model {d_model}",
                _layouts(),
                "name the layout",
            )
        turned = rows == d_model
    if not turned:
        own = keys & {"x_embed", "y_embed"} or "group_parameter" in settings
        return rep_theory.TRANSFORMER if own else TRANSFORMERLENS
    positions = state.get("pos_embed.W_pos")
    two = positions is not None and positions.ndim == 2 and positions.shape[0] == 2
    return pizza.PIZZA if two or "attn_coeff" in settings else NANDA


def _linear(state: State, settings: dict[str, Any], where: str) -> tuple[Layout, ...]:
    if {"embed1.weight", "embed2.weight"} & state.keys():
        fit = ["X"]
    elif {"l2.weight", "l2.bias"} & state.keys():
        fit = ["B", "C"]
    elif {"l1.weight", "embed.weight"} <= state.keys():
        width = _matrix(state, "embed.weight", where)[1]
        fit = ["D"] if _matrix(state, "l1.weight", where)[1] == 2 * width else ["A"]
    else:
        fit = ["A"]
    said = settings.get("model_type")
    if said is not None:
        if said not in pizza.LINEAR:
            raise RequestError(f"'{where}' has model_type '{said}'", ", ".join(pizza.LINEAR))
        if said not in fit:
            raise UnsoundError(
                f"the settings of '{where}' say model_type {said}, its keys and shapes are of "
                + " or ".join(fit),
                "settings of this file",
            )
        fit = [said]
    return tuple(pizza.LINEAR[kind] for kind in fit)


def _blocks(state: State) -> int:
    return len({key.split(".")[1] for key in state if key.startswith("blocks.")})


def _matrix(state: State, key: str, where: str) -> tuple[int, int]:
    shape = tuple(state[key].shape)
    if len(shape) != 2:
        raise UnsoundError(f"'{where}': {key} has shape {shape} in the file, two axes expected")
    return shape[0], shape[1]


def _layouts() -> str:
    return "; ".join(f"{name} ({said})" for name, said in LAYOUTS.items())
