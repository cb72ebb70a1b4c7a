"""Made-up foreign files, and the plain forward of each layout: no line of grokscope in it."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

EXTERNAL = Path(
    os.environ.get("GROKSCOPE_EXTERNAL", Path(__file__).parents[2].parent / "shared" / "external")
)


def external(name: str) -> Path:
    if not (EXTERNAL / name).exists():
        pytest.skip(f"{name} is not in {EXTERNAL} (set GROKSCOPE_EXTERNAL)")
    return EXTERNAL / name


def nanda_state(
    p: int = 7,
    n_layers: int = 1,
    n_heads: int = 3,
    d_head: int = 5,
    d_model: int = 11,
    d_mlp: int = 13,
    n_ctx: int = 3,
    norms: bool = False,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Return random weights; every size is different, so that a turned axis cannot go unseen."""
    g = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=dtype) / shape[-1] ** 0.5

    state = {"embed.W_E": rand(d_model, p + 1), "pos_embed.W_pos": rand(n_ctx, d_model)}
    for i in range(n_layers):
        for part in "KQV":
            state[f"blocks.{i}.attn.W_{part}"] = rand(n_heads, d_head, d_model)
        state[f"blocks.{i}.attn.W_O"] = rand(d_model, n_heads * d_head)
        state[f"blocks.{i}.attn.mask"] = torch.tril(torch.ones(n_ctx, n_ctx))
        state[f"blocks.{i}.mlp.W_in"] = rand(d_mlp, d_model)
        state[f"blocks.{i}.mlp.b_in"] = rand(d_mlp)
        state[f"blocks.{i}.mlp.W_out"] = rand(d_model, d_mlp)
        state[f"blocks.{i}.mlp.b_out"] = rand(d_model)
    if norms:
        for name in [f"blocks.{i}.ln{j}" for i in range(n_layers) for j in (1, 2)] + ["ln"]:
            state[f"{name}.w_ln"] = 1 + 0.3 * rand(d_model)
            state[f"{name}.b_ln"] = 0.3 * rand(d_model)
    state["unembed.W_U"] = rand(d_model, p + 1)
    return state


def transformerlens_state(p: int = 7, n_layers: int = 1, norms: bool = False) -> dict[str, Tensor]:
    n_heads, d_head, d_model, d_mlp, n_ctx = 3, 5, 11, 13, 3
    g = torch.Generator().manual_seed(1)

    def rand(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g) / shape[-1] ** 0.5

    state = {"embed.W_E": rand(p + 1, d_model), "pos_embed.W_pos": rand(n_ctx, d_model)}
    for i in range(n_layers):
        b = f"blocks.{i}"
        for part in "QKV":
            state[f"{b}.attn.W_{part}"] = rand(n_heads, d_model, d_head)
            state[f"{b}.attn.b_{part}"] = rand(n_heads, d_head)
        state[f"{b}.attn.W_O"] = rand(n_heads, d_head, d_model)
        state[f"{b}.attn.b_O"] = rand(d_model)
        state[f"{b}.attn.mask"] = torch.tril(torch.ones(n_ctx, n_ctx)).bool()
        state[f"{b}.attn.IGNORE"] = torch.tensor(-torch.inf)
        state[f"{b}.mlp.W_in"], state[f"{b}.mlp.b_in"] = rand(d_model, d_mlp), rand(d_mlp)
        state[f"{b}.mlp.W_out"], state[f"{b}.mlp.b_out"] = rand(d_mlp, d_model), rand(d_model)
    if norms:
        for name in [f"blocks.{i}.ln{j}" for i in range(n_layers) for j in (1, 2)] + ["ln_final"]:
            state[f"{name}.w"], state[f"{name}.b"] = 1 + 0.3 * rand(d_model), 0.3 * rand(d_model)
    state["unembed.W_U"], state["unembed.b_U"] = rand(d_model, p), rand(p)
    return state


