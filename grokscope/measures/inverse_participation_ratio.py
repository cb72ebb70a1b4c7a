"""Inverse participation ratio: how few frequencies a neuron's weights have."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.models.feedforward.forward import operand_tables
from grokscope.runs.snapshot import Snapshot

_FORMULA = "mean over neurons of (|u|_4 / |u|_2)^4, u = rfft of {} (1 for a pure cosine)"


def inverse_participation(table: np.ndarray) -> float:
    """Return the mean over columns of (|u|_4/|u|_2)^4 with u the rfft of a column; columns of zeros are left out."""
    power = np.abs(np.fft.rfft(table, axis=0)) ** 2
    total = power.sum(0)
    alive = total > 0
    if not alive.any():
        return float("nan")
    return float(((power[:, alive] ** 2).sum(0) / total[alive] ** 2).mean())


def input_weights(snap: Snapshot) -> np.ndarray:
    """Return each neuron's weights on the tokens, [n, neuron]: W_E (sum over heads of W_V W_O) W_in, of the last block.

    Of a feed-forward model: what the first operand adds to the first layer, W_E W_in, in exponents.

    At the answer position a token reaches the neurons through attention alone; with uniform attention this is the
    sensitivity of a neuron to it, up to a factor.
    """
    if not snap.config.has_attention:
        table = operand_tables(snap.weights, snap.config)[0].double().numpy()
        cyclic = snap.task.cyclic
        return table if cyclic is None else table[cyclic.token_x]
    block = f"blocks.{snap.config.n_layers - 1}."
    w_v, w_o = (snap.weights[f"{block}attn.{name}"].double().numpy() for name in ("W_V", "W_O"))
    circuit = np.einsum("hde,hem->dm", w_v, w_o)
    return snap.W_E @ circuit @ snap.weights[f"{block}mlp.W_in"].double().numpy()


@measure(
    source="Doshi et al. 2023",
    outputs={
        "inverse_participation_ratio_in": Output(
            (),
            "Inverse participation ratio, input side",
            "1",
            _FORMULA.format("W_E (sum_h W_V W_O) W_in (feed-forward: W_E W_in) along tokens"),
        ),
        "inverse_participation_ratio_out": Output(
            (),
            "Inverse participation ratio, output side",
            "1",
            _FORMULA.format("W_L along answers"),
        ),
    },
    cost="weights",
    label_free=True,
    needs=("cyclic", "neurons"),
    builtin=True,
)
def inverse_participation_ratio(snap: Snapshot) -> dict[str, float]:
    """Concentration of each neuron's input and output weights on few frequencies."""
    return {
        "inverse_participation_ratio_in": inverse_participation(input_weights(snap)),
        "inverse_participation_ratio_out": inverse_participation(snap.W_L.T),
    }
