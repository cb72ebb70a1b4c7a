"""How many runs of a stack a GPU's memory holds, from shapes."""

import math

from grokscope.config import RunConfig
from grokscope.models.shapes import weight_shapes

ACTIVATIONS = 12
"""Arrays of rows x neurons that an update holds at the same time, its gradients with it."""
WEIGHTS = 4
"""Arrays of the weights' size: weights, gradients, and the two moments."""
MAX_SHARE = 0.8
"""Of the free memory; the rest is for evaluations, and for what the libraries take."""


def bytes_of_member(config: RunConfig, rows: int) -> int:
    """Return about how many bytes of a GPU's memory one run of a stack takes.

    (12 x rows x neurons + 4 x weights) x bytes of a number, with the logits among the neurons where they are more.

    Parameters
    ----------
    config
        A resolved configuration.
    rows
        Rows of an update.
    """
    model = config.model
    wide = model.n_layers * max(model.d_mlp, model.d_model, model.d_vocab_out)
    weights = sum(math.prod(shape) for shape in weight_shapes(model).values())
    number = 8 if config.dtype == "float64" else 4
    return (ACTIVATIONS * rows * wide + WEIGHTS * weights) * number


def most_in_memory(config: RunConfig, rows: int, free: int) -> int:
    """Return how many runs `free` bytes hold, one at least."""
    return max(1, int(MAX_SHARE * free) // bytes_of_member(config, rows))


def most_on_gpu(config: RunConfig, rows: int, device: str, shared_by: int = 1) -> int:
    """Return how many runs the memory holds that is free on a GPU now, shared by so many processes."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return most_in_memory(config, rows, free // shared_by)
