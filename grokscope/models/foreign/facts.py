"""What a foreign file tells about its model, and what it leaves to be assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from grokscope.errors import RequestError, UnsoundError
from grokscope.models.foreign.container import State
from grokscope.models.foreign.layout import Layout, Sizes, pattern
from grokscope.models.foreign.settings import check_sizes

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
MUST_SAY = {"pizza": {"attention_rate": "attn_coeff", "act_fn": "act_fn"}}
"""Per layout, fields that no shape tells and no value can be assumed for -> their settings."""


# What is assumed where neither file nor settings nor layout tell: the published values.
ELSEWHERE = {"normalization": "none", "attention_mask": "causal", "act_fn": "relu", "n_ctx": 3}
OPEN_ACTIVATIONS = ("relu", "square", "gelu", "silu", "tanh")


@dataclass(frozen=True)
class Facts:
    """Fields of ModelConfig (`model`), those of them that are `assumed`, and notes.

    `open_field` is a field with several `open_values` that fit, the one in `model` first.
    """

    model: dict[str, Any]
    assumed: tuple[str, ...]
    notes: tuple[str, ...]
    open_field: str = ""
    open_values: tuple[str, ...] = ()


def model_facts(
    state: State,
    weights: State,
    sizes: Sizes,
    layouts: tuple[Layout, ...],
    settings: dict[str, Any],
    given: Mapping[str, Any],
    where: str,
) -> Facts:
    """Infer the fields of ModelConfig.

    Parameters
    ----------
    state
        The file's own tensors (its masks are read here).
    weights, sizes
        The converted weights and the sizes they were held against.
    layouts
        The layouts that fit, the one that was read first.
    settings
        The configuration in the file or beside it, empty where there is none.
    given
        Fields of ModelConfig that the user says.

    Notes
    -----
    Shapes and keys tell sizes, biases and LayerNorm; `attn.mask` tells the mask. The activation,
    and for TransformerLens files a LayerNorm without parameters, stand in the settings or nowhere:
    then the published value (relu, none) is taken and the field is listed in `assumed`.

    Raises
    ------
    RequestError
        Something is needed that nobody says (the attention rate of `pizza`), or what the user says
        is not what the settings say.
    UnsoundError
        Settings and shapes disagree.
    """
    layout = layouts[0]
    transformer = layout.architecture == "transformer"
    own_state = state if layout.has_mask else {}
    model = _transformer(own_state, weights, sizes, where) if transformer else _sizes(sizes, layout)
    said = {
        "act_fn": _activation(settings, where),
        "attention_rate": _rate(settings, layout, where),
        "normalization": None if "normalization" in model else _normalization(settings, where),
        "n_ctx": None if "n_ctx" in model else settings.get("n_ctx"),
    }
    model |= {name: value for name, value in said.items() if value is not None}
    for name, value in given.items():
        if name in model and model[name] != value:
            raise RequestError(
                f"{name} = {value} was given, but '{where}' or its settings say {model[name]}",
                f"{name} = {model[name]}",
                f"leave {name} out",
            )
    choice = tuple(fit.architecture for fit in layouts)
    model |= {name: value for name, value in given.items() if name != "architecture"}
    if "architecture" in given:
        if given["architecture"] not in choice:
            raise RequestError(
                f"architecture = {given['architecture']} was given for '{where}'",
                " or ".join(choice) + ", by its keys and shapes",
            )
        choice = (given["architecture"],)
    if not transformer:
        model["architecture"] = choice[0]
    model = {**layout.implied, **model}
    _complete(model, layout, where)
    check_sizes(settings, model, where)
    elsewhere = ELSEWHERE if transformer else {"act_fn": "relu"}
    assumed = {name: value for name, value in elsewhere.items() if name not in model}
    open_act = "act_fn" in assumed and not transformer
    notes = [
        f"{name} is not in the file: {value} is assumed"
        for name, value in assumed.items()
        if name != "act_fn" or not open_act
    ]
    if model.get("positional") == "none":
        notes.append("there is no position embedding in the file")
    model |= assumed
    if len(choice) > 1:
        return Facts(model, tuple(assumed), tuple(notes), "architecture", choice)
    if open_act:
        return Facts(model, tuple(assumed), tuple(notes), "act_fn", OPEN_ACTIVATIONS)
    return Facts(model, tuple(assumed), tuple(notes))


def _transformer(state: State, weights: State, sizes: Sizes, where: str) -> dict[str, Any]:
    keys = {pattern(key) for key in weights}
    blocks = {key.split(".")[1] for key in weights if key.startswith("blocks.")}
    model: dict[str, Any] = {
        "n_layers": len(blocks),
        "n_heads": sizes.get("head"),
        "d_model": sizes["d_model"],
        "d_head": sizes.get("d_head"),
        "d_mlp": sizes.get("d_mlp"),
        "n_ctx": sizes.get("n_ctx"),
        "d_vocab": sizes["d_vocab"],
        "d_vocab_out": sizes["d_vocab_out"],
        "attn_only": "blocks.i.mlp.W_in" not in keys,
        "bias_attn": "blocks.i.attn.b_Q" in keys,
        "bias_mlp": "blocks.i.mlp.b_in" in keys,
        "bias_unembed": "unembed.b_U" in keys,
        "positional": "learned" if "pos_embed.W_pos" in keys else "none",
        "normalization": "pre" if "ln_final.w" in keys else None,
        "attention_mask": _mask(state, where),
    }
    return {name: value for name, value in model.items() if value is not None}


def _sizes(sizes: Sizes, layout: Layout) -> dict[str, Any]:
    names = ("d_model", "d_mlp", "d_vocab", "d_vocab_out")
    return {"n_ctx": 2, **{name: sizes[name] for name in names if name in sizes}}


def _complete(model: dict[str, Any], layout: Layout, where: str) -> None:
    """Raise RequestError where a field is missing that no value can be assumed for."""
    wanted = MUST_SAY.get(layout.name, {})
    if layout.architecture != "transformer":
        wanted = {k: v for k, v in wanted.items() if k == "act_fn"}
    if missing := [name for name in wanted if name not in model]:
        options = " and ".join("--" + name.replace("_", "-") for name in missing)
        raise RequestError(
            f"'{where}' (layout {layout.name}) does not tell {' and '.join(missing)}, and nor does "
            "a file beside it",
            "a JSON file with " + ", ".join(wanted[name] for name in missing),
            f"give --config FILE, or {options}",
        )


def _rate(settings: dict[str, Any], layout: Layout, where: str) -> float | None:
    said = settings.get("attn_coeff")
    if said is None or layout.architecture != "transformer":
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= 1:
        raise RequestError(f"'{where}' has attn_coeff = {said}", "a number from 0 to 1")
    return float(said)


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


def _normalization(settings: dict[str, Any], where: str) -> str | None:
    if "normalization_type" not in settings:
        return None
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
