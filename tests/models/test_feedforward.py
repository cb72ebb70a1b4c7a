"""Feed-forward families: fast, hooked and plain forward agree; every hook holds and edits what its name says."""

import pytest
import torch
from plain_feedforward import SHAPES, pairs, plain_feedforward
from plain_transformer import random_weights
from torch.nn import functional

from grokscope.config import ModelConfig, override
from grokscope.errors import UnsoundError
from grokscope.models import families
from grokscope.models.feedforward.forms import FORMS
from grokscope.models.feedforward.forward import operand_tables
from grokscope.models.feedforward.hooked import HookedFeedforward
from grokscope.models.plan import make_plan
from grokscope.models.shapes import check_weights, weight_shapes
from grokscope.presets import get_preset
from grokscope.training.resolve import resolve

N = 6


def made(architecture: str, act_fn: str = "tanh", dtype: torch.dtype = torch.float64):
    config = ModelConfig(
        architecture=architecture, act_fn=act_fn, n_ctx=2, d_vocab=N, d_vocab_out=N,
        n_layers=FORMS[architecture].n_layers, **SHAPES[architecture],
    )  # fmt: skip
    return config, random_weights(weight_shapes(config), dtype)


def test_every_family_is_tested():
    """Else a family stands in the configuration that nothing below looks at."""
    assert set(SHAPES) == set(FORMS)


ROWS = {"all": range(N * N), "some, one twice": [7, 0, 35, 7, 12], "one": [3]}


@pytest.mark.parametrize("causal", [False, True], ids=["rows", "prefixes"])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("act_fn", ["relu", "square", "gelu"])
@pytest.mark.parametrize("architecture", SHAPES)
def test_fast_equals_hooked_equals_plain(architecture, act_fn, rows, causal):
    """Else what is trained is not the model that is opened, or neither is the paper's: logits and every gradient."""
    config, drawn = made(architecture, act_fn)
    tokens = pairs(N)[list(ROWS[rows])]
    labels = tokens.sum(1) % N
    hooked_model = HookedFeedforward(config, drawn)
    weights = {name: w.clone().requires_grad_() for name, w in drawn.items()}
    plan = make_plan(tokens.numpy(), causal)
    by = {
        "fast": (families.forward(weights, config, plan).logits, weights),
        "logits alone": (families.logits_of(weights, config, plan), weights),
        "hooked": (hooked_model(tokens)[:, -1], hooked_model.weights()),
    }
    plain = plain_feedforward(architecture, weights, act_fn, N, tokens)[0]
    wanted = torch.autograd.grad(functional.cross_entropy(plain, labels), weights.values())
    for how, (logits, own) in by.items():
        torch.testing.assert_close(logits, plain, rtol=0, atol=1e-12, msg=how)
        found = torch.autograd.grad(functional.cross_entropy(logits, labels), own.values())
        for name, ours, theirs in zip(own, found, wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12, msg=f"{how}, {name}")


