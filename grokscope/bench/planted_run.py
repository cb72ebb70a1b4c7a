"""A run to analyse on every machine: checkpoints on the straight line from initial weights to a planted circuit.

How long an analysis takes depends on shapes and on the number of key frequencies, not on how the weights came about. A
planted circuit needs no training and no file, and is the same everywhere.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from grokscope.config import ModelConfig, RunConfig, override
from grokscope.models.initialise import initialise
from grokscope.runs.from_weights import run_from_weights
from grokscope.runs.run import Run
from grokscope.training.resolve import resolve

NOISE = 0.1
"""Share of the initial weights that the last checkpoint still has, so that nothing in it is degenerate."""
TILT = 0.06
"""By how much the score of the first operand is above the others': with none, (a, b) and (b, a) differ by rounding."""


def planted_weights(config: ModelConfig, p: int, frequencies: tuple[int, ...]) -> dict[str, Tensor]:
    """Return weights of a one-layer transformer that adds modulo `p` by the given frequencies.

    Attention looks at all positions alike and its head 0 copies the embedding's circles cos w_k t, sin w_k t; neuron j
    is relu(cos(w_k a + f_j) + cos(w_k b + f_j)), whose part at twice the phase goes as cos(w_k(a + b) + 2 f_j); W_out
    and W_U read it out as cos w_k(a + b - c). Logits are |cos(w_k(a - b)/2)| cos w_k(a + b - c), summed over k: the
    pizza of Zhong et al. 2023 (arXiv 2306.17844, section 3).
    """
    weights = {name: torch.zeros_like(w) for name, w in initialise(config).items()}
    width = 2 * len(frequencies)
    assert width <= config.d_head, "the circles do not fit into a head"
    assert 3 * width + 2 <= config.d_model, "the circles do not fit into the stream three times"
    token = torch.arange(p, dtype=torch.float32)
    of_neuron = torch.arange(config.d_mlp)
    for i, k in enumerate(frequencies):
        cos, sin = 2 * i, 2 * i + 1
        angle = 2 * math.pi * k / p * token
        weights["embed.W_E"][:p, cos] = angle.cos()
        weights["embed.W_E"][:p, sin] = angle.sin()
        mine = of_neuron[of_neuron % len(frequencies) == i]
        phase = 2 * math.pi * torch.arange(len(mine)) / len(mine)
        weights["blocks.0.mlp.W_in"][width + cos, mine] = 3 * phase.cos()
        weights["blocks.0.mlp.W_in"][width + sin, mine] = -3 * phase.sin()
        strength = 40 / len(mine)
        weights["blocks.0.mlp.W_out"][mine, 2 * width + cos] = strength * (2 * phase).cos()
        weights["blocks.0.mlp.W_out"][mine, 2 * width + sin] = strength * (2 * phase).sin()
        weights["unembed.W_U"][2 * width + cos, :p] = angle.cos()
        weights["unembed.W_U"][2 * width + sin, :p] = -angle.sin()
    for j in range(width):
        weights["blocks.0.attn.W_V"][0, j, j] = 1.0
        weights["blocks.0.attn.W_O"][0, j, width + j] = 1.0
    return weights


def tilted(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return planted weights whose head 0 looks at the first operand exp(TILT) times as much as at the others.

    Two directions of the stream that the circles leave free mark the first position and the last.
    """
    found = {name: w.clone() for name, w in weights.items()}
    w_q, w_k, position = (
        found[name] for name in ("blocks.0.attn.W_Q", "blocks.0.attn.W_K", "pos_embed.W_pos")
    )
    position[0, -1] = position[-1, -2] = 1.0
    w_q[0, -2, -1] = 1.0
    w_k[0, -1, -1] = TILT * w_k.shape[2] ** 0.5
    return found


def planted_run(out: Path, config: RunConfig, n_checkpoints: int) -> Run:
    """Write the run into the new directory `out` and return it; its first checkpoint is the initial weights."""
    config, task = resolve(config)
    p = task.p
    start = initialise(config.model)
    half = (p - 1) // 2
    chosen = tuple(sorted({max(1, round(half * share)) for share in (0.12, 0.3, 0.48, 0.7, 0.9)}))
    end = tilted(planted_weights(config.model, p, chosen))
    steps = {}
    for number in range(n_checkpoints):
        t = number / max(1, n_checkpoints - 1)
        kept = 1 - (1 - NOISE) * t
        steps[100 * number] = {name: kept * start[name] + t * end[name] for name in end}
    return run_from_weights(
        out,
        config.task.task,
        override(config).model,
        steps,
        origin="planted for grokscope bench",
        p=p,
        frac_train=config.split.frac_train,
        split_seed=config.split.split_seed,
    )
