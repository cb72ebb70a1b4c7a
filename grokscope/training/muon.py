"""Muon for hidden matrices, AdamW for the rest (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.config import OptimiserConfig
from grokscope.training.interventions.stages import Weights

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
TINY = 1e-7


def is_hidden(name: str) -> bool:
    """Return whether Muon moves this weight: W_Q, W_K, W_V, W_O, W_in and W_out of every block."""
    return name.startswith("blocks.") and name.rsplit(".", 1)[-1].startswith("W_")


def as_matrix(weight: Tensor, name: str) -> Float[Tensor, "into out"]:
    """Return a hidden weight as one matrix: all heads together, [d_model, head d_head] or, W_O, [head d_head, d_model].

    Queries, keys and values are a matrix each, as in the author's runs.
    """
    if weight.ndim == 2:
        return weight
    if name.endswith("W_O"):
        return weight.reshape(-1, weight.shape[2])
    return weight.transpose(0, 1).reshape(weight.shape[1], -1)


def from_matrix(matrix: Tensor, like: Tensor, name: str) -> Tensor:
    """Undo `as_matrix`."""
    if like.ndim == 2 or name.endswith("W_O"):
        return matrix.reshape(like.shape)
    heads, d_model, d_head = like.shape
    return matrix.reshape(d_model, heads, d_head).transpose(0, 1)


def newton_schulz(matrix: Float[Tensor, "into out"], steps: int) -> Float[Tensor, "into out"]:
    r"""Return about U V^T for matrix = U S V^T: X <- a X + (b A + c A^2) X, with A = X X^T.

    X begins at matrix / (|matrix| + 1e-7). (a, b, c) = (3.4445, -4.7750, 2.0315) send singular values to between 0.5
    and 1.5 in five steps, not to 1, as the author wants it. In the precision of the weights; the author's bfloat16 is
    for speed on a GPU.
    """
    a, b, c = COEFFICIENTS
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + TINY)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    r"""Momentum, orthogonalised; AdamW for everything that is no hidden matrix.

    For a hidden matrix W with gradient G:
    M <- mu M + (1 - mu) G;  N = mu M + (1 - mu) G (Nesterov);  O = newton_schulz(N);
    W <- W - lr wd W;  W <- W - lr sqrt(max(1, out / into)) O,

    as `MuonWithAuxAdam` of github.com/KellerJordan/Muon: mu 0.95, 5 steps, lr 0.02 (`muon_lr`; not comparable with
    Adam's). `into` and `out` are dimensions of our W [into, out], the transpose of torch's. Note that decay is
    lr wd with Muon's lr. Embeddings, positions, unembedding, biases and LayerNorm have AdamW with lr, beta1, beta2 and
    eps.
    """

    def __init__(self, weights: Weights, config: OptimiserConfig, weight_decay: float) -> None:
        hidden = {name: w for name, w in weights.items() if is_hidden(name)}
        rest = {name: w for name, w in weights.items() if not is_hidden(name)}
        self.momentum, self.steps = config.muon_momentum, config.muon_steps
        self.betas, self.eps = (config.beta1, config.beta2), config.eps
        groups: list[dict[str, Any]] = [
            {"params": list(hidden.values()), "names": list(hidden)}
            | {"lr": config.muon_lr, "lr_ratio": config.muon_lr / config.lr},
            {"params": list(rest.values()), "names": [], "lr": config.lr},
        ]
        super().__init__(groups, {"weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Do one update; there is no closure."""
        hidden, rest = self.param_groups
        for weight, name in zip(hidden["params"], hidden["names"], strict=True):
            self._move_hidden(weight, name, hidden["lr"], hidden["weight_decay"])
        for weight in rest["params"]:
            self._move_rest(weight, rest["lr"], rest["weight_decay"])

    def _move_hidden(self, weight: Tensor, name: str, lr: float, decay: float) -> None:
        if weight.grad is None:
            return
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"]
        momentum.lerp_(weight.grad, 1 - self.momentum)
        direction = as_matrix(weight.grad.lerp(momentum, self.momentum), name)
        into, out = direction.shape
        orthogonal = newton_schulz(direction, self.steps) * max(1.0, out / into) ** 0.5
        weight.mul_(1 - lr * decay).sub_(from_matrix(orthogonal, weight, name), alpha=lr)

    def _move_rest(self, weight: Tensor, lr: float, decay: float) -> None:
        if weight.grad is None:
            return
        state, (beta1, beta2) = self.state[weight], self.betas
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float64)
            state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(weight) for _ in range(2))
        state["step"] += 1
        t, first, second = float(state["step"]), state["exp_avg"], state["exp_avg_sq"]
        first.lerp_(weight.grad, 1 - beta1)
        second.mul_(beta2).addcmul_(weight.grad, weight.grad, value=1 - beta2)
        size = (second / (1 - beta2**t)).sqrt_().add_(self.eps)
        weight.mul_(1 - lr * decay).addcdiv_(first, size, value=-lr / (1 - beta1**t))
