"""The linear models of Zhong et al. 2023 (arXiv 2306.17844): embeddings, linear layers and ReLU, no attention.

With E one embedding for both operands, E_left and E_right one each, and act = ReLU as published:

- linear_alpha: logits = act((E[a] + E[b]) W + v) W_U
- linear_beta:  logits = act(act((E[a] + E[b]) W + v) W' + v') W_U
- linear_gamma: logits = act(act((E[a] W + v) + (E[b] W + v)) W' + v') W_U: beta, with the first bias added twice
- linear_delta: logits = act([E[a], E[b]] W + v) W_U, each embedding half as wide
- linear_x:     logits = act((E_left[a] + E_right[b]) W + v) W_U

Their code has d_model = neurons = 256 (delta: d_model = 128), and keeps the unembedding as an embedding
[class, neuron], the transpose of W_U.
"""

import math

import torch
from torch import Tensor

from grokscope.config import Initialisation, ModelConfig
from grokscope.models.feedforward.form import Form

_SOURCE = "Zhong et al. 2023 (arXiv 2306.17844), their models alpha, beta, gamma, delta and x"
_RULE: Initialisation = "zhong2023_linear"
FORMS = {
    "linear_alpha": Form(_SOURCE, _RULE, "shared", "add", bias_times=1),
    "linear_beta": Form(_SOURCE, _RULE, "shared", "add", n_layers=2, bias_times=1),
    "linear_gamma": Form(_SOURCE, _RULE, "shared", "add", n_layers=2, bias_times=2),
    "linear_delta": Form(_SOURCE, _RULE, "shared", "concatenate", bias_times=1),
    "linear_x": Form(_SOURCE, _RULE, "two", "add", bias_times=1),
}


def zhong2023_linear(config: ModelConfig, generator: torch.Generator) -> dict[str, Tensor]:
    """Draw their initial weights, in the order of their constructors.

    Embeddings N(0, 1) / sqrt(neurons // 2), then the unembedding N(0, 1) / sqrt(neurons), then each layer as torch's
    Linear: W and b uniform in +-1 / sqrt(fan in).
    """
    form, neurons = FORMS[config.architecture], config.d_mlp
    drawn = {}
    for name in form.embedding_names:
        table = torch.randn(config.d_vocab, config.d_model, generator=generator)
        drawn[name] = table / math.sqrt(max(1, neurons // 2))
    table = torch.randn(config.d_vocab_out, neurons, generator=generator)
    drawn["unembed.W_U"] = (table / math.sqrt(neurons)).T
    for layer in range(form.n_layers):
        into = neurons if layer else form.input_width(config)
        bound = 1 / math.sqrt(into)
        for name, shape in (("W_in", (neurons, into)), ("b_in", (neurons,))):
            values = torch.empty(shape).uniform_(-bound, bound, generator=generator)
            drawn[f"blocks.{layer}.mlp.{name}"] = values.T if name == "W_in" else values
    return drawn
