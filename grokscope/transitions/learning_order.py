"""In which order the key representations (frequencies, on a cyclic group) were learned: one event for each.

Three signs that a representation rho is used, each an option, since none is the right one for every question:

- share: the share of the held-out rows' logit energy on chi(x . y . c^-1) has come half of the way to its final value;
- excluded_loss: the training loss without rho rises from its minimum since memorisation, the rule of `online_onset`,
  which reads no test label;
- similarity: the cosine of the logits of all rows with chi(x . y . c^-1) is above .05 (the published rule: Chughtai et
  al. 2023, arXiv 2302.03025, code). Memorised answers reach it too, where a group has few representations.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import RequestError, nearest
from grokscope.transitions.accuracy_events import event, memorised, not_seen
from grokscope.transitions.curves import (
    Curve,
    curve,
    declared_only,
    key_dimension,
    key_variable,
)
from grokscope.transitions.online_event import rise, rise_words
from grokscope.transitions.rules import EventRules
from grokscope.transitions.transition import Transition, Transitions

if TYPE_CHECKING:
    import xarray as xr

SIGNS = ("share", "excluded_loss", "similarity")


def learning_order(
    ds: "xr.Dataset", by: str = "share", rules: EventRules | None = None
) -> Transitions:
    """Locate when each key representation, or key frequency, was learned, the first one first.

    Parameters
    ----------
    ds
        The Dataset of one run.
    by
        The sign: share, excluded_loss or similarity.
    rules
        The thresholds; the defaults of `EventRules` where not given.

    Returns
    -------
    Transitions
        One event ``learned_<name>`` for each key representation (``learned_freq_<k>`` on a cyclic group), by the
        step at which it was seen, those that were not seen last. Where intervals overlap, the order within is not
        resolved, and the later one says so. Empty where nothing is key.

    Raises
    ------
    RequestError
        For an unknown sign, or a Dataset that does not say what is key.
    """
    if by not in SIGNS:
        raise RequestError(f"by = '{by}'", ", ".join(SIGNS), nearest(by, SIGNS))
    rules = EventRules() if rules is None else rules
    key = key_variable(ds)
    if key not in ds:
        raise RequestError(
            "the Dataset does not say what is key",
            "one with key_frequency or key_irrep",
            "its task is no product in a group",
        )
    locate = {"share": _by_share, "excluded_loss": _by_excluded, "similarity": _by_similarity}[by]
    found = [locate(ds, label, rules) for label in ds[key].values.tolist()]
    found.sort(key=lambda t: np.inf if t.high is None else t.high)
    return Transitions([_with_ties(t, found[:i]) for i, t in enumerate(found)])


def _by_share(ds: "xr.Dataset", label: str | int, rules: EventRules) -> Transition:
    shares, rows = _held_out_shares(ds, label)
    definition = (
        f"The share of the row-centred logit energy on the character of {_words(label)} is at least "
        f"{rules.learned_share:g} of its value at the last evaluation, at {rules.consecutive} consecutive "
        "evaluations; the step is the first of these."
    )
    name = _event_name(label)
    if not len(shares) or not shares.values[-1] > 0:
        note = "the share is not known" if not len(shares) else "the share is 0 at the end"
        return not_seen(name, shares.last, definition, rows, note)
    reached = shares.values >= rules.learned_share * shares.values[-1]
    return event(name, shares.sustains(reached, rules.consecutive), definition, rows)


def _by_excluded(ds: "xr.Dataset", label: str | int, rules: EventRules) -> Transition:
    excluded = curve(ds, "excluded_loss_each", label, along=key_dimension(ds))
    definition = f"The training loss without {_words(label)} in the logits {rise_words(rules)}"
    name, since = _event_name(label), memorised(declared_only(ds), rules)[0].high
    if not len(excluded):
        return not_seen(name, None, definition, "train", "excluded_loss_each is not known")
    if since is None:
        return not_seen(name, excluded.last, definition, "train", "the run has not memorised")
    return event(name, rise(excluded, since, rules), definition, "train")


def _by_similarity(ds: "xr.Dataset", label: str | int, rules: EventRules) -> Transition:
    if "logit_similarity" in ds:
        similarity = curve(ds, "logit_similarity", label, along="irrep")
    else:
        share = curve(ds, "logit_trig_share", label, along=key_dimension(ds))
        similarity = replace(share, values=np.sqrt(share.values))
    definition = (
        f"The cosine of the row-centred logits of all rows with the character of {_words(label)} is above "
        f"{rules.learned_similarity:g} at {rules.consecutive} consecutive evaluations; the step is the first of these."
    )
    name, holds = _event_name(label), similarity.values > rules.learned_similarity
    note = "" if len(similarity) else "the similarity is not known"
    crossing = similarity.sustains(holds, rules.consecutive)
    return event(name, crossing, definition, "all", note)


def _held_out_shares(ds: "xr.Dataset", label: str | int) -> tuple[Curve, str]:
    """Return the share of one representation over the steps, of twin-free test rows where it is known, and its rows."""
    if "logit_similarity_held_out" in ds:
        similarity = curve(ds, "logit_similarity_held_out", label, along="irrep")
        rows = "test_twin_free" if ds.attrs.get("n_test_twin_free") else "all"
        return replace(similarity, values=np.square(np.maximum(similarity.values, 0.0))), rows
    return curve(ds, "logit_trig_share", label, along=key_dimension(ds)), "all"


def _event_name(label: str | int) -> str:
    return f"learned_{label}" if isinstance(label, str) else f"learned_freq_{int(label)}"


def _words(label: str | int) -> str:
    return f"representation {label}" if isinstance(label, str) else f"frequency {int(label)}"


def _with_ties(found: Transition, before: list[Transition]) -> Transition:
    """Say with which earlier ones an event shares a part of its interval, so that their order is open."""
    ties = [
        t.name
        for t in before
        if t.high is not None and found.high is not None and (found.low or 0) < t.high
    ]
    if not ties:
        return found
    note = f"its interval meets that of {', '.join(ties)}: their order is not resolved"
    return Transition(
        found.name, found.low, found.high, found.censored, found.definition, found.rows,
        "; ".join(part for part in (found.note, note) if part),
    )  # fmt: skip
