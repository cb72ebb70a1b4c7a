"""Checkpoints that others trained, read into grokscope's own names and shapes.

`read_foreign` is the way in. Each layout is one file that declares which keys it has, their shapes
and how they turn; what a file does not say is left out or listed as assumed, never invented.
"""

from grokscope.models.foreign.checkpoint import ForeignCheckpoint, ForeignSeries
from grokscope.models.foreign.identify_split import (
    Expected,
    IdentifiedSplit,
    expected_loss,
    identify_split,
)
from grokscope.models.foreign.layout import LAYOUTS
from grokscope.models.foreign.relabel import relabel
from grokscope.models.foreign.series import read_foreign

__all__ = [
    "LAYOUTS",
    "Expected",
    "ForeignCheckpoint",
    "ForeignSeries",
    "IdentifiedSplit",
    "expected_loss",
    "identify_split",
    "read_foreign",
    "relabel",
]