@pytest.mark.parametrize("architecture", SHAPES)
def test_fast_activations(architecture):
    """Else a measure reads neurons of another layer, or a head where there is none."""
    config, weights = made(architecture)
    act = families.forward(weights, config, make_plan(pairs(N).numpy(), causal=False))
    seen = plain_feedforward(architecture, weights, "tanh", N, pairs(N))[1]
    last = seen[f"blocks.{FORMS[architecture].n_layers - 1}.mlp.hook_post"][:, 0]
    torch.testing.assert_close(act.neurons, last, rtol=0, atol=1e-12)
    torch.testing.assert_close(act.resid_post, last, rtol=0, atol=1e-12)
    assert act.z.shape == (N * N, 0, 0)
    assert act.pattern.shape == (N * N, 0, 0)
    for stream in (act.resid_pre, act.resid_mid, act.attn_out):
        assert stream.shape == last.shape
        assert not stream.any()
    onward = families.after_sum(weights, config, act.resid_mid + act.neurons)
    torch.testing.assert_close(onward, act.logits, rtol=0, atol=1e-12)
    w_out = families.last_block(weights, config)["mlp.W_out"]
    through = act.neurons @ w_out @ families.unembedding(weights, config)
    torch.testing.assert_close(through, act.logits, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", SHAPES)
def test_first_layer_is_a_sum_of_two_tables(architecture):
    """Else what an operand brings in is another table than the one that the fast forward and the measures read."""
    config, weights = made(architecture)
    left, right = operand_tables(weights, config)
    tokens = pairs(N)
    pre = plain_feedforward(architecture, weights, "tanh", N, tokens)[1]["blocks.0.mlp.hook_pre"]
    torch.testing.assert_close(
        left[tokens[:, 0]] + right[tokens[:, 1]], pre[:, 0], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("architecture", SHAPES)
def test_single_precision(architecture):
    """Else training, which is in float32, is another model than the analysis."""
    config, weights = made(architecture, "relu", torch.float32)
    tokens = pairs(N)
    plain = plain_feedforward(architecture, weights, "relu", N, tokens)[0]
    fast = families.logits_of(weights, config, make_plan(tokens.numpy(), causal=False))
    assert fast.dtype == HookedFeedforward(config, weights)(tokens).dtype == torch.float32
    torch.testing.assert_close(fast, plain, rtol=1e-5, atol=1e-5)


def hook_points(architecture: str) -> dict[str, tuple[int, ...]]:
    """Return the documented hooks and their shapes."""
    width = N if "one_hot" in architecture else 5
    joined = width * (2 if architecture in ("mlp", "one_hot_mlp", "linear_delta") else 1)
    found = {"hook_embed": (N * N, 2, width), "blocks.0.hook_mlp_in": (N * N, 1, joined)}
    for layer in range(2 if architecture in ("linear_beta", "linear_gamma") else 1):
        found |= {f"blocks.{layer}.mlp.hook_{part}": (N * N, 1, 7) for part in ("pre", "post")}
    return found


@pytest.mark.parametrize("architecture", SHAPES)
def test_names_shapes_and_values_of_hooks(architecture):
    """Else a user's hook does not find its place, or finds another activation there."""
    config, weights = made(architecture)
    model, tokens = HookedFeedforward(config, weights), pairs(N)
    logits, cache = model.run_with_cache(tokens)
    assert logits.shape == (N * N, 1, N)
    assert set(model.hook_dict) == set(hook_points(architecture))
    assert {k: tuple(v.shape) for k, v in cache.items()} == hook_points(architecture)
    for name, value in plain_feedforward(architecture, weights, "tanh", N, tokens)[1].items():
        torch.testing.assert_close(cache[name], value, rtol=0, atol=1e-12, msg=name)
    assert torch.equal(cache["post", 0], cache["blocks.0.mlp.hook_post"])


EVERY_HOOK = [(name, hook) for name in SHAPES for hook in hook_points(name)]


@pytest.mark.parametrize(("architecture", "hook"), EVERY_HOOK)
def test_zeroing_a_hook_does_what_it_does_by_hand(architecture, hook):
    """Else an ablation takes away something else than its hook names."""
    config, weights = made(architecture, "gelu")
    model, tokens = HookedFeedforward(config, weights), pairs(N)
    untouched = plain_feedforward(architecture, weights, "gelu", N, tokens)[0]
    for edit in (torch.zeros_like, lambda x: 2 * x):
        logits = model.run_with_hooks(tokens, fwd_hooks=[(hook, lambda x, hook, f=edit: f(x))])
        expected = plain_feedforward(architecture, weights, "gelu", N, tokens, {hook: edit})[0]
        torch.testing.assert_close(logits[:, 0], expected, rtol=0, atol=1e-12)
        assert not torch.allclose(expected, untouched, atol=1e-3), "the hook does nothing"
    torch.testing.assert_close(model(tokens)[:, 0], untouched, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", SHAPES)
def test_weights_are_the_models(architecture):
    """Else a checkpoint does not fit the model that it is opened in, or a wrong one does."""
    config, weights = made(architecture)
    model = families.hooked_model(config, weights)
    assert {k: tuple(v.shape) for k, v in model.state_dict().items()} == weight_shapes(config)
    assert set(model.weights()) == set(weights)
    assert all(torch.equal(model.weights()[k], w) for k, w in weights.items())
    with torch.no_grad():
        model.weights()["unembed.W_U"].zero_()
    assert weights["unembed.W_U"].any(), "the model holds copies"
    for name in weights:
        with pytest.raises(UnsoundError, match=f"{name} is missing"):
            check_weights({k: w for k, w in weights.items() if k != name}, config, "here")
        turned = {**weights, name: weights[name][..., :-1]}
        with pytest.raises(UnsoundError, match=name):
            HookedFeedforward(config, turned)


PUBLISHED = {
    "chughtai2023_mlp": 2 * 113 * 256 + 2 * 256 * 128 + 128 * 113,
    "gromov2023": 3 * 97 * 500,
    "zhong2023_pizza": 212_608,
    "zhong2023_clock": 212_608,
    "zhong2023_linear": 59 * 256 + 256 * 256 + 256 + 256 * 59,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_number_of_weights_of_each_preset(name):
    """Else the preset is another network than the published one."""
    config, _ = resolve(get_preset(name).config)
    found = sum(torch.Size(shape).numel() for shape in weight_shapes(config.model).values())
    assert found == PUBLISHED[name]


def test_number_of_weights_of_the_other_linear_models():
    """Else beta has no second layer, or the operands of delta are not half as wide."""
    preset = get_preset("zhong2023_linear").config
    alpha = PUBLISHED["zhong2023_linear"]
    wanted = {
        ("linear_beta", 256): alpha + 256 * 256 + 256,
        ("linear_gamma", 256): alpha + 256 * 256 + 256,
        ("linear_delta", 128): alpha - 59 * 128,
        ("linear_x", 256): alpha + 59 * 256,
    }
    for (architecture, width), count in wanted.items():
        config, _ = resolve(override(preset, architecture=architecture, d_model=width))
        shapes = weight_shapes(config.model).values()
        assert sum(torch.Size(shape).numel() for shape in shapes) == count
