"""The hooked transformer, with TransformerLens's hook and weight names.

What is special about it:
- built on `HookedRootModule` and `HookPoint` only, the parts that TransformerLens calls permanent;
- every part that published grokking models differ in is configuration: biases per part, normalisation none, pre or
  post, positions learned, sinusoidal or none, mask causal or none, attention rate, any activation, vocabulary in and
  out;
- a hook edits what its name says: `hook_resid_mid` the residual stream, `hook_attn_scores` the scores.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from grokscope.config import ModelConfig
from grokscope.models.hooked import HookedModel
from grokscope.models.initialise import initialise
from grokscope.models.parts import ACTIVATIONS, layer_norm, mixed_pattern, position_table
from grokscope.models.shapes import check_weights


class LayerNorm(nn.Module):
    """LayerNorm with TransformerLens's `hook_scale` [batch pos 1] and `hook_normalized` [batch pos d_model]."""

    w: nn.Parameter
    b: nn.Parameter

    def __init__(self, w: Tensor, b: Tensor) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(w), nn.Parameter(b)
        self.hook_scale, self.hook_normalized = HookPoint(), HookPoint()

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the normalised stream."""
        centred = x - x.mean(-1, keepdim=True)
        _, scale, _ = layer_norm(x, self.w, self.b)
        normalised = self.hook_normalized(centred / self.hook_scale(scale))
        return normalised * self.w + self.b


class Attention(nn.Module):
    """Attention; hooks q, k, v, z [batch pos head d_head], attn_scores, pattern [batch head query key].

    `hook_pattern` holds what multiplies the values: the softmax mixed by `attention_rate` (see `mixed_pattern`).
    `hook_result` [batch pos head d_model] is computed only where `cfg.use_attn_result` is set, as in TransformerLens.
    """

    W_Q: nn.Parameter
    W_K: nn.Parameter
    W_V: nn.Parameter
    W_O: nn.Parameter
    b_Q: Tensor
    b_K: Tensor
    b_V: Tensor
    b_O: Tensor

    def __init__(self, cfg: SimpleNamespace, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.cfg = cfg
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            self.register_parameter(name, nn.Parameter(weights[name]))
        heads, d_model, d_head = weights["W_Q"].shape
        like = weights["W_Q"]
        for name in ("b_Q", "b_K", "b_V"):
            _parameter_or_zeros(self, name, weights, (heads, d_head), like)
        _parameter_or_zeros(self, "b_O", weights, (d_model,), like)
        self.hook_q, self.hook_k, self.hook_v, self.hook_z = (HookPoint() for _ in range(4))
        self.hook_attn_scores, self.hook_pattern, self.hook_result = (HookPoint() for _ in range(3))

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what attention adds to the stream."""
        q = self.hook_q(torch.einsum("bpd,hde->bphe", x, self.W_Q) + self.b_Q)
        k = self.hook_k(torch.einsum("bpd,hde->bphe", x, self.W_K) + self.b_K)
        v = self.hook_v(torch.einsum("bpd,hde->bphe", x, self.W_V) + self.b_V)
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / self.cfg.attn_scale
        n = x.shape[1]
        visible = torch.ones(n, n, dtype=torch.bool, device=x.device)
        if self.cfg.attention_dir == "causal":
            visible = visible.tril()
            scores = scores.masked_fill(~visible, -torch.inf)
        softmax = self.hook_attn_scores(scores).softmax(-1)
        pattern = self.hook_pattern(mixed_pattern(softmax, self.cfg.attention_rate, visible))
        z = self.hook_z(torch.einsum("bhqk,bkhe->bqhe", pattern, v))
        if self.cfg.use_attn_result:
            result = self.hook_result(torch.einsum("bqhe,hed->bqhd", z, self.W_O))
            return result.sum(2) + self.b_O
        return torch.einsum("bqhe,hed->bqd", z, self.W_O) + self.b_O


