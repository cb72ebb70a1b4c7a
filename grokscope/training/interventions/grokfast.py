"""Grokfast: amplify the slow part of the gradient (Lee et al. 2024, arXiv 2405.20233)."""

import torch

from grokscope.training.interventions.stages import Intervention, State, Weights, gradients


class GrokfastEMA(Intervention):
    r"""Grokfast with an exponential moving average (algorithm 2, lines 7 and 8).

    mu <- alpha mu + (1 - alpha) g;  g <- g + lambda mu.

    mu begins at the first gradient, so that the first mu is g, as in the authors' code; the paper's line 3 begins it
    at the weights, which is taken for a misprint. The filter stands between the gradient and the optimiser: coupled
    L2 decay is added to what it returns. The authors train with Adam and L2 0.005, lr 1e-3, batch 512.

    Default: off; alpha 0.98, lambda 2 as published for the algorithmic task.
    """

    name = "grokfast_ema"

    def __init__(self, weights: Weights, alpha: float, factor: float) -> None:
        self.alpha, self.factor = alpha, factor
        self.begun = False
        self.average = {name: torch.zeros_like(w) for name, w in weights.items()}

    def __call__(self, weights: Weights) -> None:
        """Change the gradients in place."""
        for name, gradient in gradients(weights).items():
            average = self.average[name]
            if self.begun:
                average.mul_(self.alpha).add_(gradient, alpha=1 - self.alpha)
            else:
                average.copy_(gradient)
            gradient.add_(average, alpha=self.factor)
        self.begun = True

    def state(self) -> State:
        """Return the averages."""
        return {"begun": torch.tensor(self.begun)} | self.average

    def load(self, state: State) -> None:
        """Set the averages."""
        self.begun = bool(state["begun"])
        for name, average in self.average.items():
            average.copy_(state[name])


class GrokfastMA(Intervention):
    r"""Grokfast with a windowed moving average (algorithm 1, lines 7 and 8).

    Q holds the last w gradients, the present one included;  g <- g + lambda Avg(Q) once Q is full, and g before.

    The sum over Q is kept in float64 and moved along with the window, so that an update costs three passes over the
    weights and not w. Memory, and every key frame, hold w copies of the weights: 100 times 0.9 MB for a p = 113 model.
    The authors train with Adam and L2 0.01, lr 1e-3, batch 512.

    Default: off; w 100, lambda 5 as published for the algorithmic task.
    """

    name = "grokfast_ma"

    def __init__(self, weights: Weights, window: int, factor: float) -> None:
        self.window, self.factor = window, factor
        self.seen = 0
        self.queue = {name: w.new_zeros((window, *w.shape)) for name, w in weights.items()}
        self.total = {n: torch.zeros_like(w, dtype=torch.float64) for n, w in weights.items()}

    def __call__(self, weights: Weights) -> None:
        """Change the gradients in place."""
        slot = self.seen % self.window
        self.seen += 1
        for name, gradient in gradients(weights).items():
            oldest, total = self.queue[name][slot], self.total[name]
            total.sub_(oldest).add_(gradient)
            oldest.copy_(gradient)
            if self.seen >= self.window:
                gradient.add_((total / self.window).to(gradient.dtype), alpha=self.factor)

    def state(self) -> State:
        """Return the window and its sum."""
        found = {"seen": torch.tensor(self.seen)}
        found |= {f"queue.{name}": queue for name, queue in self.queue.items()}
        return found | {f"total.{name}": total for name, total in self.total.items()}

    def load(self, state: State) -> None:
        """Set the window and its sum."""
        self.seen = int(state["seen"])
        for name in self.queue:
            self.queue[name].copy_(state[f"queue.{name}"])
            self.total[name].copy_(state[f"total.{name}"])
