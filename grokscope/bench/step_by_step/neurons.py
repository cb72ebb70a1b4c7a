"""What frequencies explain of the neurons: the Fourier transform of each, and energies on waves of a, b and a + b."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import NOTHING, Inputs, Numbers

CONSTANT = 1e-12
"""Share of a neuron's squares that centring leaves, up to which it counts as dead."""
BEST = 5
NEURONS_AT_ONCE = 128


def fractions_explained(
    inputs: Inputs, neurons: Float[Tensor, "input neuron"]
) -> tuple[Float[Tensor, "freq neuron"], Bool[Tensor, " neuron"]]:
    """Return the share of each neuron's centred energy in {1, cos, sin}(w_k a) x {1, cos, sin}(w_k b); which are dead.

    By the two-dimensional Fourier transform of each neuron, some at a time. Source: Nanda et al. 2023 (arXiv
    2301.05217), section 4.2.
    """
    p, basis = inputs.p, inputs.basis.to(neurons.dtype)
    shares, dead = [], []
    for some in neurons.split(NEURONS_AT_ONCE, dim=1):
        centred = (some - some.mean(0)).reshape(p, p, -1)
        along_a = torch.einsum("ia,abn->ibn", basis, centred)
        squares = torch.einsum("jb,ibn->ijn", basis, along_a).square()
        energy = squares.sum((0, 1))
        blocks = []
        for k in inputs.frequencies:
            block = torch.tensor([0, 2 * k - 1, 2 * k])
            blocks.append(squares[block][:, block].sum((0, 1)) / energy)
        shares.append(torch.stack(blocks).double())
        scale = some.square().sum(0).clamp(min=torch.finfo(some.dtype).tiny)
        dead.append(energy <= CONSTANT * scale)
    return torch.cat(shares, dim=1), torch.cat(dead)


def clusters(
    inputs: Inputs, shares: Float[Tensor, "freq neuron"], dead: Bool[Tensor, " neuron"]
) -> Numbers:
    """Return the best frequency of each neuron, what it explains, and how many neurons each frequency has.

    Source of the concentration: arXiv 2606.12966.
    """
    n_freq = len(inputs.frequencies)
    fraction, best = shares.max(0)
    best = best + 1
    explained = (fraction > inputs.rule.explained) & ~dead
    population = torch.stack([(best[~dead] == k).sum() for k in inputs.frequencies])
    parts = population.double().sort(descending=True).values / (~dead).sum()
    most, chance = parts[:BEST].sum(), BEST / n_freq
    return {
        "neuron_frequency": torch.where(dead, 0, best).double().tolist(),
        "neuron_fraction_explained": torch.where(dead, NOTHING, fraction).tolist(),
        "neurons_per_frequency": [float((best[explained] == k).sum()) for k in inputs.frequencies],
        "neurons_explained": [float(explained.sum())],
        "neurons_dead": [float(dead.sum())],
        "frequency_concentration": [float((parts[0] - 1 / n_freq) / (1 - 1 / n_freq))],
        "frequency_concentration_top_k": [float((most - chance) / (1 - chance))],
    }


def neuron_shares(inputs: Inputs, neurons: Float[Tensor, "input neuron"]) -> Numbers:
    """Return the share of all neurons' energy on the entries of each representation of a, of b and of a + b.

    The trivial representation, a constant, comes first and has none. Source: Chughtai et al. 2023 (arXiv 2302.03025),
    section 5.
    """
    values = neurons.double()
    centred = values - values.mean(0)
    energy = centred.square().sum()
    x, y, xy = [0.0], [0.0], [0.0]
    for k in inputs.frequencies:
        angles = (
            2 * torch.pi * k / inputs.p * torch.stack([inputs.a, inputs.b, inputs.a + inputs.b])
        )
        waves = torch.cat([torch.cos(angles), torch.sin(angles)])
        waves = waves / waves.norm(dim=1, keepdim=True)
        on_cos, on_sin = (waves @ centred).square().sum(1).reshape(2, 3)
        for shares, part in zip((x, y, xy), (on_cos + on_sin) / energy, strict=True):
            shares.append(float(part))
    together = [sum(each) for each in zip(x, y, xy, strict=True)]
    return {
        "neuron_share_x": x,
        "neuron_share_y": y,
        "neuron_share_xy": xy,
        "neuron_share": together,
        "neuron_share_key": [sum(together[k] for k in inputs.key)],
    }
