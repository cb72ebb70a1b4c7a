"""The exact fast forward: the same parameters and the same algebra, each distinct thing computed once.

The inputs are a finite table that shares prefixes, and only the last position is read. So
- before the first block a position's stream depends on its token alone: queries, keys and values are tables of tokens;
- later it depends on its prefix (causal mask) or its row (no mask), one row of a table each;
- in the last block only the last position asks, and only it passes through the neurons.
A position that has one distinct query (the constant `=`) scores each key once, before rows are formed. Where there are
fewer pairs of distinct queries and keys than rows, scores are a table of pairs.

Gathers are embedding look-ups, whose gradient torch adds in a fixed order on the CPU: repeatable to the bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from grokscope.config import ModelConfig
from grokscope.models.parts import ACTIVATIONS, mixed_pattern, normalise, position_table
from grokscope.models.plan import Plan, compose

OnAddition = Callable[[Tensor], Tensor]
"""Changes what attention or neurons add to the stream [context, d_model], such as dropout."""


@dataclass(frozen=True)
class Stream:
    """A position's residual stream: distinct rows, and the row of each context (None: one row a context, in order)."""

    table: Float[Tensor, "distinct d_model"]
    index: Int[Tensor, " context"] | None


@dataclass(frozen=True)
class FastActivations:
    """What the fast forward computed at the last position, in the last block unless named otherwise.

    Attributes
    ----------
    logits
        Shape [input, class].
    neurons
        Shape [input, neuron], after the activation function; None without neurons.
    resid_mid
        Shape [input, d_model], the stream that the neurons are added to.
    resid_post
        Shape [input, d_model], the stream after the last block.
    pattern
        Shape [input, head, pos], attention from the last position, mixed by `attention_rate`.
    z
        Shape [input, head, d_head], each head's mix of values.
    attn_out
        Shape [input, d_model], what attention adds to the stream.
    resid_pre
        Shape [input, d_model], the stream before the last block.
    """

    logits: Float[Tensor, "input class"]
    neurons: Float[Tensor, "input neuron"] | None
    resid_mid: Float[Tensor, "input d_model"]
    resid_post: Float[Tensor, "input d_model"]
    pattern: Float[Tensor, "input head pos"]
    z: Float[Tensor, "input head d_head"]
    attn_out: Float[Tensor, "input d_model"]
    resid_pre: Float[Tensor, "input d_model"]


@dataclass(frozen=True)
class Answer:
    """What most measures read at the last position: see `FastActivations`."""

    logits: Float[Tensor, "input class"]
    neurons: Float[Tensor, "input neuron"] | None
    resid_mid: Float[Tensor, "input d_model"]
    resid_post: Float[Tensor, "input d_model"]


def fast_forward(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    plan: Plan,
    on_addition: OnAddition | None = None,
) -> FastActivations:
    """Return logits and activations at the last position; equal to the hooked forward up to rounding.

    Gradients flow to `weights`. `on_addition` edits what hook_attn_out and hook_mlp_out edit: block by block, position
    by position, attention first; of the last block the last position only.
    """
    streams = before_last_block(weights, config, plan, on_addition)
    block, last = last_block(weights, config), plan.n_ctx - 1
    z, pattern = mix(block, config, plan, streams, (last,))[last]
    attn_out = attention_out(block, z)
    before = streams[last]
    if on_addition is not None:
        attn_out = on_addition(attn_out)
    neurons, resid_mid, resid_post = _block_tail(block, config, before, attn_out, on_addition)
    resid_pre = gather(before.table, before.index).expand_as(attn_out)
    logits = unembed(weights, config, resid_post)
    return FastActivations(logits, neurons, resid_mid, resid_post, pattern, z, attn_out, resid_pre)


