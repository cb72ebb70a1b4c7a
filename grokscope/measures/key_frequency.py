"""Key frequencies: at each step by the default rule, and at the end by each published rule."""

import numpy as np

from grokscope.measures.registry import Output, measure
from grokscope.runs.key import RULES, key_frequencies
from grokscope.runs.snapshot import Snapshot

_SOURCE = "Nanda et al. 2023 (arXiv 2301.05217), section 4 and its code"


def as_mask(frequencies: tuple[int, ...], n_freq: int) -> np.ndarray:
    """Return 1 at each of `frequencies`, 0 elsewhere, over 1..n_freq."""
    mask = np.zeros(n_freq, dtype=np.int64)
    mask[np.array(frequencies, dtype=np.int64) - 1] = 1
    return mask


@measure(
    source=_SOURCE,
    dims=("freq",),
    long_name="Key frequency now",
    formula="1 where the default rule, applied at this step, calls the frequency key",
    reads=("activations",),
    label_free=True,
    needs=("cyclic",),
    builtin=True,
)
def key_frequency_current(snap: Snapshot) -> np.ndarray:
    """Key frequencies of the step itself."""
    assert snap.task.cyclic is not None
    return as_mask(key_frequencies(snap, snap.context.rule), snap.task.cyclic.n_freq)


@measure(
    source=_SOURCE,
    outputs={
        "key_frequency_by_rule": Output(
            ("rule", "freq"),
            "Key frequencies by each rule",
            "1",
            "1 where the rule calls the frequency key; neuron: explains > .85 of at least 5 neurons (of a "
            "twentieth, two at least, where that is fewer); embedding: power of W_E above a quarter of the "
            "largest; logit: > 1 % of the row-centred logit energy on cos w(x+y-c) and ten times the "
            "lower quartile. Key by default: two of the three",
        )
    },
    reads=("weights", "activations"),
    label_free=True,
    at="final",
    needs=("cyclic",),
    builtin=True,
)
def key_frequency_by_rule(snap: Snapshot) -> np.ndarray:
    """The three published rules beside each other, at the final step."""
    assert snap.task.cyclic is not None
    n_freq = snap.task.cyclic.n_freq
    return np.stack([as_mask(key_frequencies(snap, rule), n_freq) for rule in RULES])
