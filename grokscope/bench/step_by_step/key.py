"""Key frequencies of a checkpoint: what at least two of the three published rules name.

Source: Nanda et al. 2023 (arXiv 2301.05217), section 4 and its code, which use all three.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import Frequencies, Inputs


def key_frequencies(
    inputs: Inputs,
    fractions: Float[Tensor, "freq neuron"],
    dead: Bool[Tensor, " neuron"],
    embedding: Float[Tensor, "p d_model"],
    shares: list[float],
    accuracy: float,
) -> Frequencies:
    """Return the frequencies, ascending.

    Parameters
    ----------
    fractions, dead
        What each frequency explains of each neuron, and which neurons nothing explains.
    shares
        Trig shares of the logits.
    accuracy
        On all inputs.
    """
    rule, n_neurons = inputs.rule, fractions.shape[1]
    fraction, best = fractions.max(0)
    members = best[(fraction > rule.explained) & ~dead]
    count = torch.stack([(members == k - 1).sum() for k in inputs.frequencies])
    by_neurons = count >= max(2, min(rule.min_neurons, n_neurons // 20))

    squares = (inputs.basis @ embedding).square().sum(1)
    power = squares[1::2] + squares[2::2]
    by_embedding = power > rule.power * power.max()

    share = torch.tensor(shares, dtype=torch.float64)
    flat = rule.above_flat * share.quantile(0.25)
    if share.max() <= flat and accuracy > rule.solved:
        by_logits = share > rule.of_mean * share.mean()
    else:
        by_logits = (share > rule.share) & (share > flat)

    votes = by_neurons.long() + by_embedding.long() + by_logits.long()
    return tuple(k for k in inputs.frequencies if votes[k - 1] >= 2)
