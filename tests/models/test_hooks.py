"""Hooks: every one holds and edits what its name says, and TransformerLens's own helpers work on the model."""

import dataclasses

import pytest
import torch
from plain_transformer import all_rows, plain_forward, random_weights
from transformer_lens import ActivationCache
from transformer_lens.hook_points import HookPoint

from grokscope.config import ModelConfig
from grokscope.errors import UnsoundError
from grokscope.models.shapes import weight_shapes
from grokscope.models.transformer import HookedTransformer

P = 5
# Every size is different, so that a turned axis cannot go unseen.
SMALL = ModelConfig(
    n_heads=2, d_model=12, d_head=7, d_mlp=9, d_vocab=P + 1, d_vocab_out=P + 1, bias_mlp=True
)
CONFIGS = {
    "published": SMALL,
    "one layer, all biases": dataclasses.replace(SMALL, bias_attn=True, bias_unembed=True),
    "two layers, pre": dataclasses.replace(
        SMALL, n_layers=2, normalization="pre", bias_attn=True, bias_unembed=True, act_fn="gelu"
    ),
    "two layers, post, sinusoidal": dataclasses.replace(
        SMALL, n_layers=2, normalization="post", positional="sinusoidal", bias_mlp=False
    ),
    "no mask, no positions": dataclasses.replace(
        SMALL, n_layers=2, attention_mask="none", positional="none", act_fn="square"
    ),
    "half attention, causal": dataclasses.replace(SMALL, n_layers=2, attention_rate=0.5),
    "a tenth of attention, no mask": dataclasses.replace(
        SMALL, attention_mask="none", attention_rate=0.1
    ),
    "attention only, pre": dataclasses.replace(
        SMALL, n_layers=2, attn_only=True, normalization="pre", bias_attn=True
    ),
    "attention only, post": dataclasses.replace(SMALL, attn_only=True, normalization="post"),
}


def made(name: str):
    config = CONFIGS[name]
    weights = random_weights(weight_shapes(config), torch.float64)
    return config, weights, HookedTransformer(config, weights), all_rows(P)


def hook_points(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the hook points and their shapes as TransformerLens documents them, for 25 rows of 3 tokens."""
    c, batch, pos = config, P * P, 3
    stream, head = (batch, pos, c.d_model), (batch, pos, c.n_heads, c.d_head)
    pattern, scale = (batch, c.n_heads, pos, pos), (batch, pos, 1)

    def norm(name):
        return {f"{name}.hook_scale": scale, f"{name}.hook_normalized": stream}

    found = {"hook_embed": stream}
    if c.positional != "none":
        found["hook_pos_embed"] = stream
    for layer in range(c.n_layers):
        block = {f"attn.hook_{part}": head for part in "qkvz"}
        block |= {"attn.hook_attn_scores": pattern, "attn.hook_pattern": pattern}
        block["attn.hook_result"] = (batch, pos, c.n_heads, c.d_model)
        names = ["hook_resid_pre", "hook_attn_out", "hook_resid_post"]
        if c.normalization != "none":
            block |= norm("ln1")
        if not c.attn_only:
            names += ["hook_resid_mid", "hook_mlp_out"]
            block |= {f"mlp.hook_{part}": (batch, pos, c.d_mlp) for part in ("pre", "post")}
            if c.normalization != "none":
                block |= norm("ln2")
        block |= dict.fromkeys(names, stream)
        found |= {f"blocks.{layer}.{name}": shape for name, shape in block.items()}
    return found | (norm("ln_final") if c.normalization == "pre" else {})


@pytest.mark.parametrize("name", CONFIGS)
def test_names_and_shapes_of_hooks(name):
    """Else a TransformerLens user's hook does not find its place, or finds another tensor there."""
    config, _, model, tokens = made(name)
    model.set_use_attn_result(True)
    _, cache = model.run_with_cache(tokens)
    assert set(model.hook_dict) == set(hook_points(config))
    assert {key: tuple(value.shape) for key, value in cache.items()} == hook_points(config)


def test_hook_names_are_those_that_transformer_lens_builds():
    """Else `cache["pattern", 0]` and get_act_name point to nothing."""
    utilities = pytest.importorskip("transformer_lens.utilities")
    _, _, model, _ = made("two layers, pre")
    for short in ("q", "k", "v", "z", "attn_scores", "pattern", "result", "pre", "post"):
        assert utilities.get_act_name(short, 1) in model.hook_dict
    for short in ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out"):
        assert utilities.get_act_name(short, 0) in model.hook_dict
    for short in ("embed", "pos_embed", "scale", "normalized"):
        assert utilities.get_act_name(short) in model.hook_dict
    assert utilities.get_act_name("scale", 1, "ln1") in model.hook_dict


@pytest.mark.parametrize("name", CONFIGS)
def test_names_and_shapes_of_weights(name):
    """Else a state dict of TransformerLens does not fit: W_Q [head d_model d_head], W_O [head d_head d_model], ..."""
    config, weights, model, _ = made(name)
    c = config
    held = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert held == {key: tuple(value.shape) for key, value in weights.items()}
    assert held["embed.W_E"] == (P + 1, c.d_model)
    assert held["blocks.0.attn.W_Q"] == (c.n_heads, c.d_model, c.d_head)
    assert held["blocks.0.attn.W_O"] == (c.n_heads, c.d_head, c.d_model)
    assert held["unembed.W_U"] == (c.d_model, P + 1)
    assert held.get("blocks.0.attn.b_Q") == ((c.n_heads, c.d_head) if c.bias_attn else None)
    if not c.attn_only:
        assert held["blocks.0.mlp.W_in"] == (c.d_model, c.d_mlp)
    assert set(model.weights()) == set(weights)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_hook_holds_what_it_says(name):
    """Else an activation that is read is another than the one that its name promises."""
    config, weights, model, tokens = made(name)
    model.set_use_attn_result(True)
    logits, cache = model.run_with_cache(tokens)
    expected, seen = plain_forward(weights, config, tokens)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)
    assert set(seen) == set(cache.keys())
    for key, value in seen.items():
        torch.testing.assert_close(cache[key], value, rtol=0, atol=1e-12, msg=key)