def before_last_block(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    plan: Plan,
    on_addition: OnAddition | None = None,
) -> list[Stream]:
    """Return the stream of each position before the last block."""
    positions = position_table(config, weights.get("pos_embed.W_pos"), weights["embed.W_E"])
    streams = []
    for i in range(plan.n_ctx):
        table = functional.embedding(plan.tokens[i], weights["embed.W_E"])
        streams.append(
            Stream(table if positions is None else table + positions[i], plan.token_index[i])
        )
    for layer in range(config.n_layers - 1):
        block = _block(weights, layer)
        mixed = mix(block, config, plan, streams, range(plan.n_ctx))
        after = []
        for i, stream in enumerate(streams):
            attn_out = attention_out(block, mixed[i][0])
            if on_addition is not None:
                attn_out = on_addition(attn_out)
            post = _block_tail(block, config, stream, attn_out, on_addition)[2]
            after.append(Stream(post, None))
        streams = after
    return streams


def attention_out(
    block: Mapping[str, Tensor], z: Float[Tensor, "input head d_head"]
) -> Float[Tensor, "input d_model"]:
    """Return what attention adds to the stream, for each head's mix of values."""
    w = block["attn.W_O"]
    return linear(z.reshape(len(z), -1), w.reshape(-1, w.shape[2]), block.get("attn.b_O"))


def unembed(
    weights: Mapping[str, Tensor], config: ModelConfig, resid_post: Float[Tensor, "input d_model"]
) -> Float[Tensor, "input class"]:
    """Return the logits of a final residual stream."""
    if config.normalization == "pre":
        resid_post = normalise(resid_post, weights["ln_final.w"], weights["ln_final.b"])
    return linear(resid_post, weights["unembed.W_U"], weights.get("unembed.b_U"))


def after_neurons(
    weights: Mapping[str, Tensor],
    config: ModelConfig,
    resid_mid: Float[Tensor, "input d_model"],
    neurons: Float[Tensor, "input neuron"],
) -> Float[Tensor, "input class"]:
    """Return the logits when the last block's neurons have these activations and its stream is `resid_mid`."""
    block = last_block(weights, config)
    return after_sum(weights, config, resid_mid + mlp_out(block, neurons))


