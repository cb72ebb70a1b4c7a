"""Key representations: at each step by the chosen rule, and at the end by each rule; groups that are not cyclic."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.key import GROUP_RULES
from grokscope.runs.key_irreps import key_irreps
from grokscope.runs.products import irreps_of
from grokscope.runs.snapshot import Snapshot

_SOURCE = (
    "Nanda et al. 2023 (arXiv 2301.05217), section 4, carried over to representations; "
    "similarity: Chughtai et al. 2023 (arXiv 2302.03025)"
)


def _mask(snap: Snapshot, rule: str) -> np.ndarray:
    """Return 1 for each key representation by `rule`, 0 elsewhere."""
    irreps = irreps_of(snap)
    assert irreps is not None
    mask = np.zeros(len(irreps), dtype=np.int64)
    mask[np.array(key_irreps(snap, rule), dtype=np.int64)] = 1
    return mask


@measure(
    source=_SOURCE,
    outputs={
        "key_irrep_current": Output(
            ("irrep",),
            "Key representation now",
            "1",
            "1 where the rule, applied at this step, calls the representation key",
        )
    },
    reads=("activations",),
    label_free=True,
    needs=("irreps",),
    instead_of="key_frequency_current",
    builtin=True,
)
def key_irrep_current(snap: Snapshot) -> np.ndarray:
    """Key representations of the step itself."""
    return _mask(snap, snap.context.rule)


@measure(
    source=_SOURCE,
    outputs={
        "key_irrep_by_rule": Output(
            ("rule", "irrep"),
            "Key representations by each rule",
            "1",
            "1 where the rule calls the representation key; neuron: its block {1, rho(x)} x {1, rho(y)} explains > .85 "
            "of at least 5 neurons (of a twentieth, two at least, where that is fewer); embedding: power over degree "
            "above a quarter of the largest; logit: > 1 % of the row-centred logit energy of twin-free test rows on "
            "chi(x . y . c^-1); similarity, as published: cosine with chi(x . y . c^-1) on all rows > .005. Key by "
            "default: two of the first three",
        )
    },
    reads=("weights", "activations"),
    label_free=True,
    at="final",
    needs=("irreps",),
    instead_of="key_frequency_by_rule",
    builtin=True,
)
def key_irrep_by_rule(snap: Snapshot) -> np.ndarray:
    """The rules beside each other, at the final step."""
    return np.stack([_mask(snap, rule) for rule in GROUP_RULES])