EVERY_HOOK = [(name, hook) for name in CONFIGS for hook in hook_points(CONFIGS[name])]


@pytest.mark.parametrize(("name", "hook"), EVERY_HOOK)
def test_zeroing_a_hook_does_what_it_does_by_hand(name, hook):
    """Else an ablation takes away something else than its hook names (as resid_mid in TransformerLens 4.3's bridge)."""
    config, weights, model, tokens = made(name)
    # As in TransformerLens, each head's result is computed only on request.
    model.set_use_attn_result(hook.endswith("hook_result"))
    for edit in (torch.zeros_like, lambda x: 2 * x):
        logits = model.run_with_hooks(tokens, fwd_hooks=[(hook, lambda x, hook, f=edit: f(x))])
        expected, _ = plain_forward(weights, config, tokens, {hook: edit})
        torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12, equal_nan=True)
        if edit is torch.zeros_like:
            untouched, _ = plain_forward(weights, config, tokens)
            assert not torch.allclose(logits, untouched, atol=1e-3), "the hook does nothing"
    after, _ = plain_forward(weights, config, tokens)
    torch.testing.assert_close(model(tokens), after, rtol=0, atol=1e-12, msg="the hook stayed")


def test_a_hook_that_zeroes_one_head():
    """Else "head 1 off" is not the model with W_O of head 1 set to zero."""
    config, weights, model, tokens = made("one layer, all biases")

    def zero_head(z, hook: HookPoint):
        z[:, :, 1] = 0
        return z

    logits = model.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", zero_head)])
    without = dict(weights)
    without["blocks.0.attn.W_O"] = weights["blocks.0.attn.W_O"].clone()
    without["blocks.0.attn.W_O"][1] = 0
    expected, _ = plain_forward(without, config, tokens)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("blocks.0.attn.hook_pattern", {"blocks.0.attn.hook_pattern"}),
        (["hook_embed", "blocks.0.mlp.hook_post"], {"hook_embed", "blocks.0.mlp.hook_post"}),
        (lambda name: name.endswith("resid_mid"), {"blocks.0.hook_resid_mid"}),
    ],
)
def test_names_filter(wanted, kept):
    """Else caching over all inputs keeps everything, gigabytes of it."""
    _, _, model, tokens = made("published")
    _, cache = model.run_with_cache(tokens, names_filter=wanted)
    assert isinstance(cache, ActivationCache)
    assert set(cache.keys()) == kept


def test_a_plain_cache_and_gradients():
    """Else the cache cannot be had as a plain dict, or backward hooks see no gradient."""
    _, _, model, tokens = made("published")
    _, cache = model.run_with_cache(tokens, return_cache_object=False)
    assert type(cache) is dict
    grads = {}
    with model.hooks(bwd_hooks=[("blocks.0.mlp.hook_post", lambda g, hook: grads.update(x=g))]):
        model(tokens)[:, -1].square().sum().backward()
    assert grads["x"].shape == cache["blocks.0.mlp.hook_post"].shape
    assert grads["x"][:, :-1].abs().max() == 0


NO_NORM = ["published", "one layer, all biases", "no mask, no positions"]
WITH_SUM = [*NO_NORM, "two layers, pre", "attention only, pre"]


@pytest.mark.parametrize("name", WITH_SUM)
def test_decompositions_sum_to_the_stream(name):
    """Else a share of the stream is attributed to the wrong part, or to none."""
    config, _, model, tokens = made(name)
    _, cache = model.run_with_cache(tokens)
    final = cache[f"blocks.{config.n_layers - 1}.hook_resid_post"]

    parts, labels = cache.decompose_resid(return_labels=True)
    assert len(parts) == len(labels)
    torch.testing.assert_close(parts.sum(0), final, rtol=0, atol=1e-12)

    full, labels = cache.get_full_resid_decomposition(return_labels=True)
    assert len(full) == len(labels)
    torch.testing.assert_close(full.sum(0), final, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        cache.get_full_resid_decomposition(expand_neurons=False).sum(0), final, rtol=0, atol=1e-12
    )
    if config.n_layers > 1:
        torch.testing.assert_close(
            cache.get_full_resid_decomposition(layer=1).sum(0),
            cache["blocks.1.hook_resid_pre"],
            rtol=0,
            atol=1e-12,
        )
        if not config.attn_only:
            torch.testing.assert_close(
                cache.get_full_resid_decomposition(layer=1, mlp_input=True).sum(0),
                cache["blocks.1.hook_resid_mid"],
                rtol=0,
                atol=1e-12,
            )


