"""Initial weights of the feed-forward families and of Zhong et al.'s transformer, against their constructors."""

import math

import numpy as np
import pytest
import torch
from plain_feedforward import SHAPES
from torch import nn

from grokscope.config import ModelConfig, override
from grokscope.errors import RequestError
from grokscope.models.feedforward.forms import FORMS
from grokscope.models.initialise import initialise
from grokscope.models.shapes import weight_shapes
from grokscope.presets import get_preset
from grokscope.training.resolve import resolve


def seeded(seed: int, draw):
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    drawn = draw()
    torch.set_rng_state(state)
    return drawn


def ours(preset: str, **options) -> dict[str, torch.Tensor]:
    return initialise(resolve(override(get_preset(preset).config, **options))[0].model)


@pytest.mark.parametrize("seed", [1, 2])
def test_chughtais_draws_bit_for_bit(seed):
    """Else a seed of the published program is not the same seed here."""
    n, d, hidden = 113, 256, 128

    def published():
        return {
            "embed_left.W_E": torch.randn(n, d) / np.sqrt(d),
            "embed_right.W_E": torch.randn(n, d) / np.sqrt(d),
            "blocks.0.mlp.W_in": torch.randn(2 * d, hidden) / np.sqrt(2 * d),
            "unembed.W_U": torch.randn(hidden, n) / np.sqrt(hidden),
        }

    theirs, found = seeded(seed, published), ours("chughtai2023_mlp", seed=seed)
    assert found.keys() == theirs.keys()
    assert all(torch.equal(found[name], w) for name, w in theirs.items())


@pytest.mark.parametrize("letter", ["alpha", "beta", "gamma", "delta", "x"])
def test_zhongs_linear_models_bit_for_bit(letter):
    """Else the linear models begin elsewhere: torch's own Embedding and Linear, in the order of their constructors."""
    n, d = 59, 256
    width = d // 2 if letter == "delta" else d

    def published():
        embeddings = [nn.Embedding(n, width) for _ in range(2 if letter == "x" else 1)]
        unembed = nn.Embedding(n, d)
        layers = [nn.Linear(d, d) for _ in range(2 if letter in ("beta", "gamma") else 1)]
        names = ["embed_left", "embed_right"] if letter == "x" else ["embed"]
        w = {f"{k}.W_E": e.weight / (d // 2) ** 0.5 for k, e in zip(names, embeddings, strict=True)}
        for i, layer in enumerate(layers):
            w[f"blocks.{i}.mlp.W_in"], w[f"blocks.{i}.mlp.b_in"] = layer.weight.T, layer.bias
        return {**w, "unembed.W_U": (unembed.weight / d**0.5).T}

    theirs = seeded(5, published)
    found = ours("zhong2023_linear", architecture=f"linear_{letter}", d_model=width, init_seed=5)
    assert found.keys() == theirs.keys()
    for name, w in theirs.items():
        torch.testing.assert_close(found[name], w.detach(), rtol=0, atol=0, msg=name)


def test_zhongs_transformer_bit_for_bit():
    """Else W_in is Nanda's randn / sqrt(d_model), or the order of their constructors is lost."""
    n, d, heads, d_head, mlp = 59, 128, 4, 32, 512

    def published():
        w = {"embed.W_E": (torch.randn(d, n) / np.sqrt(d)).T}
        w["pos_embed.W_pos"] = torch.randn(2, d) / np.sqrt(d)
        w["unembed.W_U"] = torch.randn(d, n) / np.sqrt(n)
        for name in "KQV":
            draw = torch.randn(heads, d_head, d) / np.sqrt(d)
            w[f"blocks.0.attn.W_{name}"] = draw.transpose(1, 2)
        flat = torch.randn(d, d_head * heads) / np.sqrt(d)
        w["blocks.0.attn.W_O"] = torch.stack([part.T for part in flat.chunk(heads, 1)])
        w["blocks.0.mlp.W_in"] = (torch.randn(mlp, d) / np.sqrt(mlp)).T
        w["blocks.0.mlp.W_out"] = (torch.randn(d, mlp) / np.sqrt(d)).T
        return w | {"blocks.0.mlp.b_in": torch.zeros(mlp), "blocks.0.mlp.b_out": torch.zeros(d)}

    theirs, found = seeded(3, published), ours("zhong2023_pizza", init_seed=3)
    assert found.keys() == theirs.keys()
    assert all(torch.equal(found[name], w) for name, w in theirs.items())


def test_gromovs_network_begins_at_zero_output():
    """Else the scales stand in the initial weights: with N(0, 1) and 1/(D N) in front, the first loss is 1/p."""
    weights = ours("gromov2023")
    for name in ("blocks.0.mlp.W_in", "unembed.W_U"):
        assert float(weights[name].mean()) == pytest.approx(0, abs=0.02)
        assert float(weights[name].std()) == pytest.approx(1, rel=0.02)
    hidden = (weights["blocks.0.mlp.W_in"][3] + weights["blocks.0.mlp.W_in"][97 + 5]) / math.sqrt(
        194
    )
    logits = hidden.square() @ weights["unembed.W_U"] / 500
    assert float(logits.square().mean()) < 1e-4 / 97


@pytest.mark.parametrize("rule", ["normal", "xavier_uniform", "kaiming_uniform"])
@pytest.mark.parametrize("architecture", SHAPES)
def test_general_rules_fit_every_family(architecture, rule):
    """Else a rule forgets a weight of a family, or takes its embedding for a layer."""
    config = ModelConfig(
        architecture=architecture, n_ctx=2, d_vocab=300, d_vocab_out=300, initialisation=rule,
        **SHAPES[architecture],
    )  # fmt: skip
    weights = initialise(config)
    assert {k: tuple(v.shape) for k, v in weights.items()} == weight_shapes(config)
    for name, w in weights.items():
        assert bool(w.any()) == ("b_in" not in name)
        if "embed" in name and rule == "kaiming_uniform" and "unembed" not in name:
            assert float(w.std()) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("architecture", ["transformer", *SHAPES])
def test_rules_of_another_architecture_are_refused(architecture):
    """Else a model begins at weights that were never meant for it, or the mistake is a traceback."""
    own = (
        {FORMS[architecture].initialisation}
        if architecture in FORMS
        else {"nanda2023", "zhong2023"}
    )
    for rule in {"nanda2023", "zhong2023", "chughtai2023", "gromov2023", "zhong2023_linear"} - own:
        config = ModelConfig(architecture=architecture, initialisation=rule)
        with pytest.raises(RequestError, match=f"initialisation = {rule}"):
            initialise(config)
