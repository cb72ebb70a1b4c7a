"""Small random models in float64 for any task and shape, biases and LayerNorm included."""

import numpy as np
import torch

from grokscope.config import ModelConfig, SplitConfig
from grokscope.models.shapes import weight_shapes
from grokscope.runs.context import Context
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_split, make_task


def random_weights(config, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in weight_shapes(config).items():
        draw = torch.randn(*shape, generator=generator, dtype=torch.float64)
        weights[name] = (draw * 0.3 + (1.0 if name.endswith(".w") else 0.0)).to(dtype)
    return weights


def random_snapshot(
    task="mod_add", p=7, seed=0, key=None, split=True, dtype=torch.float64, **fields
):
    """Return a snapshot; `key` stands for the run's final key frequencies (a random model has none of its own)."""
    table = make_task(task, p)
    shape = dict(n_heads=2, d_model=12, d_head=5, d_mlp=16, d_vocab=p + 1, d_vocab_out=p + 1)
    config = ModelConfig(n_ctx=3, **(shape | fields))
    drawn = make_split(table, SplitConfig(frac_train=0.5, split_seed=seed)) if split else None
    context = None if key is None else Context(table, drawn, config, lambda: tuple(key))
    return Snapshot(
        table, drawn, config, random_weights(config, seed, dtype), given_context=context
    )


def value(snap, name):
    """Return {variable: array} of one measure: of those with that name or variable, the one for the task's group."""
    from grokscope.measures import choose

    found = choose([name])
    return next((m for m in found if not m.why_not(snap)), found[0])(snap)


def one(snap, name):
    """Return a variable of that name."""
    return np.asarray(value(snap, name)[name])
