"""All interventions of a run, in the order in which they act on an update.

    weights    --weight noise-->       training forward, with dropout
    loss       temperature, softmax or StableMax
    gradient   --gradient noise, Grokfast, orthogonal gradient, decay-->   optimiser
    weights    --update noise, constrained norm, row clipping-->           next update

The order is that of the published codes: Grokfast stands between backward pass and optimiser, the orthogonal gradient
wraps the optimiser, and coupled L2 is the optimiser's own. What is off is not in the lists, and costs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from grokscope.config import RunConfig
from grokscope.training.interventions.constrained_norm import ConstrainedNorm
from grokscope.training.interventions.dropout import Dropout
from grokscope.training.interventions.gradient_noise import GradientNoise
from grokscope.training.interventions.grokfast import GrokfastEMA, GrokfastMA
from grokscope.training.interventions.orthogonal_gradient import OrthogonalGradient
from grokscope.training.interventions.row_clipping import RowClipping
from grokscope.training.interventions.stages import Intervention, State, Weights
from grokscope.training.interventions.update_noise import UpdateNoise
from grokscope.training.interventions.weight_decay import (
    WeightDecay,
    decay_form,
    is_optimisers_own,
)
from grokscope.training.interventions.weight_noise import WeightNoise

OnGradient = GradientNoise | GrokfastEMA | GrokfastMA | OrthogonalGradient
Constraint = ConstrainedNorm | RowClipping


@dataclass(frozen=True)
class Interventions:
    """The interventions of a run, by stage.

    Attributes
    ----------
    weight_noise
        Gives the weights of the training forward.
    dropout
        Changes every addition to the stream.
    on_gradient
        Change the gradients, one after the other.
    decay
        Weight decay that the optimiser does not do by itself.
    update_noise
        Moves the weights after the optimiser.
    constraints
        Hold after every update, and at step 0.
    """

    weight_noise: WeightNoise | None = None
    dropout: Dropout | None = None
    on_gradient: tuple[OnGradient, ...] = ()
    decay: WeightDecay | None = None
    update_noise: UpdateNoise | None = None
    constraints: tuple[Constraint, ...] = ()

    def __iter__(self) -> Iterator[Intervention]:
        """Give those that are on."""
        single = (self.weight_noise, self.dropout, self.decay, self.update_noise)
        yield from (one for one in single if one is not None)
        yield from self.on_gradient
        yield from self.constraints

    def noisy(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights of the training forward."""
        return weights if self.weight_noise is None else self.weight_noise(weights)

    def before_step(self, weights: Weights, optimiser: torch.optim.Optimizer) -> None:
        """Change gradients, and weights by decay, before the optimiser's step."""
        for change in self.on_gradient:
            change(weights)
        if self.decay is not None:
            self.decay(optimiser)

    def after_step(self, weights: Weights, optimiser: torch.optim.Optimizer) -> None:
        """Change weights after the optimiser's step."""
        if self.update_noise is not None:
            self.update_noise(optimiser)
        for constraint in self.constraints:
            constraint(weights)

    def state(self) -> State:
        """Return what a key frame must hold, by intervention."""
        return {f"{one.name}.{key}": value for one in self for key, value in one.state().items()}

    def load(self, state: State) -> None:
        """Go on from what `state` returned."""
        for one in self:
            prefix = f"{one.name}."
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            one.load(own)


def make_interventions(config: RunConfig, weights: Weights) -> Interventions:
    """Return the interventions of `config`, and put its constraints on the freshly drawn `weights`."""
    change, opt = config.intervention, config.optimiser
    seed = change.noise_seed
    constraints: list[Constraint] = []
    if change.constrained_norm:
        constraints.append(ConstrainedNorm(change.constrained_norm, weights))
    if change.row_clip:
        constraints.append(RowClipping(change.row_clip))
    for constraint in constraints:
        constraint(weights)

    on_gradient: list[OnGradient] = []
    if change.gradient_noise:
        on_gradient.append(GradientNoise(change.gradient_noise, seed))
    if change.grokfast == "ema":
        factor = change.grokfast_ema_lambda
        on_gradient.append(GrokfastEMA(weights, change.grokfast_alpha, factor))
    elif change.grokfast == "ma":
        factor = change.grokfast_ma_lambda
        on_gradient.append(GrokfastMA(weights, change.grokfast_window, factor))
    if change.orthogonal_gradient:
        on_gradient.append(OrthogonalGradient())

    decays_itself = is_optimisers_own(opt) or not opt.weight_decay
    return Interventions(
        weight_noise=WeightNoise(change.weight_noise, seed) if change.weight_noise else None,
        dropout=Dropout(change.dropout, seed) if change.dropout else None,
        on_gradient=tuple(on_gradient),
        decay=None if decays_itself else WeightDecay(decay_form(opt), opt.weight_decay, weights),
        update_noise=UpdateNoise(change.update_noise, seed) if change.update_noise else None,
        constraints=tuple(constraints),
    )
