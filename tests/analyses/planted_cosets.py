"""A network that multiplies permutations by cosets, written down by hand."""

import numpy as np
import torch

from grokscope.config import ModelConfig
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_task
from grokscope.tasks.groups import make_group


def planted(name, scale=6.0):
    """Return an MLP on the symmetric group `name` whose neurons are (i, m, j): x takes i to m, and y takes m to j.

    L = [x takes i to m] - 1/2, R = [y takes m to j] - 1/2, so that ReLU(L + R) is 1 where both hold and 0 elsewhere.
    Each neuron votes for all c that take i to j: x . y gets the votes of all points.
    """
    moves = make_group(name).permutations
    n, points = moves.shape
    i, m, j = (a.reshape(-1) for a in np.meshgrid(*[np.arange(points)] * 3, indexing="ij"))
    left, right = moves[:, i] == m, moves[:, m] == j
    votes = (moves[:, i] == j).T
    size = points**3
    eye = np.eye(size)
    weights = {
        "embed_left.W_E": left - 0.5,
        "embed_right.W_E": right - 0.5,
        "blocks.0.mlp.W_in": np.concatenate([eye, eye]),
        "unembed.W_U": scale * votes,
    }
    config = ModelConfig(
        architecture="mlp", d_model=size, d_mlp=size, n_ctx=2, d_vocab=n, d_vocab_out=n,
        output_vocabulary="answers",
    )  # fmt: skip
    task = make_task("group_mul", group=name, layout="a b")
    return Snapshot(task, None, config, {k: torch.tensor(v * 1.0) for k, v in weights.items()})