@pytest.mark.parametrize("name", CONFIGS)
def test_stacks_of_heads_and_neurons(name):
    """Else a head's or a neuron's addition to the stream is not the one that the weights give."""
    config, weights, model, tokens = made(name)
    _, cache = model.run_with_cache(tokens)
    heads, labels = cache.stack_head_results(return_labels=True)
    assert labels == [f"L{i}H{h}" for i in range(config.n_layers) for h in range(config.n_heads)]
    for at, (layer, h) in enumerate(
        (i, h) for i in range(config.n_layers) for h in range(config.n_heads)
    ):
        z = cache[f"blocks.{layer}.attn.hook_z"][:, :, h]
        expected = z @ weights[f"blocks.{layer}.attn.W_O"][h]
        torch.testing.assert_close(heads[at], expected, rtol=0, atol=1e-12)
    if config.attn_only:
        return
    neurons = cache.stack_neuron_results(layer=-1)
    post = torch.cat([cache["post", i] for i in range(config.n_layers)], -1)
    w_out = torch.cat([weights[f"blocks.{i}.mlp.W_out"] for i in range(config.n_layers)])
    torch.testing.assert_close(neurons, (post[..., None] * w_out).movedim(2, 0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_accumulated_resid(name):
    """Else the logit lens looks at another stream than the one of its label."""
    config, _, model, tokens = made(name)
    _, cache = model.run_with_cache(tokens)
    stack, labels = cache.accumulated_resid(incl_mid=not config.attn_only, return_labels=True)
    found = dict(zip(labels, stack, strict=True))
    for layer in range(config.n_layers):
        assert torch.equal(found[f"{layer}_pre"], cache["resid_pre", layer])
        if not config.attn_only:
            assert torch.equal(found[f"{layer}_mid"], cache["resid_mid", layer])
    assert torch.equal(found["final_post"], cache["resid_post", config.n_layers - 1])


@pytest.mark.parametrize("name", NO_NORM)
def test_logit_attributions_sum_to_the_logit(name):
    """Else direct logit attribution is of another class than asked for."""
    config, weights, model, tokens = made(name)
    logits, cache = model.run_with_cache(tokens)
    answers = (tokens[:, 0] + tokens[:, 1]) % P
    parts = cache.get_full_resid_decomposition(pos_slice=-1)
    shares = cache.logit_attrs(parts, tokens=answers, pos_slice=-1)
    logit = logits[torch.arange(len(answers)), -1, answers]
    if config.bias_unembed:
        logit = logit - weights["unembed.b_U"][answers]
    torch.testing.assert_close(shares.sum(0), logit, rtol=0, atol=1e-12)
    one = cache.logit_attrs(parts, tokens=3, pos_slice=-1).sum(0)
    torch.testing.assert_close(one, cache["resid_post", -1][:, -1] @ weights["unembed.W_U"][:, 3])


def test_layer_norm_of_a_stack():
    """Else `apply_ln` uses a scale that the model did not use: the normalised parts must sum to hook_normalized."""
    _, _, model, tokens = made("two layers, pre")
    _, cache = model.run_with_cache(tokens)
    parts = cache.get_full_resid_decomposition(apply_ln=True)
    torch.testing.assert_close(parts.sum(0), cache["ln_final.hook_normalized"], rtol=0, atol=1e-12)
    before = cache.decompose_resid(layer=1, mlp_input=True, apply_ln=True)
    torch.testing.assert_close(
        before.sum(0), cache["blocks.1.ln2.hook_normalized"], rtol=0, atol=1e-12
    )


def test_the_model_holds_copies():
    """Else editing the model edits the run's weights behind its back."""
    config, weights, model, tokens = made("published")
    before = {name: weight.clone() for name, weight in weights.items()}
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    assert all(torch.equal(weights[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("blocks.0.attn.W_K"), "W_K is missing"),
        (lambda w: w.update(extra=torch.zeros(1)), "extra is not one of the model's"),
        (lambda w: w.update({"unembed.W_U": torch.zeros(6, 12)}), "(6, 12) in the file, (12, 6)"),
        (lambda w: w.update({"embed.W_E": torch.zeros(6, 12, dtype=torch.int64)}), "torch.int64"),
        (lambda w: w["embed.W_E"].fill_(float("nan")), "holds NaN"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, words):
    """Else a wrong file gives a wrong model, or a traceback that names neither side."""
    config, weights, _, _ = made("published")
    change(weights)
    with pytest.raises(UnsoundError) as caught:
        HookedTransformer(config, weights)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