def last_block(weights: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Return the weights of the last block, without its prefix."""
    return _block(weights, config.n_layers - 1)


def mlp_out(block: Mapping[str, Tensor], neurons: Tensor) -> Float[Tensor, "input d_model"]:
    """Return what the neurons add to the stream."""
    return linear(neurons, block["mlp.W_out"], block.get("mlp.b_out"))


def after_sum(
    weights: Mapping[str, Tensor], config: ModelConfig, total: Float[Tensor, "input d_model"]
) -> Float[Tensor, "input class"]:
    """Return the logits of the last block's final residual sum."""
    if config.normalization == "post":
        block = last_block(weights, config)
        norm = "ln1" if config.attn_only else "ln2"
        total = normalise(total, block[f"{norm}.w"], block[f"{norm}.b"])
    return unembed(weights, config, total)


def after_attention(
    block: Mapping[str, Tensor],
    config: ModelConfig,
    resid_pre: Float[Tensor, "#input d_model"],
    attn_out: Float[Tensor, "input d_model"],
) -> tuple[Float[Tensor, "input d_model"], Float[Tensor, "input neuron"] | None]:
    """Return (resid_mid, neurons) of a block for the stream before it and what attention adds."""
    mid = resid_pre + attn_out
    if config.normalization == "post":
        mid = normalise(mid, block["ln1.w"], block["ln1.b"])
    if config.attn_only:
        return mid, None
    x = normalise(mid, block["ln2.w"], block["ln2.b"]) if config.normalization == "pre" else mid
    return mid, ACTIVATIONS[config.act_fn](linear(x, block["mlp.W_in"], block.get("mlp.b_in")))


def _block(weights: Mapping[str, Tensor], layer: int) -> dict[str, Tensor]:
    prefix = f"blocks.{layer}."
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


def linear(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """Return x w + b."""
    return x @ w if b is None else torch.addmm(b, x, w)


def gather(table: Tensor, index: Tensor | None) -> Tensor:
    """Return the rows of `table` in the order of `index`; a table of one row is left to broadcasting."""
    if index is None or table.shape[0] == 1:
        return table
    flat = functional.embedding(index, table.reshape(table.shape[0], -1))
    return flat.reshape(len(index), *table.shape[1:])


def mix(
    block: Mapping[str, Tensor],
    config: ModelConfig,
    plan: Plan,
    streams: list[Stream],
    asking: range | tuple[int, ...],
) -> dict[int, tuple[Tensor, Tensor]]:
    """Return per asking position (z [context head d_head], pattern [context head pos])."""
    inputs = [stream.table for stream in streams]
    if config.normalization == "pre":
        inputs = [normalise(x, block["ln1.w"], block["ln1.b"]) for x in inputs]
    keys = [project(x, block, "K") for x in inputs]
    values = [project(x, block, "V") for x in inputs]
    found = {}
    for i in asking:
        query = project(inputs[i], block, "Q")
        scores = attention_scores(config, plan, streams, query, keys, i)
        pattern = mixed_pattern(torch.stack(scores, dim=2).softmax(-1), config.attention_rate)
        seen = [compose(parent, streams[j].index) for j, parent in enumerate(plan.parents[i])]
        z = sum(pattern[:, :, j, None] * gather(values[j], index) for j, index in enumerate(seen))
        assert isinstance(z, Tensor)
        found[i] = (z, pattern)
    return found


def attention_scores(
    config: ModelConfig,
    plan: Plan,
    streams: Sequence[Stream],
    query: Float[Tensor, "distinct_q head d_head"],
    keys: Sequence[Float[Tensor, "_distinct head d_head"]],
    asking: int,
) -> list[Float[Tensor, "context head"]]:
    """Return the scores of the position `asking` for each position that it sees."""
    n_context = len(plan.token_index[asking])
    query = query / config.d_head**0.5
    scores = []
    for j, parent in enumerate(plan.parents[asking]):
        index = compose(parent, streams[j].index)
        score = _scores(query, streams[asking].index, keys[j], index, n_context)
        scores.append(score.expand(n_context, config.n_heads))
    return scores


def project(
    x: Float[Tensor, "distinct d_model"], block: Mapping[str, Tensor], part: str
) -> Float[Tensor, "distinct head d_head"]:
    """Return the queries, keys or values (`part` Q, K or V) of streams `x`."""
    heads, d_model, d_head = block[f"attn.W_{part}"].shape
    w = block[f"attn.W_{part}"].transpose(0, 1).reshape(d_model, heads * d_head)
    b = block.get(f"attn.b_{part}")
    return linear(x, w, None if b is None else b.reshape(-1)).reshape(-1, heads, d_head)


def _scores(
    query: Float[Tensor, "distinct_q head d_head"],
    query_index: Tensor | None,
    key: Float[Tensor, "distinct_k head d_head"],
    key_index: Tensor | None,
    n_context: int,
) -> Float[Tensor, "context head"]:
    n_query, n_key = query.shape[0], key.shape[0]
    if n_query == 1 or n_key == 1:
        table = (query * key).sum(-1)
        return gather(table, key_index if n_query == 1 else query_index)
    if n_query * n_key <= n_context and query_index is not None and key_index is not None:
        table = torch.einsum("qhe,khe->qkh", query, key).reshape(n_query * n_key, -1)
        return gather(table, query_index * n_key + key_index)
    return (gather(query, query_index) * gather(key, key_index)).sum(-1)


def _block_tail(
    block: Mapping[str, Tensor],
    config: ModelConfig,
    stream: Stream,
    attn_out: Tensor,
    on_addition: OnAddition | None = None,
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Return (neurons, resid_mid, resid_post) of one position's contexts; `attn_out` as it is added."""
    mid, neurons = after_attention(block, config, gather(stream.table, stream.index), attn_out)
    if neurons is None:
        return None, mid, mid
    out = mlp_out(block, neurons)
    post = mid + (out if on_addition is None else on_addition(out))
    if config.normalization == "post":
        post = normalise(post, block["ln2.w"], block["ln2.b"])
    return neurons, mid, post