class MLP(nn.Module):
    """One hidden layer of neurons; `hook_pre` and `hook_post` [batch pos d_mlp]."""

    b_in: Tensor
    b_out: Tensor

    def __init__(self, cfg: SimpleNamespace, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.W_in, self.W_out = nn.Parameter(weights["W_in"]), nn.Parameter(weights["W_out"])
        _parameter_or_zeros(self, "b_in", weights, (cfg.d_mlp,), self.W_in)
        _parameter_or_zeros(self, "b_out", weights, (cfg.d_model,), self.W_in)
        self.act_fn = ACTIVATIONS[cfg.act_fn]
        self.hook_pre, self.hook_post = HookPoint(), HookPoint()

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what the neurons add to the stream."""
        post = self.hook_post(self.act_fn(self.hook_pre(x @ self.W_in + self.b_in)))
        return post @ self.W_out + self.b_out


class Block(nn.Module):
    """Attention, then neurons, each with its residual sum.

    Hooks resid_pre, attn_out, resid_mid, mlp_out, resid_post.
    """

    def __init__(self, cfg: SimpleNamespace, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.placement = cfg.normalization
        self.attn = Attention(cfg, _under(weights, "attn."))
        if self.placement != "none":
            self.ln1 = LayerNorm(weights["ln1.w"], weights["ln1.b"])
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_post = (
            HookPoint() for _ in range(3)
        )
        self.attn_only = cfg.attn_only
        if not cfg.attn_only:
            if self.placement != "none":
                self.ln2 = LayerNorm(weights["ln2.w"], weights["ln2.b"])
            self.mlp = MLP(cfg, _under(weights, "mlp."))
            self.hook_resid_mid, self.hook_mlp_out = HookPoint(), HookPoint()

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the stream after the block."""
        x = self.hook_resid_pre(x)
        attn_out = self.hook_attn_out(self.attn(self.ln1(x) if self.placement == "pre" else x))
        x = x + attn_out
        if self.placement == "post":
            x = self.ln1(x)
        if not self.attn_only:
            x = self.hook_resid_mid(x)
            mlp_out = self.hook_mlp_out(self.mlp(self.ln2(x) if self.placement == "pre" else x))
            x = x + mlp_out
            if self.placement == "post":
                x = self.ln2(x)
        return self.hook_resid_post(x)


class Embed(nn.Module):
    """`W_E` [token d_model]."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.W_E = nn.Parameter(weight)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the embedding of each token."""
        return nn.functional.embedding(tokens, self.W_E)


class PosEmbed(nn.Module):
    """`W_pos` [pos d_model], learned or sinusoidal."""

    W_pos: Tensor

    def __init__(self, table: Tensor, learned: bool) -> None:
        super().__init__()
        if learned:
            self.W_pos = nn.Parameter(table)
        else:
            self.register_buffer("W_pos", table, persistent=False)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the position embedding, the same for every row."""
        return self.W_pos[: tokens.shape[1]].expand(tokens.shape[0], -1, -1)


class Unembed(nn.Module):
    """`W_U` [d_model class], `b_U` [class]."""

    b_U: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.W_U = nn.Parameter(weights["W_U"])
        _parameter_or_zeros(self, "b_U", weights, (self.W_U.shape[1],), self.W_U)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos class"]:
        """Return the logits."""
        return x @ self.W_U + self.b_U


class HookedTransformer(HookedModel):
    """A transformer whose every activation can be read and edited.

    Parameters
    ----------
    config
        The shape.
    weights
        Name -> weight, TransformerLens's names and shapes; drawn from `config.init_seed` where None. The model holds
        copies.
    dtype
        Precision of drawn weights.

    Attributes
    ----------
    config
        Our configuration.
    cfg
        The same in TransformerLens's words, for `ActivationCache` and its helpers.

    Raises
    ------
    UnsoundError
        Where `weights` do not fit `config`.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if weights is None:
            weights = initialise(config, dtype)
        check_weights(weights, config, "the given weights")
        weights = {name: weight.detach().clone() for name, weight in weights.items()}
        self.config, self.cfg = config, _transformer_lens_cfg(config, weights["embed.W_E"])
        self.embed, self.hook_embed = Embed(weights["embed.W_E"]), HookPoint()
        table = position_table(config, weights.get("pos_embed.W_pos"), weights["embed.W_E"])
        if table is not None:
            self.pos_embed = PosEmbed(table, learned=config.positional == "learned")
            self.hook_pos_embed = HookPoint()
        self.blocks = nn.ModuleList(
            Block(self.cfg, _under(weights, f"blocks.{layer}.")) for layer in range(config.n_layers)
        )
        if config.normalization == "pre":
            self.ln_final = LayerNorm(weights["ln_final.w"], weights["ln_final.b"])
        self.unembed = Unembed(_under(weights, "unembed."))
        self.setup()

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos class"]:
        """Return the logits at every position."""
        x = self.hook_embed(self.embed(tokens))
        if self.config.positional != "none":
            x = x + self.hook_pos_embed(self.pos_embed(tokens))
        for block in self.blocks:
            x = block(x)
        if self.config.normalization == "pre":
            x = self.ln_final(x)
        return self.unembed(x)

    def set_use_attn_result(self, use: bool) -> None:
        """Compute `hook_result`, each head's own addition to the stream, from now on."""
        self.cfg.use_attn_result = use

    def accumulated_bias(
        self, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True
    ) -> Float[Tensor, " d_model"]:
        """Return the sum of the output biases of all parts before `layer` (with attention's if `mlp_input`)."""
        total = torch.zeros(
            self.config.d_model, dtype=self.embed.W_E.dtype, device=self.embed.W_E.device
        )
        blocks = [cast(Block, block) for block in self.blocks]
        for block in blocks[:layer]:
            total = total + block.attn.b_O
            if include_mlp_biases and not self.config.attn_only:
                total = total + block.mlp.b_out
        if mlp_input:
            total = total + blocks[layer].attn.b_O
        return total

    def tokens_to_residual_directions(
        self, tokens: int | Int[Tensor, "..."]
    ) -> Float[Tensor, "... d_model"]:
        """Return the unembedding column of each class, for `ActivationCache.logit_attrs`."""
        return self.unembed.W_U.T[tokens]


def _under(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _parameter_or_zeros(
    module: nn.Module,
    name: str,
    weights: Mapping[str, Tensor],
    shape: tuple[int, ...],
    like: Tensor,
) -> None:
    """Register a trained bias, or zeros that are neither trained nor stored, so that readers find it either way."""
    if name in weights:
        module.register_parameter(name, nn.Parameter(weights[name]))
    else:
        module.register_buffer(
            name, torch.zeros(shape, dtype=like.dtype, device=like.device), persistent=False
        )


def _transformer_lens_cfg(config: ModelConfig, like: Tensor) -> SimpleNamespace:
    return SimpleNamespace(
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        n_key_value_heads=None,
        d_model=config.d_model,
        d_head=config.d_head,
        d_mlp=None if config.attn_only else config.d_mlp,
        d_vocab=config.d_vocab,
        d_vocab_out=config.d_vocab_out,
        n_ctx=config.n_ctx,
        act_fn=config.act_fn,
        attn_only=config.attn_only,
        attn_scale=config.d_head**0.5,
        attention_dir="causal" if config.attention_mask == "causal" else "bidirectional",
        attention_rate=config.attention_rate,
        normalization=config.normalization,
        normalization_type="LN" if config.normalization == "pre" else None,
        positional_embedding_type="standard",
        use_attn_result=False,
        parallel_attn_mlp=False,
        default_prepend_bos=False,
        device=like.device,
        dtype=like.dtype,
        eps=1e-5,
        model_name="grokscope",
    )
