"""The count of operations: the formula against torch's own counter, and both against sizes worked out by hand."""

import dataclasses

import pytest
import torch

from grokscope.bench.case import Measured
from grokscope.bench.machine_share import lines, speeds
from grokscope.bench.work import nominal_operations, operations_done
from grokscope.config import ModelConfig
from grokscope.models.transformer import HookedTransformer
from grokscope.presets import get_preset
from grokscope.tasks import make_split
from grokscope.training.resolve import resolve


def test_the_counter_counts_products_and_nothing_else():
    """Else additions or activation functions count as work."""
    a, b = torch.randn(3, 5), torch.randn(5, 7)
    assert operations_done(lambda: a @ b) == 2 * 3 * 5 * 7
    assert operations_done(lambda: torch.relu(a + 1).sum()) == 0


@pytest.mark.parametrize(
    "shape",
    [
        {},
        dict(n_heads=2, d_head=5, d_model=24, d_mlp=17, d_vocab_out=11),
        dict(attn_only=True, d_model=40, n_heads=3, d_head=8),
    ],
)
def test_formula_equals_what_the_hooked_model_does_at_one_position(shape):
    """Else a factor of the formula is wrong: the model's own modules after attention, on the one row that is read."""
    config = dataclasses.replace(ModelConfig(), **shape)
    model, n = HookedTransformer(config), 13
    block = model.blocks[0]
    z = torch.randn(n, config.n_heads * config.d_head, requires_grad=True)

    def forward_and_backward():
        x = z @ block.attn.W_O.flatten(0, 1)
        if not config.attn_only:
            x = x + block.mlp(x[:, None])[:, 0]
        model.unembed(x[:, None]).sum().backward()

    assert nominal_operations(config, n) == operations_done(forward_and_backward)


def test_the_preset_has_the_published_floor():
    """Else the share is of another amount of work than the design's 3.7e9."""
    config, task = resolve(get_preset("nanda2023").config)
    n_rows = len(make_split(task, config.split).rows("train"))
    assert n_rows == 3830
    assert (
        nominal_operations(config.model, n_rows) == 3830 * (128**2 + 2 * 128 * 512 + 128 * 114) * 6
    )
    assert nominal_operations(config.model, n_rows) == pytest.approx(3.7e9, rel=0.01)


def test_what_the_formula_is_not_for():
    """Else two layers, or a model without attention, get a share that means nothing."""
    with pytest.raises(AssertionError, match="one layer"):
        nominal_operations(ModelConfig(n_layers=2), 10)
    with pytest.raises(AssertionError, match="transformer"):
        nominal_operations(ModelConfig(architecture="mlp"), 10)


def test_share_of_the_fastest_product():
    """Else the share is of a slower product, or a time stands where a speed belongs."""
    assert speeds("2 x 3 x 5", [0.5]) == [120.0]
    measured = Measured(
        {
            "products": {"2 x 3 x 5": [60.0, 60.0], "10 x 10 x 10": [20.0, 20.0]},
            "update": {"seconds": [4.0, 8.0]},
            "reference": {"seconds": [2.0]},
        },
        {"update": {"nominal": 100, "done": 40}, "reference": {"nominal": 50, "done": 40}},
    )
    found = {line.label: line.value for line in lines(measured)}
    assert found["matrix product 2 x 3 x 5"].median == pytest.approx(1.0)
    assert found["matrix product 10 x 10 x 10"].median == pytest.approx(100.0)
    needs = found["update: share, nominal work"]
    assert needs.median == pytest.approx((100 / 4 / 100 + 100 / 8 / 100) / 2)
    does = found["update: share, products that it does"]
    assert does.median == pytest.approx((40 / 4 / 100 + 40 / 8 / 100) / 2)
    assert found["update: nominal work"].median == 100
    other = found["update, repeating the reference run: share, nominal work"]
    assert other.median == pytest.approx(50 / 2 / 100)
