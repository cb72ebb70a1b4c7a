"""What `gs.identify` says of many networks."""

from collections import Counter
from collections.abc import Iterable, Sequence

import xarray as xr

import grokscope as gs
from grokscope.transitions import ALGORITHMS
from published.page import Table

MEASURES = ("default",)


def verdict_table(found: Iterable[tuple[str, xr.Dataset]]) -> Table:
    """Return how many networks of each kind run which algorithm.

    Parameters
    ----------
    found
        (kind, data set with the default measures) of each network.
    """
    counts: dict[str, Counter[str]] = {}
    for kind, ds in found:
        counts.setdefault(kind, Counter())[gs.identify(ds).name] += 1
    rows: Sequence[Sequence[str]] = [
        (kind, *(str(own[name]) for name in ALGORITHMS)) for kind, own in counts.items()
    ]
    return Table(
        "verdicts",
        "Which algorithm: networks by the verdict of grokscope",
        ("network", *ALGORITHMS),
        rows,
        "By `gs.identify` at the last checkpoint; its thresholds are grokscope's own.",
    )
