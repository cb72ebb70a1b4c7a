"""What the eye wants to see at the final step: attention and neurons by (a, b)."""

import numpy as np
import torch

from grokscope.measures.registry import Output, measure
from grokscope.runs.blocks import row_blocks
from grokscope.runs.key import neuron_shares
from grokscope.runs.snapshot import Snapshot

N_EXAMPLES = 6


def example_neurons(snap: Snapshot) -> np.ndarray:
    """Return up to six neurons to show: the best explained one of each key frequency, then the most active others."""
    spread = np.zeros(snap.neurons.shape[1])
    mean = torch.as_tensor(snap.neurons.numpy().mean(0, dtype=np.float64))
    for rows in row_blocks(*snap.neurons.shape):
        spread += (snap.neurons[rows].double() - mean).square_().sum(0).numpy()
    chosen: list[int] = []
    if snap.task.cyclic is not None:
        shares = np.nan_to_num(neuron_shares(snap))
        best = shares.argmax(0)
        for k in snap.key:
            members = np.flatnonzero(best == k - 1)
            if len(members):
                chosen.append(int(members[shares[k - 1, members].argmax()]))
    chosen += [int(i) for i in np.argsort(-spread) if int(i) not in chosen]
    return np.array(chosen[:N_EXAMPLES])


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), figure 2",
    outputs={
        "attention_pattern": Output(
            ("head", "pos", "input"),
            "Attention from the answer position",
            "1",
            "softmax over positions of q . k / sqrt(d_head), last block; mixed with 1 by attention_rate",
        )
    },
    reads=("activations",),
    label_free=True,
    at="final",
    needs=("pairs", "attention"),
    builtin=True,
)
def attention_pattern(snap: Snapshot) -> np.ndarray:
    """Attention from the answer position to each position, for every input."""
    return snap.activations.pattern.permute(1, 2, 0).float().numpy()


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), figure 3",
    outputs={
        "neuron_activation": Output(
            ("example_neuron", "input"),
            "Activation of example neurons",
            "1",
            "h[a,b,n] after the activation function",
        )
    },
    reads=("activations",),
    label_free=True,
    at="final",
    needs=("neurons", "pairs"),
    builtin=True,
)
def neuron_activation(snap: Snapshot) -> np.ndarray:
    """Activations of a few neurons by (a, b): the best explained one of each key frequency first."""
    return snap.neurons[:, example_neurons(snap)].T.float().numpy()
