"""Models that read one-hot operands: the network of Gromov 2023 (arXiv 2301.02679), and one with shared weights.

one_hot_mlp: logits = (1/N) act([1_a, 1_b] W_in / sqrt(2n)) W_U, N neurons, n values of an operand, no biases. The
paper's W^(1) [N, 2n] is W_in transposed, its W^(2) [n, N] is W_U transposed; published with act = square, the mean
squared error and plain gradient descent.

shared_one_hot_mlp: logits = act((1_a + 1_b) W_in) W_U: both operands have the same weights, and nothing is scaled. A
layout that series of checkpoints are published in; it has no initialisation of its own.
"""

import torch
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.models.feedforward.form import Form

FORMS = {
    "one_hot_mlp": Form(
        source="Gromov 2023 (arXiv 2301.02679), equations 1 and 2",
        initialisation="gromov2023",
        embeddings="none",
        join="concatenate",
        mean_field=True,
    ),
    "shared_one_hot_mlp": Form(
        source="published series of checkpoints",
        initialisation="kaiming_uniform",
        embeddings="none",
        join="add",
    ),
}


def gromov2023(config: ModelConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw the initial weights of Gromov 2023: all N(0, 1), since the scales stand in the forward pass."""
    n, neurons = config.d_vocab, config.d_mlp
    return {
        "blocks.0.mlp.W_in": torch.randn(neurons, 2 * n, generator=generator).T,
        "unembed.W_U": torch.randn(config.d_vocab_out, neurons, generator=generator).T,
    }
