"""Loss and accuracy, margins, commutativity, trig shares, distance: what the logits say as they are."""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.bench.step_by_step.inputs import NOTHING, Inputs, Numbers, losses


def performance(inputs: Inputs, logits: Float[Tensor, "input vocabulary"]) -> Numbers:
    """Return loss and accuracy over all classes of the model, margin and scale over the answers.

    Source of margin and scale: arXiv 2606.18465.
    """
    answers = logits[:, : inputs.p].double()
    right = answers.gather(1, inputs.labels[:, None])[:, 0]
    others = answers.scatter(1, inputs.labels[:, None], -torch.inf)
    hits = (logits.argmax(1) == inputs.labels).double()
    return {
        "loss": inputs.over_rows(losses(logits, inputs.labels)),
        "accuracy": inputs.over_rows(hits),
        "margin": inputs.over_rows(right - others.amax(1)),
        "logit_scale": [float(answers.std(1, correction=0).mean())],
    }


def commutativity(inputs: Inputs, answers: Float[Tensor, "input class"]) -> Numbers:
    """Return the mean over a != b of KL(p(.|a,b) || p(.|b,a)); in addition all such pairs have the same answer.

    Source: Tan & Huang 2023; Hwang 2026.
    """
    p = inputs.p
    logs = torch.log_softmax(answers, 1)
    twins = logs.reshape(p, p, p).transpose(0, 1).reshape(p * p, p)
    divergence = (logs.exp() * (logs - twins)).sum(1)
    mean = float(divergence[inputs.a != inputs.b].mean())
    return {
        "commutativity": [mean],
        "commutativity_same_answer": [mean],
        "commutativity_other_answer": [NOTHING],
    }


def trig_shares(inputs: Inputs, answers: Float[Tensor, "input class"]) -> list[float]:
    """Return the share of the row-centred logits' energy on the table cos w_k(a + b - c), one k after the other.

    Source: Nanda et al. 2023 (arXiv 2301.05217), section 4.1.
    """
    centred = answers - answers.mean(1, keepdim=True)
    energy = centred.square().sum()
    distance = (inputs.a + inputs.b)[:, None] - torch.arange(inputs.p, dtype=torch.float64)
    shares = []
    for k in inputs.frequencies:
        wave = torch.cos(2 * torch.pi * k / inputs.p * distance)
        along = (centred * wave).sum()
        shares.append(float(along**2 / wave.square().sum() / energy))
    return shares


def distance_irrelevance(inputs: Inputs, answers: Float[Tensor, "input class"]) -> Numbers:
    """Return the spread of the right logit at each distance a - b, on the average, over its spread over all inputs.

    Source: Zhong et al. 2023 (arXiv 2306.17844), equation 6.
    """
    sums = ((inputs.a + inputs.b) % inputs.p).long()
    right = answers.gather(1, sums[:, None])[:, 0]
    distance = (inputs.a - inputs.b) % inputs.p
    spreads = [right[distance == d].std(correction=0) for d in range(inputs.p)]
    mean = torch.stack(spreads).mean()
    return {"distance_irrelevance": [float(mean / right.std(correction=0))]}
