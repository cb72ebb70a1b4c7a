"""The fast forward: the hooked forward's numbers and gradients, for every configuration and set of rows."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_transformer import all_rows, random_weights
from torch.nn import functional

from grokscope.config import ModelConfig
from grokscope.models.fast import (
    after_attention,
    after_neurons,
    after_sum,
    fast_forward,
    last_block,
    mlp_out,
)
from grokscope.models.folded import can_fold, can_look_up, fast_logits, looked_up, pays
from grokscope.models.plan import PlanTable, make_plan
from grokscope.models.shapes import weight_shapes
from grokscope.models.transformer import HookedTransformer


@st.composite
def cases(draw) -> tuple[ModelConfig, torch.Tensor, list[int], int]:
    """Return a configuration, its table, some rows of it (a row can stand twice), and a seed."""
    p = draw(st.integers(5, 13))
    choose = lambda *options: draw(st.sampled_from(options))  # noqa: E731
    config = ModelConfig(
        n_layers=draw(st.integers(1, 3)),
        n_heads=draw(st.integers(1, 3)),
        d_model=choose(4, 6, 8),
        d_head=draw(st.integers(1, 5)),
        d_mlp=draw(st.integers(1, 10)),
        d_vocab=p + 1,
        d_vocab_out=choose(p, p + 1),
        act_fn=choose("relu", "gelu", "silu", "tanh", "square", "identity"),
        normalization=choose("none", "pre", "post"),
        positional=choose("learned", "sinusoidal", "none"),
        attention_mask=choose("causal", "none"),
        attention_rate=choose(1.0, 1.0, 0.3, 0.0),
        attn_only=choose(False, False, True),
        bias_attn=draw(st.booleans()),
        bias_mlp=draw(st.booleans()),
        bias_unembed=draw(st.booleans()),
    )
    table = all_rows(p)
    rows = st.lists(st.integers(0, p * p - 1), min_size=1, max_size=2 * p)
    chosen = draw(st.one_of(st.just(list(range(p * p))), rows))
    if draw(st.integers(0, 4)) == 0:
        # A last position that is not constant, as in a task without `=`.
        table = torch.cat([table[:, :2], table[:, :1]], 1)
    return config, table, chosen, draw(st.integers(0, 2**31))


def gradients(weights, logits, labels):
    loss = functional.cross_entropy(logits.double(), labels)
    return dict(zip(weights, torch.autograd.grad(loss, weights.values()), strict=True))


def assert_equal(
    ours: torch.Tensor, theirs: torch.Tensor, tolerance: float, what: str, size: float = 1.0
) -> None:
    ours, theirs = ours.detach(), theirs.detach()
    assert ours.shape == theirs.shape
    size = max(size, float(theirs.abs().max()))
    error = float((ours - theirs).abs().max()) / size
    assert error <= tolerance, f"{what}: {error}"


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@settings(max_examples=60, derandomize=True)
@given(case=cases())
def test_equals_the_hooked_forward(dtype, tolerance, case):
    """Else what is trained is not the model that is opened: logits and every gradient must agree."""
    config, all_tokens, chosen, seed = case
    tokens = all_tokens[chosen]
    drawn = random_weights(weight_shapes(config), dtype, seed)
    # The size of trained weights: steeper ones lose digits that float32 needs for the comparison.
    drawn = {
        k: 1 + 0.1 * v if ".ln" in f".{k}" and k.endswith(".w") else 0.6 * v
        for k, v in drawn.items()
    }
    model = HookedTransformer(config, drawn)
    weights = {name: weight.clone().requires_grad_() for name, weight in drawn.items()}
    labels = (tokens[:, 0] + tokens[:, 1]) % config.d_vocab_out

    plan = make_plan(tokens.numpy(), config.attention_mask == "causal")
    fast = fast_forward(weights, config, plan)
    hooked, cache = model.run_with_cache(tokens)
    assert_equal(fast.logits, hooked[:, -1], tolerance, "logits")

    theirs = gradients(model.weights(), hooked[:, -1], labels)
    size = max(float(g.abs().max()) for g in theirs.values())
    weights_alone = dataclasses.replace(plan, tables=False)
    by = {"fast": fast.logits, "folded": fast_logits(weights, config, weights_alone)}
    # As the trainer makes it: the table is known, and the rows are some of it.
    table = PlanTable(all_tokens.numpy(), config.attention_mask == "causal")
    of_rows = table.plan(torch.tensor(chosen))
    by["fast, some rows of a table"] = fast_forward(weights, config, of_rows).logits
    if can_look_up(config, plan):
        by["looked up"], neurons = looked_up(weights, config, plan)
        assert_equal(neurons, fast.neurons, tolerance, "neurons")
        by["looked up, some rows of a table"] = looked_up(weights, config, of_rows)[0]
    for how, logits in by.items():
        assert_equal(logits, hooked[:, -1], tolerance, f"{how} logits")
        ours = gradients(weights, logits, labels)
        assert set(ours) == set(theirs)
        for name in ours:
            assert_equal(ours[name], theirs[name], tolerance, f"{how} gradient of {name}", size)

    last = f"blocks.{config.n_layers - 1}."
    read = {
        "resid_pre": cache[last + "hook_resid_pre"][:, -1],
        "attn_out": cache[last + "hook_attn_out"][:, -1],
        "z": cache[last + "attn.hook_z"][:, -1],
        "pattern": cache[last + "attn.hook_pattern"][:, :, -1],
        "resid_post": cache[last + "hook_resid_post"][:, -1],
    }
    if config.attn_only:
        assert fast.neurons is None
    else:
        read["neurons"] = cache[last + "mlp.hook_post"][:, -1]
        read["resid_mid"] = cache[last + "hook_resid_mid"][:, -1]
    for name, value in read.items():
        assert_equal(getattr(fast, name), value, tolerance, name)


@pytest.mark.parametrize("attn_only", [False, True])
@pytest.mark.parametrize("normalization", ["none", "pre", "post"])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("biases", [False, True])
def test_going_on_from_the_middle(attn_only, normalization, n_layers, biases):
    """Else an ablation that edits a middle value goes on through another model than the one it began in."""
    config = ModelConfig(
        n_layers=n_layers,
        n_heads=2,
        d_model=6,
        d_head=4,
        d_mlp=7,
        d_vocab=6,
        d_vocab_out=6,
        attn_only=attn_only,
        normalization=normalization,
        bias_attn=biases,
        bias_mlp=biases,
        bias_unembed=biases,
    )
    weights = random_weights(weight_shapes(config), torch.float64)
    fast = fast_forward(weights, config, make_plan(all_rows(5).numpy(), causal=True))
    block = last_block(weights, config)
    mid, neurons = after_attention(block, config, fast.resid_pre, fast.attn_out)
    assert_equal(mid, fast.resid_mid, 1e-12, "resid_mid")
    if neurons is None:
        total = fast.resid_pre + fast.attn_out
    else:
        assert_equal(neurons, fast.neurons, 1e-12, "neurons")
        onward = after_neurons(weights, config, fast.resid_mid, fast.neurons)
        assert_equal(onward, fast.logits, 1e-12, "after_neurons")
        total = fast.resid_mid + mlp_out(block, fast.neurons)
    assert_equal(after_sum(weights, config, total), fast.logits, 1e-12, "after_sum")


def test_what_can_be_folded():
    """Else the training loop takes the slow way in the published setting, or folds through a LayerNorm."""
    assert can_fold(ModelConfig())
    assert can_fold(ModelConfig(n_layers=3, bias_attn=True, attention_mask="none"))
    assert not can_fold(ModelConfig(attn_only=True))
    assert not can_fold(ModelConfig(normalization="pre"))
    assert not can_fold(ModelConfig(normalization="post"))


def test_when_values_are_looked_up():
    """Else the published setting is trained the slow way, or a handful of rows goes through tables of all tokens."""
    plan = make_plan(all_rows(113).numpy(), causal=True)
    assert can_look_up(ModelConfig(), plan)
    assert pays(plan)
    assert not can_look_up(ModelConfig(n_layers=2), plan)
    assert not can_look_up(ModelConfig(normalization="pre"), plan)
    assert not can_look_up(ModelConfig(), make_plan(all_rows(113).numpy(), True, tables=False))
    assert not pays(make_plan(all_rows(113)[:200].numpy(), causal=True))


def test_minibatches_have_tables_of_one_size():
    """Else a stack of seeds has members of different shapes, and compiled code is compiled for every batch."""
    p = 7
    table = PlanTable(all_rows(p).numpy(), causal=True)
    shapes = set()
    for seed in range(5):
        rows = torch.randperm(p * p, generator=torch.Generator().manual_seed(seed))[:20]
        plan = table.plan(rows)
        assert torch.equal(plan.row_tokens(), all_rows(p)[rows])
        lookup = plan.answer_lookup(2)
        shapes.add(tuple(tuple(t.shape) for t in (*plan.token_index, *lookup.tensors)))
    assert len(shapes) == 1
    few = table.plan(torch.arange(3))  # fewer rows than prefixes: one context a row
    assert [len(index) for index in few.token_index] == [3, 3, 3]
    assert few.parents[2] == (None, None, None)


def test_each_distinct_thing_is_computed_once():
    """Else the fast forward is not fast: p tokens, one `=`, and p prefixes instead of p^2 rows."""
    p = 11
    plan = make_plan(all_rows(p).numpy(), causal=True)
    assert [len(tokens) for tokens in plan.tokens] == [p, p, 1]
    assert [len(index) for index in plan.token_index] == [p, p * p, p * p]
    assert [len(sees) for sees in plan.parents] == [1, 2, 3]
    without_mask = make_plan(all_rows(p).numpy(), causal=False)
    assert [len(tokens) for tokens in without_mask.tokens] == [p, p, 1]
    assert [len(sees) for sees in without_mask.parents] == [3, 3, 3]


def test_repeatable_to_the_bit():
    """Else two equal runs part: gathers must add their gradients in a fixed order (two threads: tests/training)."""
    config = dataclasses.replace(
        ModelConfig(), n_layers=2, d_model=32, d_head=8, d_mlp=64, d_vocab=30, d_vocab_out=30
    )
    tokens = all_rows(29)
    plan = make_plan(tokens.numpy(), causal=True)
    labels = (tokens[:, 0] + tokens[:, 1]) % 29
    found = []
    for _ in range(3):
        drawn = random_weights(weight_shapes(config), torch.float32)
        weights = {name: weight.requires_grad_() for name, weight in drawn.items()}
        found.append(gradients(weights, fast_logits(weights, config, plan), labels))
    for again in found[1:]:
        assert all(torch.equal(found[0][name], again[name]) for name in again)
