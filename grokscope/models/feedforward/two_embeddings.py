"""The MLP of Chughtai et al. 2023 (arXiv 2302.03025): an embedding for each operand, side by side, one hidden layer.

logits = act([E_left[a], E_right[b]] W_in) W_U, no biases; published with ReLU, d_model 256, 128 neurons. Their names
W_x, W_y, W, W_U are `embed_left.W_E`, `embed_right.W_E`, `blocks.0.mlp.W_in`, `unembed.W_U`, in the same layouts.
"""

import math

import torch
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.feedforward.form import Form

FORMS = {
    "mlp": Form(
        source="Chughtai et al. 2023 (arXiv 2302.03025)",
        initialisation="chughtai2023",
        embeddings="two",
        join="concatenate",
    )
}


def chughtai2023(config: ModelConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw their initial weights, in their order: each randn / sqrt(fan in), the embeddings randn / sqrt(d_model).

    After manual_seed they are the published program's bit for bit.
    """
    n, d, neurons = config.d_vocab, config.d_model, config.d_mlp

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return {
        "embed_left.W_E": randn(n, d) / math.sqrt(d),
        "embed_right.W_E": randn(n, d) / math.sqrt(d),
        "blocks.0.mlp.W_in": randn(2 * d, neurons) / math.sqrt(2 * d),
        "unembed.W_U": randn(neurons, config.d_vocab_out) / math.sqrt(neurons),
    }
