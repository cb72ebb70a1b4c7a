"""The transformer once more, in plain torch, head by head: no line of grokscope or TransformerLens in it."""

from collections.abc import Callable, Mapping
from math import erf, exp, log, sqrt

import torch
from torch import Tensor

Edits = Mapping[str, Callable[[Tensor], Tensor]]


def random_weights(shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype, seed: int = 0):
    """Return weights of these shapes; biases and LayerNorms are random too, so that none can be forgotten."""
    g = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(*shape, generator=g, dtype=torch.float64).div(shape[-1] ** 0.5).to(dtype)
        for name, shape in shapes.items()
    }


def all_rows(p: int, n_ctx: int = 3) -> Tensor:
    """Return the tokens (a, b, =) of every pair."""
    a, b = torch.meshgrid(torch.arange(p), torch.arange(p), indexing="ij")
    return torch.stack([a.reshape(-1), b.reshape(-1), torch.full((p * p,), p)], 1)[:, :n_ctx]


def activation(name: str, x: Tensor) -> Tensor:
    if name == "relu":
        return x * (x > 0)
    if name == "gelu":
        return x * 0.5 * (1 + torch.erf(x / sqrt(2)))
    if name == "silu":
        return x / (1 + torch.exp(-x))
    if name == "tanh":
        return 1 - 2 / (torch.exp(2 * x) + 1)
    return {"square": x * x, "identity": x}[name]


assert abs(float(activation("gelu", torch.tensor(1.0))) - 0.5 * (1 + erf(1 / sqrt(2)))) < 1e-6


def sinusoids(n_ctx: int, d_model: int, dtype: torch.dtype) -> Tensor:
    """Vaswani et al. 2017, section 3.5."""
    table = torch.zeros(n_ctx, d_model, dtype=dtype)
    for pos in range(n_ctx):
        for i in range(d_model // 2):
            angle = torch.tensor(pos / exp(2 * i / d_model * log(10000)), dtype=torch.float64)
            table[pos, 2 * i], table[pos, 2 * i + 1] = angle.sin(), angle.cos()
    return table


def plain_forward(
    w: Mapping[str, Tensor], c, tokens: Tensor, edits: Edits | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return (logits, named intermediates); `edits` maps a name to a function that replaces that intermediate."""
    edits, seen = edits or {}, {}

    def at(name: str, value: Tensor) -> Tensor:
        seen[name] = edits[name](value) if name in edits else value
        return seen[name]

    def norm(name: str, x: Tensor) -> Tensor:
        scale = at(f"{name}.hook_scale", (x.var(-1, correction=0, keepdim=True) + 1e-5) ** 0.5)
        whitened = at(f"{name}.hook_normalized", (x - x.mean(-1, keepdim=True)) / scale)
        return whitened * w[f"{name}.w"] + w[f"{name}.b"]

    n_ctx = tokens.shape[1]
    x = at("hook_embed", w["embed.W_E"][tokens])
    if c.positional != "none":
        table = (
            w["pos_embed.W_pos"]
            if c.positional == "learned"
            else sinusoids(c.n_ctx, c.d_model, x.dtype)
        )
        x = x + at("hook_pos_embed", torch.stack([table[:n_ctx]] * len(tokens)))
    for layer in range(c.n_layers):
        block = f"blocks.{layer}."
        attn = block + "attn."
        x = at(block + "hook_resid_pre", x)
        read = norm(block + "ln1", x) if c.normalization == "pre" else x
        made = {}
        for part in "QKV":
            heads = []
            for h in range(c.n_heads):
                y = read @ w[f"{attn}W_{part}"][h]
                heads.append(y + w[f"{attn}b_{part}"][h] if c.bias_attn else y)
            made[part] = at(f"{attn}hook_{part.lower()}", torch.stack(heads, 2))
        scores = torch.zeros(len(tokens), c.n_heads, n_ctx, n_ctx, dtype=x.dtype)
        for h in range(c.n_heads):
            scores[:, h] = made["Q"][:, :, h] @ made["K"][:, :, h].mT / c.d_head**0.5
        if c.attention_mask == "causal":
            for query in range(n_ctx):
                scores[:, :, query, query + 1 :] = float("-inf")
        scores = at(attn + "hook_attn_scores", scores)
        odds = torch.exp(scores - scores.amax(-1, keepdim=True))
        mixed = c.attention_rate * odds / odds.sum(-1, keepdim=True)
        for query in range(n_ctx):
            open_to = query + 1 if c.attention_mask == "causal" else n_ctx
            mixed[:, :, query, :open_to] += 1 - c.attention_rate
        pattern = at(attn + "hook_pattern", mixed)
        z = at(
            attn + "hook_z",
            torch.stack([pattern[:, h] @ made["V"][:, :, h] for h in range(c.n_heads)], 2),
        )
        result = at(
            attn + "hook_result",
            torch.stack([z[:, :, h] @ w[attn + "W_O"][h] for h in range(c.n_heads)], 2),
        )
        out = result.sum(2) + (w[attn + "b_O"] if c.bias_attn else 0)
        x = x + at(block + "hook_attn_out", out)
        if c.normalization == "post":
            x = norm(block + "ln1", x)
        if not c.attn_only:
            x = at(block + "hook_resid_mid", x)
            read = norm(block + "ln2", x) if c.normalization == "pre" else x
            pre = read @ w[block + "mlp.W_in"] + (w[block + "mlp.b_in"] if c.bias_mlp else 0)
            pre = at(block + "mlp.hook_pre", pre)
            post = at(block + "mlp.hook_post", activation(c.act_fn, pre))
            out = post @ w[block + "mlp.W_out"] + (w[block + "mlp.b_out"] if c.bias_mlp else 0)
            x = x + at(block + "hook_mlp_out", out)
            if c.normalization == "post":
                x = norm(block + "ln2", x)
        x = at(block + "hook_resid_post", x)
    if c.normalization == "pre":
        x = norm("ln_final", x)
    return x @ w["unembed.W_U"] + (w["unembed.b_U"] if c.bias_unembed else 0), seen
