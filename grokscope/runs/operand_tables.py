"""What an operand's value brings into the model: its embedding, or what it adds to the first layer's neurons."""

from typing import TYPE_CHECKING

from jaxtyping import Float
from numpy import ndarray

from grokscope.models.feedforward.forward import operand_tables
from grokscope.runs.products import sum_form

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def operand_tables_of(
    snapshot: "Snapshot",
) -> tuple[Float[ndarray, "n column"], Float[ndarray, "n column"]]:
    """Return the tables of the first and of the second operand, in the order of the group's elements; float64.

    A transformer: rows of W_E. A feed-forward model: what a value adds to the first layer's pre-activations, as
    Chughtai et al. 2023 (arXiv 2302.03025) take it; the bias, which is the same for all values, is left out.
    """
    form = sum_form(snapshot)
    if snapshot.config.has_attention:
        table = snapshot.weights["embed.W_E"].double().numpy()
        return table[form.token_x], table[form.token_y]
    bias = "blocks.0.mlp.b_in"
    weights = {name: w * 0 if name == bias else w for name, w in snapshot.weights.items()}
    first, second = (table.double().numpy() for table in operand_tables(weights, snapshot.config))
    return first[form.token_x], second[form.token_y]
