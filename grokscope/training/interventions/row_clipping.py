"""Row clipping: no unit's incoming weights grow beyond a norm ("Clip to Grok")."""

import torch
from torch import Tensor

from grokscope.training.interventions.stages import Intervention, Weights

TINY = 1e-8


class RowClipping(Intervention):
    r"""After each update shrink every row whose norm is above c to norm c: r <- r min(1, c / |r|).

    The definition is `clip_weight_norms` of Clip to Grok (github.com/NiftyliuS/cliptogrok, 2026; a repository with a
    manuscript, not reviewed). A row is a row of torch's weight [out, in], the incoming weights of one unit. In our
    layout:

    - W_Q, W_K, W_V [head, d_model, d_head]: one row per (head, d_head); W_O [head, d_head, d_model]: one per d_model;
    - W_in [d_model, neuron]: one per neuron; W_out [neuron, d_model]: one per d_model; W_pos: one per position;
    - a bias or LayerNorm vector is one row, for b_Q, b_K and b_V over all heads.

    Embedding and unembedding are left alone, as there. It holds at step 0 too, as there; their optional projection of
    all rows *to* norm c before training is left out. Published values: c from 1 (S5) to 2 (multiplication), without
    weight decay.

    Default: off.
    """

    name = "row_clipping"

    def __init__(self, greatest: float) -> None:
        self.greatest = greatest

    @torch.no_grad()
    def __call__(self, weights: Weights) -> None:
        """Shrink the rows in place."""
        for name, weight in weights.items():
            if not name.startswith(("embed", "unembed")):
                norm = row_norms(name, weight).clamp(min=TINY)
                weight.mul_(norm.clamp(max=self.greatest) / norm)


def row_norms(name: str, weight: Tensor) -> Tensor:
    """Return the norm of every row of a weight, in a shape that broadcasts against it."""
    part = name.rsplit(".", 1)[-1]
    if not part.startswith("W_"):
        return weight.norm()
    over = {"W_Q": (1,), "W_K": (1,), "W_V": (1,), "W_O": (0, 1), "W_pos": (1,)}.get(part, (0,))
    return torch.linalg.vector_norm(weight, dim=over, keepdim=True)
