"""A planted circuit: weights written down so that the logits are known in closed form.

The real one-layer transformer, float64, neurons x^2. With x, y, c the exponents of the operands and the answer
(addition: the numbers themselves), the logits of the answers are exactly

    L = sum_k A_k cos w_k (x + y - c) + m [row trains and c is its label] + beta_c + r cos(w x) cos(w y)

- attention: head 0 reads the first operand, head 1 the second; the scores of the other positions lie 5,000 lower, whose
  exponential is 0 in float64, so that the pattern is 1 and 0 without remainder;
- neurons of a frequency: (alpha + u + v)^2 - (alpha + u - v)^2 - (alpha - u + v)^2 + (alpha - u - v)^2 = 8 u v for u in
  {cos w x, sin w x}, v in {cos w y, sin w y}: 16 neurons, of whose energy the frequency has the share
  (4 alpha^2 + 1)/(4 alpha^2 + 5/4);
- the memory: (e + f)^2 - (e - f)^2 = 4 e f for e = [first operand is a], f = [second is b]: two neurons a training row;
- `beta` by the bias b_out; the constant per row r cos cos, which the softmax does not see, by the first frequency's
  neurons.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from grokscope.config import (
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    ScheduleConfig,
    SplitConfig,
    TaskConfig,
)
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import create_run
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task

ALPHA = 1.0
FAR = 5000.0


@dataclass(frozen=True)
class Planted:
    """What is planted: A_k by frequency, memory strength m, bias beta per class, r of the row constant."""

    task: str = "mod_add"
    p: int = 13
    amplitude: dict[int, float] = field(default_factory=lambda: {2: 3.0, 5: 1.5})
    memory: float = 0.0
    beta: float = 0.0
    row_constant: float = 0.0
    frac_train: float = 0.4
    split_seed: int = 0
    label_shuffle: bool = False
    output_vocabulary: str = "answers"

    def make_task(self):
        return make_task(self.task, self.p)

    def make_split(self):
        return make_split(self.make_task(), self.split_config)

    @property
    def split_config(self):
        return SplitConfig(
            frac_train=self.frac_train,
            split_seed=self.split_seed,
            label_shuffle=self.label_shuffle,
        )

    @property
    def betas(self):
        return self.beta * np.random.default_rng(3).standard_normal(self.p)

    @property
    def config(self):
        width = self.p + 2 * len(self.amplitude)
        return ModelConfig(
            n_layers=1,
            n_heads=2,
            d_model=3 * width + 3 + self.p,
            d_head=width + 1,
            d_mlp=16 * len(self.amplitude) + 2 * len(self.make_split().rows("train")),
            n_ctx=3,
            d_vocab=self.p + 1,
            d_vocab_out=self.p + (self.output_vocabulary == "tokens"),
            output_vocabulary=self.output_vocabulary,
            act_fn="square",
            bias_mlp=True,
        )

    def waves(self, k):
        """Return cos and sin of the exponent of each token as first operand, 0 for a token outside the group."""
        cyclic = self.make_task().cyclic
        cos, sin = np.zeros(self.p), np.zeros(self.p)
        cos[cyclic.token_x] = np.cos(2 * np.pi * k * np.arange(cyclic.n) / cyclic.n)
        sin[cyclic.token_x] = np.sin(2 * np.pi * k * np.arange(cyclic.n) / cyclic.n)
        return cos, sin

    def second_sign(self):
        """Return -1 where the second operand's exponent is the negative of the first's for the same token."""
        cyclic = self.make_task().cyclic
        return 1 if (cyclic.token_x == cyclic.token_y).all() else -1

    def weights(self):
        task, split, c = self.make_task(), self.make_split(), self.config
        p, n = self.p, task.cyclic.n
        width = p + 2 * len(self.amplitude)
        first, second = slice(width + 3, 2 * width + 3), slice(2 * width + 3, 3 * width + 3)
        answers = 3 * width + 3
        W_E, W_pos = np.zeros((p + 1, c.d_model)), np.zeros((3, c.d_model))
        W_E[:p, :p] = np.eye(p)
        for i, k in enumerate(self.amplitude):
            W_E[:p, p + 2 * i], W_E[:p, p + 2 * i + 1] = self.waves(k)
        W_pos[:, width : width + 3] = np.eye(3)
        W_Q, W_K, W_V = (np.zeros((2, c.d_model, c.d_head)) for _ in range(3))
        W_O = np.zeros((2, c.d_head, c.d_model))
        for head, copy in enumerate((first, second)):
            W_Q[head, width + 2, width] = 1.0
            for position in {0, 1, 2} - {head}:
                W_K[head, width + position, width] = -FAR * np.sqrt(c.d_head)
            W_V[head, :width, :width] = np.eye(width)
            W_O[head, :width, copy] = np.eye(width)
        W_in, W_out = np.zeros((c.d_model, c.d_mlp)), np.zeros((c.d_mlp, c.d_model))
        b_in = np.zeros(c.d_mlp)
        neuron = 0
        sign = self.second_sign()
        for i, (k, a) in enumerate(self.amplitude.items()):
            wave = 2 * np.pi * k * np.arange(n) / n
            to_class = {"cos": np.zeros(p), "sin": np.zeros(p)}
            to_class["cos"][task.cyclic.class_c] = a * np.cos(wave)
            to_class["sin"][task.cyclic.class_c] = a * np.sin(wave)
            # cos w(x+y-c) = cos wc (cos cos - sin sin) + sin wc (sin cos + cos sin)
            products = {
                (0, 0): to_class["cos"] + (self.row_constant if i == 0 else 0),
                (1, 1): -sign * to_class["cos"],
                (1, 0): to_class["sin"],
                (0, 1): sign * to_class["sin"],
            }
            for (u, v), direction in products.items():
                for plus_u in (1, -1):
                    for plus_v in (1, -1):
                        W_in[first.start + p + 2 * i + u, neuron] = plus_u
                        W_in[second.start + p + 2 * i + v, neuron] = plus_v
                        b_in[neuron] = ALPHA
                        W_out[neuron, answers:] = plus_u * plus_v * direction / 8
                        neuron += 1
        for row in split.rows("train"):
            a, b = task.inputs[row]
            for plus in (1, -1):
                W_in[first.start + a, neuron], W_in[second.start + b, neuron] = 1, plus
                W_out[neuron, answers + split.labels[row]] = plus * self.memory / 4
                neuron += 1
        b_out, W_U = np.zeros(c.d_model), np.zeros((c.d_model, c.d_vocab_out))
        b_out[answers:] = self.betas
        W_U[answers:, :p] = np.eye(p)
        named = {
            "embed.W_E": W_E,
            "pos_embed.W_pos": W_pos,
            "blocks.0.attn.W_Q": W_Q,
            "blocks.0.attn.W_K": W_K,
            "blocks.0.attn.W_V": W_V,
            "blocks.0.attn.W_O": W_O,
            "blocks.0.mlp.W_in": W_in,
            "blocks.0.mlp.b_in": b_in,
            "blocks.0.mlp.W_out": W_out,
            "blocks.0.mlp.b_out": b_out,
            "unembed.W_U": W_U,
        }
        return {name: torch.as_tensor(w) for name, w in named.items()}

    def exponents(self):
        """Return (x, y, inside) of each row of the table, -1 outside the group."""
        task = self.make_task()
        x, y = np.full(task.n_inputs, -1), np.full(task.n_inputs, -1)
        for i in range(task.cyclic.n):
            for j in range(task.cyclic.n):
                x[task.cyclic.grid[i, j]], y[task.cyclic.grid[i, j]] = i, j
        return x, y, x >= 0

    def logits(self):
        """Return the table of logits, [input, class], written down without the model."""
        task, split = self.make_task(), self.make_split()
        n = task.cyclic.n
        x, y, inside = self.exponents()
        exponent_c = np.full(self.p, -1)
        exponent_c[task.cyclic.class_c] = np.arange(n)
        table = np.zeros((task.n_inputs, self.p)) + self.betas
        for i, (k, a) in enumerate(self.amplitude.items()):
            w = 2 * np.pi * k / n
            wave = a * np.cos(w * (x + y)[:, None] - w * exponent_c)
            table += wave * inside[:, None] * (exponent_c >= 0)
            if i == 0:
                in_second = np.cos(w * y) * inside
                table += self.row_constant * (np.cos(w * x) * in_second)[:, None]
        train = split.rows("train")
        table[train, split.labels[train]] += self.memory
        return table

    def run_config(self):
        return RunConfig(
            task=TaskConfig(self.task, self.p),
            split=self.split_config,
            model=self.config,
            optimiser=OptimiserConfig(),
            schedule=ScheduleConfig(steps=200),
            dtype="float64",
        )

    def snapshot(self):
        return Snapshot(self.make_task(), self.make_split(), self.config, self.weights())


def write_series(path: Path, series: dict[int, Planted]):
    """Write a run directory with one float64 checkpoint per step, and return the run."""
    run = create_run(path, next(iter(series.values())).run_config())
    for step, planted in series.items():
        write_tensors(
            checkpoint_path(run.checkpoints, step), planted.weights(), step, run.config_hash
        )
    return run


def changed(planted: Planted, **fields) -> Planted:
    return replace(planted, **fields)
