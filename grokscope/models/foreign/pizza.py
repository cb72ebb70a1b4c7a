"""Layout `pizza`: the code of Zhong et al. 2023 (arXiv 2306.17844), its transformers and its linear models.

The transformer has the keys and shapes of `nanda`, with differences that stand in a JSON file
beside it or nowhere: tokens [a, b] without `=` (with `=` where `eqn_sign` is set), the attention
pattern alpha softmax + (1 - alpha) at *every* position with alpha = `attn_coeff`, the activation
`act_fn`. Its `attn.mask` is a triangle that the program never applies, so that positions see all
others, whatever `attention_dir` says.

The linear models keep an embedding [value, d_model], layers of torch's Linear (weight [out, in],
bias [out]) and an unembedding [class, neuron]; `model_type` names them:

    A: relu(l1(E[a] + E[b])) U^T                 X: the same with embed1[a] + embed2[b]
    B: relu(l2(relu(l1(E[a] + E[b])))) U^T       C: relu(l2(relu(l1(E[a]) + l1(E[b])))) U^T
    D: relu(l1([E[a], E[b]])) U^T

B and C have the same keys and shapes. With `use_linear` the transformer program makes a model D of
its own (`blocks.0.W_in`, one layer), whose odd last input is padded with a zero.
"""

from torch import Tensor

from grokscope.config import Architecture
from grokscope.errors import UnsoundError
from grokscope.models.foreign.container import State
from grokscope.models.foreign.layout import Layout, Part, Sizes
from grokscope.models.foreign.nanda import NANDA

PIZZA = Layout(
    name="pizza",
    parts={key: part for key, part in NANDA.parts.items() if not key.endswith("_ln")},
    dropped=NANDA.dropped,
    implied={"normalization": "none", "attention_mask": "none"},
    has_mask=False,
)


def _transposed(tensor: Tensor, sizes: Sizes) -> Tensor:
    return tensor.T


def _linear(architecture: Architecture) -> Layout:
    two, sides, deep = {
        "linear_alpha": (False, 1, False),
        "linear_beta": (False, 1, True),
        "linear_gamma": (False, 1, True),
        "linear_delta": (False, 2, False),
        "linear_x": (True, 1, False),
    }[architecture]
    embeddings = (
        {"embed1.weight": "embed_left.W_E", "embed2.weight": "embed_right.W_E"}
        if two
        else {"embed.weight": "embed.W_E"}
    )
    width = "d_model" if sides == 1 else f"{sides}*d_model"
    parts = {key: Part(ours, "d_vocab d_model") for key, ours in embeddings.items()}
    parts["l1.weight"] = Part("blocks.0.mlp.W_in", f"d_mlp {width}", _transposed)
    parts["l1.bias"] = Part("blocks.0.mlp.b_in", "d_mlp")
    if deep:
        parts["l2.weight"] = Part("blocks.1.mlp.W_in", "d_mlp d_mlp", _transposed)
        parts["l2.bias"] = Part("blocks.1.mlp.b_in", "d_mlp")
    parts["unembed.weight"] = Part("unembed.W_U", "d_vocab_out d_mlp", _transposed)
    table = next(iter(embeddings.values()))
    return Layout(
        name="pizza",
        parts=parts,
        architecture=architecture,
        implied={"act_fn": "relu"},
        sources={
            "d_vocab": (table,),
            "d_model": (table,),
            "d_mlp": ("blocks.0.mlp.W_in",),
            "d_vocab_out": ("unembed.W_U",),
        },
        required=frozenset(part.ours for part in parts.values()),
        in_blocks=frozenset(),
        together=(),
    )


LINEAR = {
    "A": _linear("linear_alpha"),
    "B": _linear("linear_beta"),
    "C": _linear("linear_gamma"),
    "D": _linear("linear_delta"),
    "X": _linear("linear_x"),
}
"""`model_type` in their settings -> layout."""


def _without_padding(weights: State, where: str) -> State:
    """Take the padded input away: it is always 0, so that its weights act on nothing."""
    inputs, width = len(weights["blocks.0.mlp.W_in"]), weights["embed.W_E"].shape[1]
    if inputs // 2 != width:
        raise UnsoundError(
            f"'{where}': blocks.0.W_in reads {inputs} inputs, W_E has {width} rows",
            "a first layer that reads two embeddings",
        )
    return {**weights, "blocks.0.mlp.W_in": weights["blocks.0.mlp.W_in"][: 2 * width].clone()}


PADDED = Layout(
    name="pizza",
    parts={
        "embed.W_E": Part("embed.W_E", "d_model d_vocab", _transposed),
        "blocks.i.W_in": Part("blocks.0.mlp.W_in", "d_mlp d_in", _transposed),
        "blocks.i.b_in": Part("blocks.0.mlp.b_in", "d_mlp"),
        "unembed.W_U": Part("unembed.W_U", "d_mlp d_vocab_out"),
    },
    architecture="linear_delta",
    sources={
        "d_model": ("embed.W_E",),
        "d_vocab": ("embed.W_E",),
        "d_mlp": ("blocks.0.mlp.W_in",),
        "d_in": ("blocks.0.mlp.W_in",),
        "d_vocab_out": ("unembed.W_U",),
    },
    required=frozenset({"embed.W_E", "blocks.0.mlp.W_in", "blocks.0.mlp.b_in", "unembed.W_U"}),
    in_blocks=frozenset(),
    together=(),
    finish=_without_padding,
)
