"""What a feed-forward family is made of, and the weights that follow from it.

Operands enter as vectors, which are joined, pass one or two hidden layers, and are read by the unembedding:

    h = act(s_in join(e_a, e_b) W_in + n b_in)      [then h = act(h W_in + b_in) of the second layer]
    logits = s_out h W_U
"""

import math
from dataclasses import dataclass
from typing import Literal

from grokscope.config import Initialisation, ModelConfig


@dataclass(frozen=True)
class Form:
    """One feed-forward family.

    Attributes
    ----------
    source
        Where it was published.
    initialisation
        Its published initial weights (`ModelConfig.initialisation`).
    embeddings
        none: operands are one-hot vectors; shared: one matrix for both; two: one matrix each.
    join
        How the two vectors become one: side by side, or added.
    n_layers
        Hidden layers.
    bias_times
        How often the first layer's bias is added; 0: the model has no biases.
    mean_field
        Whether s_in = 1 / sqrt(inputs), s_out = 1 / neurons; both are 1 otherwise.
    """

    source: str
    initialisation: Initialisation
    embeddings: Literal["none", "shared", "two"]
    join: Literal["concatenate", "add"]
    n_layers: int = 1
    bias_times: int = 0
    mean_field: bool = False

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """Names of the embedding matrices: of both operands, of the first and the second, or none."""
        return {
            "none": (),
            "shared": ("embed.W_E",),
            "two": ("embed_left.W_E", "embed_right.W_E"),
        }[self.embeddings]

    def operand_width(self, config: ModelConfig) -> int:
        """Return the width of one operand's vector."""
        return config.d_vocab if self.embeddings == "none" else config.d_model

    def input_width(self, config: ModelConfig) -> int:
        """Return the width of what the first layer reads."""
        return self.operand_width(config) * (2 if self.join == "concatenate" else 1)

    def input_scale(self, config: ModelConfig) -> float:
        """Return s_in."""
        return 1 / math.sqrt(self.input_width(config)) if self.mean_field else 1.0

    def output_scale(self, config: ModelConfig) -> float:
        """Return s_out."""
        return 1 / config.d_mlp if self.mean_field else 1.0

    def weight_shapes(self, config: ModelConfig) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of every weight, in the order of the forward pass.

        W_E [token d_model]; W_in [input neuron], side by side the first operand's rows first; W_in of the second layer
        [neuron neuron]; b_in [neuron]; W_U [neuron class].
        """
        c = config
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(
            self.embedding_names, (c.d_vocab, c.d_model)
        )
        for layer in range(self.n_layers):
            into = c.d_mlp if layer else self.input_width(c)
            shapes[f"blocks.{layer}.mlp.W_in"] = (into, c.d_mlp)
            if self.bias_times:
                shapes[f"blocks.{layer}.mlp.b_in"] = (c.d_mlp,)
        shapes["unembed.W_U"] = (c.d_mlp, c.d_vocab_out)
        return shapes
