"""The same weights at many steps, stacked: each file is opened, and of it only those weights are read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import RequestError, nearest
from grokscope.models.shapes import weight_shapes

if TYPE_CHECKING:
    from grokscope.runs.run import Run


def stacked(
    run: "Run", names: Sequence[str] | None = None, steps: Sequence[int] | None = None
) -> dict[str, Float[Tensor, "step ..."]]:
    """Return {name: weight [step, ...]}, all weights and all checkpoints where None; see `Run.weight`."""
    known = weight_shapes(run.config.model)
    wanted = list(known if names is None else names)
    for name in wanted:
        if name not in known:
            todo = nearest(name, known)
            raise RequestError(f"unknown weight '{name}'", ", ".join(known), todo)
    at = list(run.steps if steps is None else steps)
    if not at:
        raise RequestError(f"weights of {run.path} at no step", "one checkpointed step or more")
    found: dict[str, Tensor] = {}
    for place, step in enumerate(at):
        for name, weight in run.weights(step, wanted).items():
            if name not in found:
                found[name] = weight.new_empty((len(at), *weight.shape))
            elif found[name].dtype != weight.dtype:  # a series may be in two precisions
                found[name] = found[name].to(torch.promote_types(found[name].dtype, weight.dtype))
            found[name][place] = weight
    return {name: found[name] for name in wanted}
