"""A planted circuit of representations: weights written down so that the logits of a product in a group are known.

The real one-layer transformer, float64, neurons x^2, as in `planted`. Its logits are exactly

    L[a, b, c] = sum_rho A_rho chi_rho(a . b . c^-1) + m [row trains and c is its label] + beta_c

- attention: head 0 reads the first operand, head 1 the second;
- neurons of rho: 8 u v in four squares for u = rho(a)_ik, v = rho(b)_kj, read by A rho(c)_ij / 8: summed over i, k, j
  this is A tr(rho(a) rho(b) rho(c)^T); 4 d^3 neurons for degree d;
- the memory: two neurons a training row.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from grokscope.config import ModelConfig, RunConfig, ScheduleConfig, SplitConfig, TaskConfig
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import create_run
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_group, make_split, make_task
from grokscope.tasks.group_irreps import group_irreps

ALPHA = 1.0
FAR = 5000.0


@dataclass(frozen=True)
class PlantedGroup:
    """What is planted: the group, A_rho by name, memory strength m, bias beta per class."""

    group: str = "D5"
    amplitude: dict[str, float] = field(default_factory=lambda: {"sign": 1.5, "freq_2": 2.0})
    memory: float = 0.0
    beta: float = 0.0
    frac_train: float = 0.4
    split_seed: int = 0
    # Room for these, so that models of one run have one shape, whatever they hold.
    room: tuple[str, ...] = ()

    @property
    def irreps(self):
        return group_irreps(self.group)

    @property
    def n(self):
        return make_group(self.group).order

    @property
    def names(self):
        return self.room or tuple(self.amplitude)

    @property
    def key(self):
        """Places of the planted representations, ascending."""
        return tuple(sorted(self.irreps.index(list(self.amplitude))))

    def make_task(self):
        return make_task("group_mul", group=self.group)

    @property
    def split_config(self):
        return SplitConfig(frac_train=self.frac_train, split_seed=self.split_seed)

    def make_split(self):
        return make_split(self.make_task(), self.split_config)

    @property
    def betas(self):
        return self.beta * np.random.default_rng(3).standard_normal(self.n)

    @property
    def width(self):
        return self.n + sum(self.irreps[name].degree ** 2 for name in self.names)

    @property
    def config(self):
        circuit = sum(4 * self.irreps[name].degree ** 3 for name in self.names)
        return ModelConfig(
            n_heads=2,
            d_model=3 * self.width + 3 + self.n,
            d_head=self.width + 1,
            d_mlp=circuit + 2 * len(self.make_split().rows("train")),
            n_ctx=3,
            d_vocab=self.n + 1,
            d_vocab_out=self.n,
            output_vocabulary="answers",
            act_fn="square",
        )

    def weights(self):
        task, split, c, n, width = (
            self.make_task(), self.make_split(), self.config, self.n, self.width
        )  # fmt: skip
        first, second = slice(width + 3, 2 * width + 3), slice(2 * width + 3, 3 * width + 3)
        answers = 3 * width + 3
        W_E, W_pos = np.zeros((n + 1, c.d_model)), np.zeros((3, c.d_model))
        W_E[:n, :n] = np.eye(n)
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
        b_in, b_out = np.zeros(c.d_mlp), np.zeros(c.d_model)
        neuron, column = 0, n
        for name in self.names:
            rep, a = self.irreps[name], self.amplitude.get(name, 0.0)
            d = rep.degree
            W_E[:n, column : column + d * d] = rep.matrices.reshape(n, -1)
            for i, k, j in np.ndindex(d, d, d):
                for plus_u in (1, -1):
                    for plus_v in (1, -1):
                        W_in[first.start + column + d * i + k, neuron] = plus_u
                        W_in[second.start + column + d * k + j, neuron] = plus_v
                        b_in[neuron] = ALPHA
                        read = plus_u * plus_v * a * rep.matrices[:, i, j] / 8
                        W_out[neuron, answers:] = read
                        neuron += 1
            column += d * d
        for row in split.rows("train"):
            a, b = task.inputs[row]
            for plus in (1, -1):
                W_in[first.start + a, neuron], W_in[second.start + b, neuron] = 1, plus
                W_out[neuron, answers + split.labels[row]] = plus * self.memory / 4
                neuron += 1
        b_out[answers:] = self.betas
        W_U = np.zeros((c.d_model, n))
        W_U[answers:] = np.eye(n)
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

    def logits(self):
        """Return the table of logits, [input, class], written down without the model."""
        group = make_group(self.group)
        a, b = self.make_task().inputs.T
        quotient = group.table[group.table[a, b][:, None], group.inverse[None, :]]
        table = np.zeros(quotient.shape) + self.betas
        for name, size in self.amplitude.items():
            table += size * self.irreps[name].character[quotient]
        split = self.make_split()
        train = split.rows("train")
        table[train, split.labels[train]] += self.memory
        return table

    def snapshot(self):
        return Snapshot(self.make_task(), self.make_split(), self.config, self.weights())

    def run_config(self):
        return RunConfig(
            task=TaskConfig("group_mul", group=self.group),
            split=self.split_config,
            model=self.config,
            schedule=ScheduleConfig(steps=1000),
            dtype="float64",
        )


def write_group_series(path: Path, series: dict[int, PlantedGroup]):
    """Write a run directory with one float64 checkpoint per step, and return the run."""
    run = create_run(path, next(iter(series.values())).run_config())
    for step, planted in series.items():
        write_tensors(
            checkpoint_path(run.checkpoints, step), planted.weights(), step, run.config_hash
        )
    return run


def like(planted: PlantedGroup, **fields) -> PlantedGroup:
    return replace(planted, **fields)
