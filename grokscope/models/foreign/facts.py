"""What a foreign file tells about its model, and what it leaves to be assumed."""

from dataclasses import dataclass
from typing import Any

import torch

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign.container import State
from grokscope.models.foreign.layout import Sizes, pattern

ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "silu": "silu",
    "tanh": "tanh",
    "quad": "square",
    "square": "square",
}
# Settings as TransformerLens and its predecessors name them -> ours.
NORMALIZATIONS = {"None": "none", "LN": "pre", "LNPre": "pre"}


@dataclass(frozen=True)
class Facts:
    """Fields of ModelConfig (`model`), those of them that are `assumed`, and notes."""

    model: dict[str, Any]
    assumed: tuple[str, ...]
    notes: tuple[str, ...]


def model_facts(
    state: State, weights: State, sizes: Sizes, settings: dict[str, Any], where: str
) -> Facts:
    """Infer the fields of ModelConfig.

    Parameters
    ----------
    state
        The file's own tensors (its masks are read here).
    weights, sizes
        The converted weights and the sizes they were held against.
    settings
        The file's own configuration, empty where there is none.

    Notes
    -----
    Shapes and keys tell sizes, biases and LayerNorm; `attn.mask` tells the mask. The activation,
    and for TransformerLens files a LayerNorm without parameters, stand in the settings or nowhere:
    then the published value (relu, none) is taken and the field is listed in `assumed`.
    """
    keys = {pattern(key) for key in weights}
    blocks = {key.split(".")[1] for key in weights if key.startswith("blocks.")}
    n_ctx = sizes.get("n_ctx") or settings.get("n_ctx")
    model: dict[str, Any] = {
        "n_layers": len(blocks),
        "n_heads": sizes.get("head"),
        "d_model": sizes["d_model"],
        "d_head": sizes.get("d_head"),
        "d_mlp": sizes.get("d_mlp"),
        "n_ctx": n_ctx,
        "d_vocab": sizes["d_vocab"],
        "d_vocab_out": sizes["d_vocab_out"],
        "attn_only": "blocks.i.mlp.W_in" not in keys,
        "bias_attn": "blocks.i.attn.b_Q" in keys,
        "bias_mlp": "blocks.i.mlp.b_in" in keys,
        "bias_unembed": "unembed.b_U" in keys,
        "positional": "learned" if "pos_embed.W_pos" in keys else "none",
        "normalization": "pre" if "ln_final.w" in keys else None,
        "attention_mask": _mask(state, where),
        "act_fn": _activation(settings, where),
    }
    model = {name: value for name, value in model.items() if value is not None}
    if "normalization" not in model and "normalization_type" in settings:
        model["normalization"] = _normalization(settings, where)
    elsewhere = {
        "normalization": "none",
        "attention_mask": "causal",
        "act_fn": "relu",
        "n_ctx": 3,
    }
    assumed = {name: value for name, value in elsewhere.items() if name not in model}
    notes = [f"{name} is not in the file: {value} is assumed" for name, value in assumed.items()]
    if model["positional"] == "none":
        notes.append("there is no position embedding in the file")
    return Facts({**model, **assumed}, tuple(assumed), tuple(notes))


def _mask(state: State, where: str) -> str | None:
    masks = [value for key, value in state.items() if pattern(key) == "blocks.i.attn.mask"]
    if not masks:
        return None
    kinds = set()
    for mask in masks:
        seen = mask != 0
        if seen.ndim != 2 or seen.shape[0] != seen.shape[1]:
            raise UnsoundError(
                f"'{where}': attn.mask has shape {tuple(mask.shape)}", "[n_ctx n_ctx]"
            )
        if bool(seen.all()):
            kinds.add("none")
        elif bool((seen == torch.ones_like(seen).tril()).all()):
            kinds.add("causal")
        else:
            kinds.add("other")
    if kinds - {"none", "causal"} or len(kinds) > 1:
        raise RequestError(
            f"'{where}' has an attention mask of its own", "a causal mask, or none, in all blocks"
        )
    return kinds.pop()


def _activation(settings: dict[str, Any], where: str) -> str | None:
    said = next((settings[key] for key in ("act_fn", "act_type") if settings.get(key)), None)
    if said is None:
        return None
    if str(said).lower() not in ACTIVATIONS:
        raise RequestError(f"'{where}' has the activation '{said}'", ", ".join(ACTIVATIONS))
    return ACTIVATIONS[str(said).lower()]


def _normalization(settings: dict[str, Any], where: str) -> str:
    said = str(settings["normalization_type"])
    if said not in NORMALIZATIONS:
        raise RequestError(f"'{where}' has the normalisation '{said}'", ", ".join(NORMALIZATIONS))
    return NORMALIZATIONS[said]


def unit_norms(weights: State, n_layers: int, d_model: int) -> State:
    """Return LayerNorm parameters 1 and 0: a LayerNorm without parameters (LNPre), written out."""
    norms = [f"blocks.{i}.ln{j}" for i in range(n_layers) for j in (1, 2)] + ["ln_final"]
    dtype = weights["embed.W_E"].dtype
    ones, zeros = torch.ones(d_model, dtype=dtype), torch.zeros(d_model, dtype=dtype)
    return {
        f"{norm}.{part}": value.clone()
        for norm in norms
        for part, value in (("w", ones), ("b", zeros))
    }