def all_tokens(p: int) -> Tensor:
    a = torch.arange(p)
    return torch.stack([a.repeat_interleave(p), a.repeat(p), torch.full((p * p,), p)], 1)


def nanda_forward(state: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Logits at the last position, in float64, as the original code computes them."""
    s = {key: value.double() for key, value in state.items()}
    n_layers = len({key.split(".")[1] for key in s if key.startswith("blocks.")})

    def norm(x: Tensor, name: str) -> Tensor:
        if f"{name}.w_ln" not in s:
            return x
        x = x - x.mean(-1, keepdim=True)
        return x / (x.std(-1, keepdim=True) + 1e-4) * s[f"{name}.w_ln"] + s[f"{name}.b_ln"]

    resid = s["embed.W_E"][:, tokens].permute(1, 2, 0) + s["pos_embed.W_pos"]
    for i in range(n_layers):
        x = norm(resid, f"blocks.{i}.ln1")
        k, q, v = (torch.einsum("ihd,bpd->biph", s[f"blocks.{i}.attn.W_{w}"], x) for w in "KQV")
        scores = torch.einsum("biph,biqh->biqp", k, q)
        scores = torch.tril(scores) - 1e10 * (1 - s[f"blocks.{i}.attn.mask"])
        pattern = (scores / k.shape[-1] ** 0.5).softmax(-1)
        z = torch.einsum("biph,biqp->biqh", v, pattern)
        flat = z.permute(0, 2, 1, 3).flatten(2)
        resid = resid + flat @ s[f"blocks.{i}.attn.W_O"].T
        x = norm(resid, f"blocks.{i}.ln2")
        hidden = (x @ s[f"blocks.{i}.mlp.W_in"].T + s[f"blocks.{i}.mlp.b_in"]).relu()
        resid = resid + hidden @ s[f"blocks.{i}.mlp.W_out"].T + s[f"blocks.{i}.mlp.b_out"]
    return norm(resid, "ln")[:, -1] @ s["unembed.W_U"]


def our_forward(weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Logits at the last position, in float64, from TransformerLens's names and shapes."""
    s = {key: value.double() for key, value in weights.items()}
    n_layers = len({key.split(".")[1] for key in s if key.startswith("blocks.")})

    def norm(x: Tensor, name: str) -> Tensor:
        if f"{name}.w" not in s:
            return x
        return torch.nn.functional.layer_norm(x, x.shape[-1:], s[f"{name}.w"], s[f"{name}.b"], 1e-5)

    def bias(name: str) -> Tensor:
        return s.get(name, torch.zeros((), dtype=torch.float64))

    resid = s["embed.W_E"][tokens] + s["pos_embed.W_pos"]
    for i in range(n_layers):
        b = f"blocks.{i}"
        x = norm(resid, f"{b}.ln1")
        q, k, v = (
            torch.einsum("bpd,idh->bpih", x, s[f"{b}.attn.W_{w}"]) + bias(f"{b}.attn.b_{w}")
            for w in "QKV"
        )
        scores = torch.einsum("bqih,bkih->biqk", q, k) / q.shape[-1] ** 0.5
        later = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        z = torch.einsum("biqk,bkih->bqih", scores.masked_fill(later, -torch.inf).softmax(-1), v)
        resid = resid + torch.einsum("bqih,ihd->bqd", z, s[f"{b}.attn.W_O"]) + bias(f"{b}.attn.b_O")
        hidden = norm(resid, f"{b}.ln2") @ s[f"{b}.mlp.W_in"] + bias(f"{b}.mlp.b_in")
        resid = resid + hidden.relu() @ s[f"{b}.mlp.W_out"] + bias(f"{b}.mlp.b_out")
    return norm(resid, "ln_final")[:, -1] @ s["unembed.W_U"] + bias("unembed.b_U")


def row_losses(logits: Tensor, p: int) -> Tensor:
    tokens = all_tokens(p)
    answers = (tokens[:, 0] + tokens[:, 1]) % p
    return torch.nn.functional.cross_entropy(logits, answers, reduction="none")
