"""The preset power2022: the setting of Power et al. 2022, and its number of weights."""

from math import prod

from grokscope.models.shapes import weight_shapes
from grokscope.presets import get_preset
from grokscope.tasks import make_split
from grokscope.training.resolve import resolve


def test_non_embedding_weights():
    """Else the model is not the paper's: 394,240 weights in the two blocks, LayerNorm's gains and biases among them.

    Per block 4 x 128 x 128 for attention, 2 x 128 x 512 for the neurons, 4 x 128 for two LayerNorms; not counted are
    the embedding and the unembedding (99 tokens x 128 each); the positions are fixed.
    """
    config, _ = resolve(get_preset("power2022").config)
    sizes = {name: prod(shape) for name, shape in weight_shapes(config.model).items()}
    embeddings = ("embed.W_E", "unembed.W_U")
    assert sum(n for name, n in sizes.items() if name not in embeddings) == 394_240
    assert 394_240 == 2 * (4 * 128 * 128 + 2 * 128 * 512 + 4 * 128)
    assert [sizes[name] for name in embeddings] == [99 * 128, 99 * 128]


def test_setting():
    """Else the preset is not the published setting."""
    config, task = resolve(get_preset("power2022").config)
    m, o = config.model, config.optimiser
    assert (task.name, task.p, task.n_inputs, config.split.frac_train) == ("mod_div", 97, 9312, 0.5)
    assert (m.n_layers, m.d_model, m.n_heads, m.d_head, m.d_mlp) == (2, 128, 4, 32, 512)
    assert (m.normalization, m.positional, m.act_fn) == ("post", "sinusoidal", "relu")
    assert (m.bias_attn, m.bias_mlp, m.bias_unembed) == (False, False, False)
    assert (m.attention_mask, m.output_vocabulary) == ("causal", "tokens")
    assert (m.n_ctx, m.d_vocab, m.d_vocab_out) == (4, 99, 99)
    assert (o.optimiser, o.lr, o.weight_decay, o.beta1, o.beta2, o.warmup) == (
        ("adamw", 1e-3, 1.0, 0.9, 0.98, 10)
    )
    assert config.schedule.steps == 100_000
    n_train = len(make_split(task, config.split).rows("train"))
    assert o.batch_size == min(512, n_train // 2) == 512
    assert task.tokens[0].tolist() == [0, 98, 1, 97], "a op b =, b from 1"
