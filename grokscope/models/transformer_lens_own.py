"""TransformerLens's own model of a given shape, for comparison only: grokscope's is built on `HookedRootModule`.

Up to 3.x that is `HookedTransformer`, from 4.0 on a bridge around its native model. Initial weights are its own.
"""

import importlib
from types import ModuleType
from typing import Any

from torch import nn

from grokscope.config import ModelConfig
from grokscope.errors import RequestError


def own_model(config: ModelConfig) -> tuple[nn.Module, str]:
    """Return TransformerLens's model of the shape of `config`, and its name; it maps tokens to logits.

    Raises
    ------
    RequestError
        Where the installed TransformerLens has no such model, or none of this shape.
    """
    why_not = _other_shape(config)
    if why_not:
        raise RequestError(f"TransformerLens's own model has no {why_not}")
    library = importlib.import_module("transformer_lens")
    shape: dict[str, Any] = dict(
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        d_model=config.d_model,
        d_head=config.d_head,
        d_mlp=config.d_mlp,
        n_ctx=config.n_ctx,
        d_vocab=config.d_vocab,
        d_vocab_out=config.d_vocab_out,
        act_fn=config.act_fn,
        normalization_type=None if config.normalization == "none" else "LN",
        seed=config.init_seed,
    )
    hooked = _part(library, "HookedTransformer")
    if hooked is not None:
        settings = _part(library, "HookedTransformerConfig")
        return hooked(settings(**shape, device="cpu")), "HookedTransformer"
    native = getattr(_part(library, "TransformerBridge"), "boot_native", None)
    if native is not None:
        settings = importlib.import_module("transformer_lens.config").TransformerBridgeConfig
        return native(settings(**shape)), "TransformerBridge, native"
    raise RequestError(
        "the installed TransformerLens has no model of its own to train",
        "HookedTransformer or TransformerBridge.boot_native",
    )


def _part(library: ModuleType, name: str) -> Any:
    """Return a name of the library, None where it has none; a removed class raises ImportError, not AttributeError."""
    try:
        return getattr(library, name, None)
    except ImportError:
        return None


def _other_shape(config: ModelConfig) -> str:
    """Return what of `config` TransformerLens's models do not have, "" where they have all of it."""
    found = {
        "feed-forward models": not config.has_attention,
        "LayerNorm after the sum": config.normalization == "post",
        "fixed or no positions": config.positional != "learned",
        "attention without mask": config.attention_mask != "causal",
        "attention rate": config.attention_rate != 1.0,
        f"activation function {config.act_fn}": config.act_fn not in ("relu", "gelu", "silu"),
        "model without neurons here": config.attn_only,
    }
    return next((name for name, differs in found.items() if differs), "")
