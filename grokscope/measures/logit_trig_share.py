"""How much of the logits is a sum of cos w_k(x + y - c)."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.key import logit_shares
from grokscope.runs.snapshot import Snapshot

_FORMULA = (
    "(sum L~ cos w_k(x+y-c))^2 / (sum cos^2 . sum L~^2), L~ = L - mean_c L, over all inputs and answers "
    "of the group"
)


@measure(
    source="Nanda et al. 2023 (arXiv 2301.05217), section 4.1",
    outputs={
        "logit_trig_share": Output(("freq",), "Trig share of the logits", "1", _FORMULA),
        "logit_trig_share_key": Output(
            (),
            "Trig share of the logits, key frequencies",
            "1",
            "sum of the shares of the final key frequencies",
        ),
    },
    reads=("activations",),
    label_free=True,
    causal=False,
    needs=("cyclic",),
    builtin=True,
)
def logit_trig_share(snap: Snapshot) -> dict[str, np.ndarray | float]:
    """Share of row-centred logit energy on cos w(x + y - c), per frequency and over the key ones."""
    shares = logit_shares(snap)
    key = np.array(snap.key, dtype=np.int64) - 1
    return {
        "logit_trig_share": shares,
        "logit_trig_share_key": float(shares[key].sum()) if len(key) else float("nan"),
    }
