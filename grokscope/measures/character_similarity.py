"""How much the logits are sums of characters chi(x . y . c^-1), on groups that are not cyclic."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.key_irreps import held_out_cosines, logit_cosines
from grokscope.runs.snapshot import Snapshot

_COSINE = (
    "sum L~ chi(x.y.c^-1) / sqrt(sum chi^2 . sum L~^2), L~ = L - mean_c L, over {} and all answers"
)
_SHARE = "the square of logit_similarity{}: the share of row-centred logit energy on chi(x.y.c^-1)"


@measure(
    source="Chughtai et al. 2023 (arXiv 2302.03025), logit similarity",
    outputs={
        "logit_similarity": Output(
            ("irrep",),
            "Similarity of the logits with characters",
            "1",
            _COSINE.format("all inputs"),
        ),
        "logit_similarity_held_out": Output(
            ("irrep",),
            "Similarity of the logits with characters, twin-free test rows",
            "1",
            _COSINE.format("twin-free test rows (all inputs where the split is not known)"),
        ),
        "logit_trig_share": Output(
            ("irrep",), "Character share of the logits", "1", _SHARE.format("")
        ),
        "logit_trig_share_key": Output(
            (),
            "Character share of the logits, key representations",
            "1",
            "sum of the shares of the final key representations",
        ),
    },
    reads=("activations",),
    label_free=True,
    causal=False,
    needs=("irreps",),
    instead_of="logit_trig_share",
    builtin=True,
)
def character_similarity(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Cosine of the row-centred logits with each character, and its square, which is a share of their energy.

    Characters of different representations are orthogonal, so that shares add up. On a cyclic group the character of
    frequency k is 2 cos w_k(x + y - c). Memorised answers alone give each representation of rank r a share of r / n
    times the share of rows that train, and none on held-out rows.
    """
    cosines, key = logit_cosines(snap), np.array(snap.key, dtype=np.int64)
    shares = np.square(cosines)
    return {
        "logit_similarity": cosines,
        "logit_similarity_held_out": held_out_cosines(snap),
        "logit_trig_share": shares,
        "logit_trig_share_key": float(shares[key].sum()) if len(key) else float("nan"),
    }
