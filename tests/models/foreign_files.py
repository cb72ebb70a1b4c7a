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


def pizza_state(p: int = 7, n_layers: int = 1, n_ctx: int = 2) -> dict[str, Tensor]:
    """Return random weights of the transformer of Zhong et al. 2023; n_ctx 3: with `=` (eqn_sign)."""
    state = nanda_state(p=p - 1 + (n_ctx - 2), n_layers=n_layers, n_ctx=n_ctx, dtype=torch.float64)
    for key in state:
        if not key.endswith("mask"):
            state[key] = 2 * state[key]  # so that attention is far from uniform
    return state


def pizza_settings(p: int, n_layers: int = 1, **more: object) -> dict[str, object]:
    return {
        "name": f"modadd_{p}", "funcs": f"lambda x: (x[0]+x[1])%{p}", "C": p, "n_heads": 3,
        "d_head": 5, "d_model": 11, "n_layers": n_layers, "attention_dir": "casual",
        "act_fn": "ReLU", "epoch": 20000, "lr": 0.001, "weight_decay": 2.0, "frac": 0.8,
        "attn_coeff": 0.3, "diff_vocab": 0, "eqn_sign": 0, "func": None, **more,
    }  # fmt: skip


def pizza_forward(state: dict[str, Tensor], tokens: Tensor, alpha: float, act: str) -> Tensor:
    """Logits at the last position: no mask, attention alpha softmax + (1 - alpha)."""
    s = {key: value.double() for key, value in state.items()}
    n_layers = len({key.split(".")[1] for key in s if key.startswith("blocks.")})
    resid = s["embed.W_E"][:, tokens].permute(1, 2, 0) + s["pos_embed.W_pos"]
    for i in range(n_layers):
        b = f"blocks.{i}"
        k, q, v = (torch.einsum("ihd,bpd->biph", s[f"{b}.attn.W_{w}"], resid) for w in "KQV")
        scores = torch.einsum("biph,biqh->biqp", k, q) / k.shape[-1] ** 0.5
        matrix = alpha * scores.softmax(-1) + (1 - alpha)
        z = torch.einsum("biph,biqp->biqh", v, matrix).permute(0, 2, 1, 3).flatten(2)
        resid = resid + z @ s[f"{b}.attn.W_O"].T
        pre = resid @ s[f"{b}.mlp.W_in"].T + s[f"{b}.mlp.b_in"]
        post = {"ReLU": torch.relu, "GeLU": torch.nn.functional.gelu, "Tanh": torch.tanh}[act](pre)
        resid = resid + post @ s[f"{b}.mlp.W_out"].T + s[f"{b}.mlp.b_out"]
    return resid[:, -1] @ s["unembed.W_U"]


def linear_state(kind: str, p: int = 7, d: int = 12, hidden: int = 10) -> dict[str, Tensor]:
    """Return random weights of a linear model of Zhong et al. 2023, as torch's layers name them."""
    g = torch.Generator().manual_seed(2)

    def rand(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64) / shape[-1] ** 0.5

    names = ("embed1", "embed2") if kind == "X" else ("embed",)
    state = {f"{name}.weight": rand(p, d) for name in names}
    state["l1.weight"], state["l1.bias"] = rand(hidden, 2 * d if kind == "D" else d), rand(hidden)
    if kind in "BC":
        state["l2.weight"], state["l2.bias"] = rand(hidden, hidden), rand(hidden)
    return {**state, "unembed.weight": rand(p, hidden)}


def linear_forward(kind: str, s: dict[str, Tensor], a: Tensor, b: Tensor) -> Tensor:
    """Logits as their modules A, B, C, D, X compute them."""

    def layer(name: str, x: Tensor) -> Tensor:
        return x @ s[f"{name}.weight"].T + s[f"{name}.bias"]

    if kind == "X":
        h = layer("l1", s["embed1.weight"][a] + s["embed2.weight"][b]).relu()
    elif kind == "D":
        h = layer("l1", torch.cat([s["embed.weight"][a], s["embed.weight"][b]], 1)).relu()
    elif kind == "C":
        h = (layer("l1", s["embed.weight"][a]) + layer("l1", s["embed.weight"][b])).relu()
    else:
        h = layer("l1", s["embed.weight"][a] + s["embed.weight"][b]).relu()
    if kind in "BC":
        h = layer("l2", h).relu()
    return h @ s["unembed.weight"].T


def adding_beta(p: int) -> dict[str, Tensor]:
    """Return a model B that adds modulo p exactly: ramps of a + b, then hats around each sum.

    relu(l1) = relu(a + b - t) for t = -1 .. 2p - 1; a hat at s is the second difference of ramps.
    Added twice, as in C, the bias moves every ramp to 2t.
    """
    t = torch.arange(-1, 2 * p, dtype=torch.float64)
    hats = torch.zeros(len(t), len(t), dtype=torch.float64)
    for s in range(2 * p - 1):  # t[s] = s - 1
        hats[s, s], hats[s, s + 1], hats[s, s + 2] = 1, -2, 1
    answers = torch.zeros(p, len(t), dtype=torch.float64)
    for s in range(2 * p - 1):
        answers[s % p, s] = 30
    return {
        "embed.weight": torch.arange(p, dtype=torch.float64)[:, None],
        "l1.weight": torch.ones(len(t), 1, dtype=torch.float64),
        "l1.bias": -t,
        "l2.weight": hats,
        "l2.bias": torch.zeros(len(t), dtype=torch.float64),
        "unembed.weight": answers,
    }


def table_mlp(table: Tensor, scale: float = 30.0) -> dict[str, Tensor]:
    """Return an MLP of Chughtai et al. 2023 that answers any table [n, n]: one neuron for each pair.

    Neuron (a, b) is relu(1_a + 1_b - 1), the -1 from a constant coordinate of the first embedding.
    """
    n = len(table)
    eye = torch.eye(n, dtype=torch.float64)
    ones = torch.ones(n, 1, dtype=torch.float64)
    w = torch.zeros(2 * (n + 1), n * n, dtype=torch.float64)
    out = torch.zeros(n * n, n, dtype=torch.float64)
    for a in range(n):
        for b in range(n):
            neuron = a * n + b
            w[a, neuron], w[n, neuron], w[n + 1 + b, neuron] = 1, -1, 1
            out[neuron, table[a, b]] = scale
    return {
        "W_x": torch.cat([eye, ones], 1),
        "W_y": torch.cat([eye, 0 * ones], 1),
        "W": w,
        "W_U": out,
    }


def adding_square(p: int, offset: float = 0.0) -> dict[str, Tensor]:
    """Return a shared one-hot MLP that adds modulo an odd p with squared neurons.

    Neurons cos(2 pi k x / p + f) + offset, every frequency k at five phases f. The sum over phases
    of the squares times cos(2 pi k c / p + 2 f) is 5/4 (2 cos(k(a+b-c)) + cos(k(2a-c)) +
    cos(k(2b-c))), and over all k these are spikes at c = a + b (twice as high), 2a and 2b. What is
    linear in the neurons sums to 0 over the phases: above 1, the offset leaves ReLU nothing.
    """
    k = torch.arange(1, (p + 1) // 2, dtype=torch.float64).repeat_interleave(5)
    f = 2 * torch.pi * torch.arange(5, dtype=torch.float64).repeat((p - 1) // 2) / 5
    x = 2 * torch.pi * torch.arange(p, dtype=torch.float64) / p
    return {
        "mlp.W_in": torch.cos(k[:, None] * x[None, :] + f[:, None]) + offset,
        "mlp.W_out": torch.cos(k[None, :] * x[:, None] + 2 * f[None, :]),
    }
