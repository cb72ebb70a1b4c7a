"""Inverse participation ratio: how few frequencies a neuron's weights have."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from grokscope.harmonics.fourier import fourier_coefficients
from grokscope.measures.registry import Output, measure, stack_of_one
from grokscope.models.feedforward.forward import operand_tables
from grokscope.runs.snapshot import Snapshot

_FORMULA = "mean over neurons of (|u|_4 / |u|_2)^4, u = rfft of {} (1 for a pure cosine)"


def inverse_participation(
    tables: Float[ndarray, "step n column"],
) -> Float[ndarray, " step"]:
    """Return the mean over columns of (|u|_4/|u|_2)^4 with u the rfft of a column; columns of zeros are left out."""
    n = tables.shape[1]
    const, cos, sin = fourier_coefficients(tables)
    # |u|^2 is n times the square of the constant's coefficient, n/2 times those of cos and sin.
    power = np.concatenate([const[:, None] ** 2, (cos**2 + sin**2) / 2], axis=1)
    if n % 2 == 0:
        power[:, -1] *= 2
    total = power.sum(1)
    alive = total > 0
    ratios = np.where(alive, (power**2).sum(1) / np.where(alive, total, 1.0) ** 2, 0.0)
    count = alive.sum(1)
    return ratios.sum(1) / np.where(count > 0, count, np.nan)


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


def _ratios(snaps: Sequence[Snapshot]) -> dict[str, np.ndarray]:
    return {
        "inverse_participation_ratio_in": inverse_participation(
            np.stack([input_weights(snap) for snap in snaps])
        ),
        "inverse_participation_ratio_out": inverse_participation(
            np.stack([snap.W_L.T for snap in snaps])
        ),
    }


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
    stacked=_ratios,
)
def inverse_participation_ratio(snap: Snapshot) -> dict[str, float]:
    """Concentration of each neuron's input and output weights on few frequencies."""
    return stack_of_one(_ratios, snap)
