"""Layout `mlp`: one hidden layer on the sum of two one-hot operands, mostly a series over training.

logits = act((1_a + 1_b) W_in^T) W_out^T with `mlp.W_in` [neuron, value] and `mlp.W_out` [class,
neuron]: our `shared_one_hot_mlp`. It has no bias, but exactly two operands are one: a bias b_in is
b_in / 2 in every row of W_in, which computes the same. A bias of the output has no such place.
"""

from grokscope.errors import RequestError
from grokscope.models.foreign.container import State
from grokscope.models.foreign.layout import Layout, Part

BIAS = "mlp.b_in"


def _without_biases(weights: State, where: str) -> State:
    if (b_out := weights.pop("b_out", None)) is not None and bool(b_out.any()):
        raise RequestError(
            f"'{where}' has an output bias mlp.b_out that is not 0", "no mlp.b_out, or zeros"
        )
    if (b_in := weights.pop("b_in", None)) is not None:
        weights["blocks.0.mlp.W_in"] = weights["blocks.0.mlp.W_in"] + b_in / 2
    return weights


MLP = Layout(
    name="mlp",
    parts={
        "mlp.W_in": Part("blocks.0.mlp.W_in", "d_mlp d_vocab", lambda tensor, sizes: tensor.T),
        BIAS: Part("b_in", "d_mlp"),
        "mlp.W_out": Part("unembed.W_U", "d_vocab_out d_mlp", lambda tensor, sizes: tensor.T),
        "mlp.b_out": Part("b_out", "d_vocab_out"),
    },
    architecture="shared_one_hot_mlp",
    sources={
        "d_mlp": ("blocks.0.mlp.W_in",),
        "d_vocab": ("blocks.0.mlp.W_in",),
        "d_vocab_out": ("unembed.W_U",),
    },
    required=frozenset({"blocks.0.mlp.W_in", "unembed.W_U"}),
    in_blocks=frozenset(),
    together=(),
    finish=_without_biases,
)
