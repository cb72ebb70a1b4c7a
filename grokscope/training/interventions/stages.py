"""What an intervention is: a change at one stage of an update, with whatever it must remember between updates."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]
State = dict[str, Tensor]


class Intervention:
    """A change at one stage of an update; the stage is the place that it has in `Interventions`."""

    name: str
    """Its name in the key frame."""

    def state(self) -> State:
        """Return everything that it must remember to go on to the same bits."""
        return {}

    def load(self, state: State) -> None:
        """Go on from what `state` returned; KeyError or RuntimeError where it does not fit."""


class Random(Intervention):
    """An intervention that draws from a generator of its own.

    Its seed comes from the intervention's name and `noise_seed`: no two interventions draw the same numbers, nor does
    any draw those of the initialisation or of the batch order.
    """

    def __init__(self, noise_seed: int) -> None:
        digest = hashlib.sha256(f"{self.name}:{noise_seed}".encode()).digest()
        self.generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def randn_like(self, x: Tensor) -> Tensor:
        """Return standard Gaussian numbers in the shape and precision of `x`, the same on every device."""
        return torch.randn(x.shape, generator=self.generator, dtype=x.dtype).to(x.device)

    def state(self) -> State:
        """Return the generator's state."""
        return {"generator": self.generator.get_state()}

    def load(self, state: State) -> None:
        """Set the generator's state."""
        self.generator.set_state(state["generator"])


def gradients(weights: Weights) -> dict[str, Tensor]:
    """Return the gradient of each weight that has one; change them in place."""
    return {name: w.grad for name, w in weights.items() if w.grad is not None}
