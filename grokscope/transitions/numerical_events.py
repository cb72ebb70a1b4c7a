"""Events of arithmetic: when the precision of the training loss no longer saw what training rows still had to give."""

from typing import TYPE_CHECKING

from grokscope.transitions.accuracy_events import event, not_seen
from grokscope.transitions.curves import curve_on
from grokscope.transitions.sustained import first_crossing
from grokscope.transitions.transition import Transition

if TYPE_CHECKING:
    import xarray as xr

NOT_RECORDED = "the metrics do not record it: another loss than cross-entropy, or an older version"


def softmax_collapse(ds: "xr.Dataset") -> Transition:
    """Training rows whose softmax is exactly 1 and 0 in the precision of the training loss (Prieto et al. 2025)."""
    definition = (
        "For at least one training row the sum of exp(z - max z), z the logits in the precision of the training loss, "
        "is exactly 1: all terms but the greatest are lost, and the row no longer trains; a single evaluation suffices."
    )
    return _first_above_zero(ds, "softmax_collapse", definition)


def loss_underflow(ds: "xr.Dataset") -> Transition:
    """Training loss of exactly 0."""
    definition = (
        "The training loss is exactly 0 in its precision, as it also is wherever its gradient vanishes exactly: every "
        "training row has collapsed on its right answer; a single evaluation suffices."
    )
    return _first_above_zero(ds, "loss_underflow", definition)


def _first_above_zero(ds: "xr.Dataset", name: str, definition: str) -> Transition:
    found = curve_on(ds, f"metric_{name}", "metric_step")
    if not len(found):
        return not_seen(name, None, definition, "train", NOT_RECORDED)
    crossing = first_crossing(found.steps, found.values > 0, found.added)
    note = ""
    if name == "softmax_collapse" and not crossing.censored:
        note = f"at most {found.values.max():.3g} of the training rows"
    return event(name, crossing, definition, "train", note)
