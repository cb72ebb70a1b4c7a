"""How many floating-point operations an update needs, by its shapes, and how many it does."""

from collections.abc import Callable

from torch.utils.flop_counter import FlopCounterMode

from grokscope.config import ModelConfig


def nominal_operations(config: ModelConfig, n_rows: int) -> int:
    """Return the operations of the matrix products that every row needs in forward and backward, one layer.

    rows x (heads d_head d_model + 2 d_model d_mlp + d_model d_vocab_out) x 2 x 3: W_O, W_in and W_out, W_U at the one
    position that is read; a multiplication and an addition each; forward, gradient of the values, gradient of the
    weights. Keys, values, scores and the embedding depend on position and token only and do not count, nor does what is
    no matrix product: 3.7e9 for the preset nanda2023.
    """
    assert config.has_attention, "the count is of a transformer"
    assert config.n_layers == 1, "the count is of one layer"
    neurons = 0 if config.attn_only else 2 * config.d_model * config.d_mlp
    per_row = (
        config.n_heads * config.d_head * config.d_model
        + neurons
        + config.d_model * config.d_vocab_out
    )
    return n_rows * per_row * 2 * 3


def operations_done(action: Callable[[], object]) -> int:
    """Return the operations of the matrix products that `action` does, as torch dispatches them."""
    with FlopCounterMode(display=False) as counter:
        action()
    return int(counter.get_total_flops())
