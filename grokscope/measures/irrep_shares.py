"""What share of embeddings, unembedding and neurons each representation explains, on any group, cyclic or not."""

import numpy as np

from grokscope.harmonics.group_fourier import power
from grokscope.harmonics.irreps import Irreps
from grokscope.harmonics.neuron_irreps import neuron_part_energies
from grokscope.measures.registry import Output, measure
from grokscope.runs.neuron_sums import neuron_sums
from grokscope.runs.operand_tables import operand_tables_of
from grokscope.runs.products import key_irreps_of, product_form_of
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Chughtai et al. 2023 (arXiv 2302.03025), section 5 and their metrics"
_KEY = "sum over the final key representations"


def _irreps(snap: Snapshot) -> Irreps:
    form = product_form_of(snap)
    assert form is not None
    return form.irreps


def _key_sum(snap: Snapshot, shares: np.ndarray) -> float:
    """Return the sum of the key representations' shares, not-a-number where there are none."""
    places = _irreps(snap).index(key_irreps_of(snap))
    return float(shares[places].sum()) if places else float("nan")


@measure(
    source=_SOURCE,
    outputs={
        "embedding_share": Output(
            ("irrep",),
            "Share of the first operand's embedding in each representation",
            "1",
            "power in rho over all power, of W_E along the elements (feed-forward models: of what the operand adds to "
            "the first layer, W_E W_in)",
        ),
        "embedding_share_second": Output(
            ("irrep",),
            "Share of the second operand's embedding in each representation",
            "1",
            "the same for the second operand; in a transformer both read one embedding",
        ),
        "unembedding_share": Output(
            ("irrep",),
            "Share of the unembedding in each representation",
            "1",
            "power in rho over all power, of the neuron-logit map W_L = W_out W_U along the answers (W_U without "
            "neurons, and in feed-forward models)",
        ),
        "embedding_share_key": Output(
            (), "Share of the first operand's embedding, key representations", "1", _KEY
        ),
        "unembedding_share_key": Output(
            (), "Share of the unembedding, key representations", "1", _KEY
        ),
    },
    cost="weights",
    label_free=True,
    causal=False,
    needs=("product",),
    builtin=True,
)
def irrep_weight_shares(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Share of the energy of embeddings and unembedding in the entries of each representation."""
    irreps = _irreps(snap)

    def shares(table: np.ndarray) -> np.ndarray:
        found = power(table, irreps).sum(1)
        return found / found.sum() if found.sum() > 0 else np.full(len(found), np.nan)

    first, second = (shares(table) for table in operand_tables_of(snap))
    out = shares((snap.W_L if snap.has_neurons else snap.W_U).T)
    return {
        "embedding_share": first,
        "embedding_share_second": second,
        "unembedding_share": out,
        "embedding_share_key": _key_sum(snap, first),
        "unembedding_share_key": _key_sum(snap, out),
    }


def _neuron_output(of: str) -> Output:
    return Output(
        ("irrep",),
        f"Share of the neurons in each representation, {of}",
        "1",
        f"energy of h, centred over inputs, on the entries of {of}, over all energy; neurons taken together",
    )


@measure(
    source=_SOURCE,
    outputs={
        "neuron_share_x": _neuron_output("rho(x)"),
        "neuron_share_y": _neuron_output("rho(y)"),
        "neuron_share_xy": _neuron_output("rho(x . y)"),
        "neuron_share": _neuron_output("rho(x), rho(y), rho(x . y)"),
        "neuron_share_key": Output((), "Share of the neurons, key representations", "1", _KEY),
    },
    reads=("activations",),
    label_free=True,
    causal=False,
    needs=("product", "neurons"),
    builtin=True,
)
def irrep_neuron_shares(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Share of the neurons' energy in the entries of each representation of x, of y and of x . y."""
    irreps = _irreps(snap)
    sums = neuron_sums(snap)
    energies, everything = neuron_part_energies(sums, irreps), sums.energy.sum()
    parts = energies.sum(2) / everything if everything > 0 else np.full(energies.shape[:2], np.nan)
    # What is left of a constant after centring is rounding, on all three alike.
    parts[:, 0] *= 0.0
    together = parts.sum(0)
    return {
        "neuron_share_x": parts[0],
        "neuron_share_y": parts[1],
        "neuron_share_xy": parts[2],
        "neuron_share": together,
        "neuron_share_key": _key_sum(snap, together),
    }
